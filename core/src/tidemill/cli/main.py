"""The command ``tidemill``. A subcommand's module is imported when it is called; ``--version`` and ``--help`` import none."""

import sys
from collections.abc import MutableMapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import click

from tidemill import __version__


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
    "plugins": Entry("tidemill.cli.plugins:command", "List the installed plugins."),
}

INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, and which turns our errors into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            near = get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"no such command {args[0]!r}" + (f"; did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run; exit code 0 is ok, 1 failed, 2 usage or configuration, 130 interrupted. A bug keeps its traceback."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
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
