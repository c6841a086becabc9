"""The suite for commands: told like ours, quick to ask for help, and honest with machines."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import click
import pytest
from click.testing import CliRunner, Result

from tidemill.cli.main import LazyGroup
from tidemill.discovery.reserved import clash, command_name
from tidemill.hookspecs.command import Command
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.sandbox import OutsideWorld, folder_of, sandbox
from tidemill_testing.conformance.suite import Conformance

NO_OPTION = "--zz-no-such-option"


class CommandConformance(Conformance):
    """Rules for a command: ``class TestAcme(CommandConformance): plugin = Acme``.

    An author must give:
        plugin: the command's class.

    An author may give:
        exempt: as for every suite.
        capabilities: ``example`` says that ``arguments`` holds a call that works; ``json`` that this call with ``--json`` added prints
            JSON; ``failing`` that ``wrong_arguments`` holds a call that fails.
        arguments: a fixture that returns what follows the command's name in a call that works; it may make the files that it needs.
        wrong_arguments: the same for a call that fails, as one for a folder that is not there does.

    Never override anything else.
    """

    kind = "command"
    prefix = "CMD"
    may_give = Conformance.may_give | {"arguments", "wrong_arguments"}

    plugin: ClassVar[type[Command]]

    @pytest.fixture
    def arguments(self) -> Sequence[str]:
        """Return the arguments of a call that works."""
        return ()

    @pytest.fixture
    def wrong_arguments(self) -> Sequence[str]:
        """Return the arguments of a call that fails."""
        return ()

    def call(self, *arguments: str) -> Result:
        """Run the command as ``tidemill`` does, without a terminal; an error that is told has no exception but SystemExit."""
        frame = _Frame(self._command(), self._name())
        return CliRunner().invoke(frame, [self._name(), *arguments], prog_name="tidemill")

    def _name(self) -> str:
        return command_name(self.plugin.name)

    def _command(self) -> click.Command:
        made: Command = self.make()
        return made.command()

    @rule("CMD-10", "it gives a click command, and touches nothing")
    def test_it_gives_a_click_command(self) -> None:
        """The command is made whenever somebody types its name, its help included: that must be quick and without consequence.

        If this fails: return what ``@click.command()`` or ``@click.group()`` made; read files and open connections when it is invoked.
        """
        made: Command = self.make()
        try:
            # click asks gettext for the texts of its own options, and that looks for a language in the environment
            with pytest.MonkeyPatch.context() as patched, sandbox(folder_of(self.plugin)):
                patched.setattr("gettext.find", lambda *_, **__: [])
                command: Any = made.command()
        except OutsideWorld as error:
            self.broken(f"command() calls {error}")
        if not isinstance(command, click.Command):
            self.broken(f"command() returned {command!r}: expected a click command")

    @rule("CMD-11", "its name is free")
    def test_its_name_is_free(self) -> None:
        """A plugin never takes the place of one of tidemill's own commands: it would be refused.

        If this fails: choose another name, in the class and in pyproject.toml.
        """
        if clash(self._name()):
            self.broken(clash(self._name()))

    @rule("CMD-12", "its help says what it and each option do")
    def test_help_says_what_it_does(self) -> None:
        """Help is all that most people read.

        If this fails: give the function a docstring, and each option, of its subcommands too, a ``help`` text.
        """
        asked = self.call("--help")
        if asked.exit_code != 0:
            self.broken(f"--help ended with {asked.exit_code}: {asked.output or asked.exception!r}")
        for path, command in _tree(self._name(), self._command()):
            if not command.help:
                self.broken(f"{path} has no help")
            bare = [option.opts[0] for option in command.params if isinstance(option, click.Option) and not (option.help or option.hidden)]
            if bare:
                self.broken(f"{path}: {', '.join(bare)} has no help")

    @rule("CMD-13", "what it does not know is a usage error")
    def test_unknown_option_is_a_usage_error(self) -> None:
        """A misspelt option must stop it, with exit code 2, before it does something else than was meant.

        If this fails: do not set ``ignore_unknown_options`` or ``allow_extra_args``.
        """
        found = self.call(NO_OPTION)
        if found.exit_code != 2:
            self.broken(f"{NO_OPTION} ended with {found.exit_code}: expected 2")

    @rule("CMD-14", "a call that works ends with 0", needs="example")
    def test_call_that_works_ends_with_0(self, arguments: Sequence[str]) -> None:
        """Scripts go by the exit code.

        If this fails: look at the message; the call is the one that your fixture ``arguments`` gives.
        """
        found = self.call(*arguments)
        if found.exit_code != 0:
            self.broken(f"{' '.join(arguments)} ended with {found.exit_code}: {found.output or found.exception!r}")

    @rule("CMD-15", "without a terminal it prints plain lines", needs="example")
    def test_it_prints_plain_lines(self, arguments: Sequence[str]) -> None:
        """Output goes into files and pipes: control codes make it unreadable there.

        If this fails: print with ``click.echo``, which leaves colours out where there is no terminal, and escape what others named.
        """
        found = self.call(*arguments)
        codes = sorted({sign for sign in found.output if not sign.isprintable() and sign not in "\n\t"})
        if codes or not found.output.strip():
            self.broken(f"it printed {', '.join(map(repr, codes))}" if codes else "it printed nothing")

    @rule("CMD-16", "with --json it prints JSON and nothing else", needs="json")
    def test_json_is_json(self, arguments: Sequence[str]) -> None:
        """Other programs read it: one object, or one object a line; amounts as text, since JSON's numbers end at 53 bits.

        If this fails: print notices to standard error (``click.echo(…, err=True)``), and amounts as ``str``.
        """
        found = self.call(*arguments, "--json")
        for line in found.stdout.splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                self.broken(f"{line[:120]!r} is not JSON")
            if not isinstance(value, dict):
                self.broken(f"{line[:120]!r} is no object")
            wide = [key for key, inner in value.items() if isinstance(inner, int) and abs(inner) >= 1 << 53]
            if wide:
                self.broken(f"{', '.join(wide)} is a number of more than 53 bits: write it as text")
        if found.exit_code != 0 or not found.stdout.strip():
            self.broken(f"--json ended with {found.exit_code} and printed {len(found.stdout)} characters: {found.exception!r}")

    @rule("CMD-17", "an error is one message and an exit code", needs="failing")
    def test_error_is_one_message(self, wrong_arguments: Sequence[str]) -> None:
        """What went wrong is told to the person who can mend it: no traceback, 2 for usage and configuration, 1 for the rest.

        If this fails: raise ``UsageError`` or another error of ``tidemill.errors``, or one of click's; translate what libraries raise.
        """
        found = self.call(*wrong_arguments)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            self.broken(f"{' '.join(wrong_arguments)} raised {found.exception!r}")
        if found.exit_code not in (1, 2) or not found.stderr.strip():
            self.broken(f"{' '.join(wrong_arguments)} ended with {found.exit_code} and told {found.stderr!r}")


class _Frame(LazyGroup):
    """``tidemill`` with one command, which need not be installed."""

    def __init__(self, command: click.Command, name: str) -> None:
        super().__init__(name="tidemill", context_settings={"help_option_names": ["-h", "--help"]})
        self._command = command
        self._name = name

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._command if cmd_name == self._name else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        return click.Group.resolve_command(self, ctx, args)


def _tree(path: str, command: click.Command) -> list[tuple[str, click.Command]]:
    """Return a command and its subcommands, each with how it is typed."""
    found = [(path, command)]
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            found += _tree(f"{path} {name}", command.commands[name])
    return found
