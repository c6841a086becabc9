"""``tidemill tape``: import, describe and validate tapes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tidemill.tape.header import Closing, TapeSummary

_TAPE = click.argument("tape", type=click.Path(path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(name="tape")
def command() -> None:
    """Import, describe and validate tapes.

    TAPE is a file, or a folder of the files of one recording.
    """


@command.command(name="import")
@click.argument("kind")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The tape to write; it must not be there yet.")
@_JSON
def import_(kind: str, file: Path, out: Path, as_json: bool) -> None:
    """Write a tape from another recording.

    KIND uniswap-v2-pairs: reserves of Uniswap V2 pairs of October 2020, a JSON list of pairs, gzip or plain.

    KIND evm-pools: states of Uniswap V2 and V3 pools and their forks, with their ticks; lists of pools or snapshots of Tycho, JSON, gzip
    or plain.
    """
    from tidemill.api.tape import import_tape

    done = import_tape(kind, file, out)
    if as_json:
        facts = {
            "path": done.path,
            "kind": done.header.kind,
            "chains": list(done.header.chains),
            "assets": done.assets,
            "pools": done.pools,
        }
        click.echo(json.dumps({**facts, **_counts(done.closing), "left_out": dict(done.left_out), "remarks": done.remarks}))
        return
    click.echo(
        f"{done.path}: {_many(done.pools, 'pool')}, {_many(done.assets, 'asset')}, "
        f"{_many(done.closing.records, 'batch')} of {', '.join(done.header.chains)}"
    )
    for reason, count in done.left_out:
        click.echo(f"{_many(count, 'entry')} left out: {reason}")
    for remark in done.remarks:
        click.echo(remark)


@command.command()
@_TAPE
@_JSON
def info(tape: Path, as_json: bool) -> None:
    """Say what TAPE is and what it says it holds; the bytes of every frame are checked, events are not read."""
    from tidemill.api.tape import open_tape

    summary = open_tape(tape).summary()
    if as_json:
        click.echo(json.dumps(_described(summary)))
    else:
        for name, text in _lines(summary):
            click.echo(f"{name:<12}{text}")


@command.command()
@_TAPE
@_JSON
def validate(tape: Path, as_json: bool) -> None:
    """Read all of TAPE and compare it with its closing record.

    A cut or altered tape is named with the offset of the first frame that cannot be trusted, and the exit code is 1.
    """
    from tidemill.api.tape import open_tape
    from tidemill.errors import TapeDamaged

    try:
        summary = open_tape(tape).validate()
    except TapeDamaged as damage:
        if as_json:
            click.echo(json.dumps({"sound": False, "path": damage.path, "offset": damage.offset, "reason": damage.reason}))
        raise
    if as_json:
        click.echo(json.dumps({"sound": True, **_described(summary)}))
    else:
        events = sum(count for _, count in summary.closing.events)
        click.echo(f"{summary.path}: sound · {_many(summary.closing.records, 'batch')} · {_many(events, 'event')} · {summary.size} bytes")


def _described(summary: "TapeSummary") -> dict[str, Any]:
    header, closing = summary.header, summary.closing
    return {
        "path": summary.path,
        "files": summary.files,
        "size": summary.size,
        "kind": header.kind,
        "chains": list(header.chains),
        "source": header.source,
        "created_by": header.created_by,
        "seed": header.seed,
        "plugins": dict(header.plugins),
        **_counts(closing),
        "ledger_hash": closing.ledger_hash or None,
        "summary": dict(closing.summary) or None,
    }


def _counts(closing: "Closing") -> dict[str, Any]:
    import attrs

    spans = [attrs.asdict(span) for span in closing.spans]
    return {"records": closing.records, "answers": closing.answers, "events": dict(closing.events), "spans": spans}


def _lines(summary: "TapeSummary") -> list[tuple[str, str]]:
    from datetime import UTC, datetime

    header, closing = summary.header, summary.closing
    files = f", {summary.files} files" if summary.files > 1 else ""
    lines = [
        ("tape", f"{summary.path} ({summary.size} bytes{files})"),
        ("kind", header.kind),
        ("source", header.source),
        ("written by", header.created_by),
    ]
    for span in closing.spans:
        first, last = (datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S") for time in (span.from_time, span.to_time))
        lines.append(("chain", f"{span.chain}: {_many(span.heads, 'head')}, {span.first} to {span.last}, {first} to {last} UTC"))
    lines.append(("batches", f"{closing.records}, {closing.answers} of them answers"))
    lines += [("events", f"{count} {kind}") for kind, count in closing.events]
    if header.kind == "run":
        lines.append(("seed", str(header.seed)))
        lines += [("plugin", f"{name} {version}") for name, version in header.plugins]
        lines.append(("ledger hash", closing.ledger_hash))
    return [(name, text) for name, text in lines if text]


_PLURALS = {"batch": "batches", "entry": "entries"}


def _many(count: int, noun: str) -> str:
    return f"{count} {noun if count == 1 else _PLURALS.get(noun, noun + 's')}"
