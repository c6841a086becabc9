"""The command ``tidemill``. A subcommand's module is imported when it is called; ``--version`` and ``--help`` import none.

Commands of plugins follow the own ones: they are looked for, in metadata alone, by ``--help`` and when a name is none of ours.
"""

import faulthandler
import sys
from collections.abc import MutableMapping, Sequence
from contextlib import ExitStack
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tidemill import __version__

if TYPE_CHECKING:
    from tidemill.discovery.commands import FoundCommand


class Entry(NamedTuple):
    """Where a command lives, ``module:attribute``, and its line in ``--help``."""

    target: str
    help: str


COMMANDS = {
    "run": Entry("tidemill.cli.run:command", "Run the pipeline: over the simulated market, a tape, or live data."),
    "replay": Entry("tidemill.cli.replay:command", "Fold a recorded run again and compare its ledger hash."),
    "scan": Entry("tidemill.cli.scan:command", "List the profitable cycles of a tape, best first."),
    "quote": Entry("tidemill.cli.quote:command", "Give one exact quote of a pool on a tape."),
    "tape": Entry("tidemill.cli.tape:command", "Import, describe and validate tapes."),
    "ledger": Entry("tidemill.cli.ledger:command", "Show, verify, hash and export the ledger."),
    "config": Entry("tidemill.cli.config:command", "Write, check and show configurations."),
    "explain": Entry("tidemill.cli.explain:command", "Draw the pipeline as configured."),
    "status": Entry("tidemill.cli.control:status", "Show what a running instance is at."),
    "pause": Entry("tidemill.cli.control:pause", "Ask a strategy, or all, no longer."),
    "resume": Entry("tidemill.cli.control:resume", "Ask a paused strategy, or all, again."),
    "stop": Entry("tidemill.cli.control:stop", "End a running instance as Ctrl-C does."),
    "positions": Entry("tidemill.cli.books:positions", "Show what each book holds, and what it comes from."),
    "exposure": Entry("tidemill.cli.books:exposure", "Show what is at risk now."),
    "why": Entry("tidemill.cli.books:why", "Tell the story of a transaction, a plan, an opportunity or a pool."),
    "reconcile": Entry("tidemill.cli.reconcile:command", "Compare the books with the chains, and put right what differs."),
    "plugins": Entry("tidemill.cli.plugins:command", "List, install and uninstall plugins."),
    "check": Entry("tidemill.cli.check:command", "Check a plugin's package."),
    "doctor": Entry("tidemill.cli.doctor:command", "Look at what a run stands on, each finding with its remedy."),
    "warmup": Entry("tidemill.cli.warmup:command", "Compile the search kernels into the cache."),
    "new": Entry("tidemill.cli.new:command", "Write a new plugin package."),
}

INTERRUPTED = 130
_STDERR = 2
"""The file descriptor: what stands in for ``sys.stderr`` may have none."""
_GUARDS = "tidemill.guards"


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, and which turns our errors into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *(name for name, found in _of_plugins().items() if not found.refusal)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return self._of_plugin(ctx, cmd_name)
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def _of_plugin(self, ctx: click.Context, name: str) -> click.Command | None:
        found = _of_plugins().get(name)
        if found is None:
            return None
        from tidemill.api.plugin_command import load_command
        from tidemill.discovery.commands import answering_for

        command = load_command(found)
        if _GUARDS in ctx.meta:
            ctx.meta[_GUARDS].enter_context(answering_for(found))
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what one of a plugin raises is put to that plugin."""
        with ExitStack() as guards:
            ctx.meta[_GUARDS] = guards
            return super().invoke(ctx)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            known = [*COMMANDS, *_of_plugins()]
            if args[0] not in known:
                near = get_close_matches(args[0], known, n=1)
                ctx.fail(f"no such command {args[0]!r}" + (f"; did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])
        found = _of_plugins()
        if found:
            with formatter.section("Commands of plugins"):
                formatter.write_dl([(name, _line(one)) for name, one in found.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run; exit code 0 is ok, 1 failed, 2 usage or configuration, 130 interrupted. A bug keeps its traceback.

        A plugin that crashes in C ends the process: which line of whose file was running, also while it was imported, is told first.
        """
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        if not faulthandler.is_enabled():
            faulthandler.enable(file=_STDERR)
        try:
            code = super().main(args, prog_name or "tidemill", complete_var, standalone_mode=False, **extra)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            code = INTERRUPTED
        except _our_errors() as error:
            click.echo(str(error), err=True)
            code = _exit_code(error)
        sys.exit(code if isinstance(code, int) else 0)


def _of_plugins() -> "dict[str, FoundCommand]":
    from tidemill.discovery.commands import find_commands

    return find_commands()


def _line(found: "FoundCommand") -> str:
    sentence = f"{found.sentence.rstrip('.')}." if found.sentence else ""
    return f"refused ({found.distribution}): {found.refusal}" if found.refusal else f"{sentence} ({found.distribution})".strip()


def _our_errors() -> type[Exception]:
    """Import the error tree only when something was raised: the start of every command is spared it."""
    from tidemill.errors import TidemillError

    return TidemillError


def _exit_code(error: Exception) -> int:
    from tidemill.errors import ConfigError, UsageError

    return 2 if isinstance(error, ConfigError | UsageError) else 1


_CONTEXT: MutableMapping[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


@click.group(cls=LazyGroup, context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="tidemill", message="%(prog)s %(version)s")
def main() -> None:
    """A plugin framework for on-chain trading: one pipeline over a simulated market, a tape, or live data."""
