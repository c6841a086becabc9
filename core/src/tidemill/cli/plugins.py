"""``tidemill plugins``: what is installed; install and uninstall."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidemill.cli.output import print_json_lines

if TYPE_CHECKING:
    from tidemill.api.plugins import PluginListing
    from tidemill.discovery.metadata import PluginMetadata

_DATA = click.option("--data", type=click.Path(path_type=Path), help="Folder of a run that may be on; the configuration's by default.")
_YES = click.option("--yes", is_flag=True, help="Do not ask: for scripts.")


@click.group(name="plugins", invoke_without_command=True)
@click.option("--config", "config", type=click.Path(path_type=Path), help="Whose enabled plugins are marked.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def command(context: click.Context, config: Path | None, as_json: bool) -> None:
    """List the installed plugins: name, kind, version, distribution, whether enabled, and one sentence; none is imported."""
    if context.invoked_subcommand is not None:
        if config is not None or as_json:
            raise click.UsageError(
                f"--config and --json before {context.invoked_subcommand} are for the list: leave them out, or write them after it"
            )
        return
    from tidemill.api.plugins import list_plugins

    found = list_plugins(config)
    if as_json:
        print_json_lines(found)
        return
    if not found:
        click.echo("no plugins are installed")
        return
    rows = [("name", "kind", "version", "distribution", "enabled", ""), *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[5]]).rstrip())


def _row(plugin: "PluginListing") -> tuple[str, str, str, str, str, str]:
    enabled = "refused" if plugin.refused else "yes" if plugin.enabled else "no"
    return plugin.name, plugin.kind, plugin.version, plugin.distribution, enabled, plugin.refused or plugin.sentence


@command.command()
@click.argument("name")
@_YES
@_DATA
@click.option("--find-links", multiple=True, type=click.Path(path_type=Path), help="A folder of wheels to look into as well.")
@click.option("--no-index", is_flag=True, help="Look into those folders alone.")
def install(name: str, yes: bool, data: Path | None, find_links: tuple[Path, ...], no_index: bool) -> None:
    """Install a plugin in the environment in use.

    NAME is one of ours (dex.uniswap), a distribution, a plugin's folder, or a wheel. What would be installed is shown first, with the
    sha256 of every wheel. The host itself is never changed, and nothing is installed while a live run is on.
    """
    from tidemill.api.install import enabled_tables, plan_install

    with plan_install(name, data=data, find_links=find_links, no_index=no_index) as plan:
        if not plan.packages:
            click.echo(f"{name} is installed already")
            return
        click.echo(f"with {plan.tool.name}, in the environment of {plan.tool.python}:")
        width = max(len(package.name) for package in plan.packages)
        for package in plan.packages:
            replaced = f"  replaces {package.replaces}" if package.replaces else ""
            click.echo(f"  {package.name.ljust(width)}  {package.version:<10}  sha256 {' or '.join(package.sha256)}{replaced}")
        _ask(f"install {len(plan.packages)} package{'s' if len(plan.packages) != 1 else ''}?", yes=yes)
        plugins = plan.carry_out()
    click.echo("installed")
    enabled = enabled_tables()
    for plugin in plugins:
        click.echo(f"  {plugin.path} {plugin.refusal or _first_step(plugin, enabled=plugin.path in enabled)}")


def _first_step(plugin: "PluginMetadata", *, enabled: bool) -> str:
    from tidemill.discovery.reserved import command_name

    if plugin.kind == "command":
        return f"is there: `tidemill {command_name(plugin.name)} --help`"
    if enabled:
        return "is there, and the configuration in use enables it"
    return f"is there: [{plugin.path}] in tidemill.toml enables it"


@command.command()
@click.argument("name")
@_YES
@_DATA
@click.option("--config", type=click.Path(path_type=Path), help="Whose tables are looked through; ./tidemill.toml by default.")
def uninstall(name: str, yes: bool, data: Path | None, config: Path | None) -> None:
    """Uninstall a plugin, by its name (dex.uniswap) or its distribution, and tell which tables still name it."""
    from tidemill.api.install import plan_uninstall

    plan = plan_uninstall(name, config=config, data=data)
    click.echo(f"{plan.distribution} {plan.version}, with {', '.join(plan.plugins)}")
    for place in plan.named_by:
        click.echo(f"  {place} still names it: remove the table, or set enabled = false")
    _ask("uninstall it?", yes=yes)
    plan.carry_out()
    click.echo("uninstalled")


def _ask(question: str, *, yes: bool) -> None:
    """Ask; without a terminal there is nobody to answer."""
    if yes:
        return
    if not _is_terminal():
        raise click.UsageError("standard input is no terminal, so nobody can be asked: read what is shown, then add --yes")
    click.confirm(question, abort=True)


def _is_terminal() -> bool:
    return sys.stdin.isatty()
