"""``tidemill run``: the main job."""

import re
from pathlib import Path

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Duration(click.ParamType[int]):
    """A span such as ``90s``, ``10m``, ``2h`` or ``1d``, in whole seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", str(value))
        if found is None:
            self.fail(f"{value!r} is no duration: expected a number and a unit, such as 90s, 10m, 2h or 1d", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


@click.command(name="run")
@click.option("--config", type=click.Path(path_type=Path), help="The configuration; without it, the simulated market in paper mode.")
@click.option("--tape", type=click.Path(path_type=Path), help="Play the market of this tape.")
@click.option("--live", is_flag=True, help='Trade real money; the configuration must say mode = "live" as well.')
@click.option("--without-paper-hours", is_flag=True, help="With --live: go without the hours on paper; the audit trail says so.")
@click.option("--blocks", type=click.IntRange(min=1), help="End after so many blocks.")
@click.option("--for", "seconds", type=Duration(), help="End after so much time: 90s, 10m, 2h, 1d.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of everything random; equal seeds give equal ledgers.")
@click.option("--speed", help="real, max, or a factor such as 10x.")
@click.option("--record", type=click.Path(path_type=Path), help="Write the run to a tape.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the ledger.")
@click.option("--trace-hooks", is_flag=True, help="Print every call across plugins' interfaces to standard error, one a line.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, the summary last.")
def command(
    config: Path | None,
    tape: Path | None,
    live: bool,
    without_paper_hours: bool,
    blocks: int | None,
    seconds: int | None,
    seed: int | None,
    speed: str | None,
    record: Path | None,
    data: Path | None,
    trace_hooks: bool,
    as_json: bool,
) -> None:
    """Run the pipeline: over the simulated market, a tape, or live data.

    Ctrl-C drains and ends with the summary; `tidemill status`, `pause`, `resume` and `stop` reach a run from elsewhere. Where whoever reads
    the output through a pipe goes away, with or without --json, the run goes on quietly, and its ledger is written as ever.

    With --trace-hooks each line on standard error tells one call: the plugin and its method, arguments and answer in short, how long it
    took. It begins with the hooks that register plugins. What a plugin calls on itself, quotes of pools, and what a plugin with a process
    of its own does there are left out.
    """
    from tidemill.api.json_lines import JsonLines
    from tidemill.api.run import RunOptions, run
    from tidemill.cli.log import configure_logging
    from tidemill.cli.output import print_json
    from tidemill.cli.stdout import own_stdout
    from tidemill.domain.note_json import summary_json

    configure_logging(as_json=as_json)
    if blocks is not None and seconds is not None:
        raise click.UsageError("--blocks and --for exclude each other: give one")
    options = RunOptions(tape, live, blocks or 0, seconds or 0, seed, speed, record, data, trace_hooks, without_paper_hours)
    if not as_json:
        run(config, options)
        return
    with own_stdout() as stream:
        summary = run(config, options, notifiers=[JsonLines(stream)])
    print_json(summary_json(summary), unread=True)
