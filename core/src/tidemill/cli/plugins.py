"""``tidemill plugins``: what is installed."""

from pathlib import Path

import click

from tidemill.api.plugins import PluginListing, list_plugins
from tidemill.cli.output import print_json_lines


@click.command(name="plugins")
@click.option("--config", "config", type=click.Path(path_type=Path), help="Whose enabled plugins are marked.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def command(config: Path | None, as_json: bool) -> None:
    """List the installed plugins: name, kind, version, distribution, whether enabled, and one sentence; none is imported."""
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


def _row(plugin: PluginListing) -> tuple[str, str, str, str, str, str]:
    enabled = "refused" if plugin.refused else "yes" if plugin.enabled else "no"
    return plugin.name, plugin.kind, plugin.version, plugin.distribution, enabled, plugin.refused or plugin.sentence
