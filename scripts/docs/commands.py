"""The page of the command line: every command's help."""

from collections.abc import Iterator

import click

from scripts.docs.markdown import block, page, table
from tidemill.cli.main import COMMANDS, main

WIDTH = 100


def command_line_page() -> str:
    """Every command and subcommand, with what `--help` says."""
    context = click.Context(main, info_name="tidemill", terminal_width=WIDTH, max_content_width=WIDTH)
    found = list(commands(main, context))
    rows = [(f"[`tidemill {name}`](#tidemill-{name})", entry.help) for name, entry in COMMANDS.items()]
    return page(
        "The command line",
        "what every command's `--help` says",
        "Exit codes: 0 ok, 1 failed, 2 wrong usage or configuration, 130 interrupted. Commands that give figures take `--json`: one\n"
        "object, or one object a line where there are many; amounts in it are strings of base units. Without a terminal the output is\n"
        "plain lines.",
        table(("command", "what it does"), rows),
        *[f"## `{name}`\n\n{block(text)}" for name, text in found],
    )


def commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield the path and the help of a command's subcommands, those of the kernel alone."""
    assert isinstance(command, click.Group)
    for name in COMMANDS if command is main else command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None, f"the command {name} cannot be loaded"
        path = f"{context.info_name} {name}"
        below = click.Context(inner, info_name=path, terminal_width=WIDTH, max_content_width=WIDTH)
        yield path, inner.get_help(below)
        if isinstance(inner, click.Group):
            yield from commands(inner, below)
