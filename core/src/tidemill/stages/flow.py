"""The order of the pipeline: the one object that the picture, ``explain``, the docs and the tests are made from."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from attrs import frozen

from tidemill.hookspecs.kinds import KIND_BY_NAME

WIDTH = 84
"""Columns of a box in the picture, its frame included."""


@frozen
class Stage:
    """A stage of the pipeline: what it takes and gives, which kinds of plugins serve it, and what it does in one sentence."""

    name: str
    takes: str
    gives: str
    kinds: tuple[str, ...]
    sentence: str


FLOW = (
    Stage("sources", "the world", "Batch", ("chain", "price"), "Blocks, logs, states and prices come in as batches of events."),
    Stage("market", "Batch", "Snapshot", ("dex", "lender"), "Bytes become pools, loans and prices, each with a version and an age."),
    Stage("ideas", "Snapshot", "Opportunity", ("strategy", "search"), "What changed is searched for what may earn, best first."),
    Stage("risk", "Opportunity", "Allowance", ("risk",), "How much of whose money may be risked, or why none."),
    Stage(
        "planning", "Allowance", "Plan", ("dex", "lender", "chain", "risk"), "The best size, the exact swaps, a last look, the reservation."
    ),
    Stage("execution", "Plan", "Outcome", ("chain", "codec"), "Filled, refused, reverted, dead, or unknown until reconciled."),
    Stage("ledger", "Outcome", "Entry", ("store",), "Every outcome is booked twice, and the books always balance."),
    Stage("notify", "Entry", "messages", ("notifier", "command"), "Everything worth telling is told, or asked for."),
)
"""The stages in the order in which a batch passes them."""

_BACK_FROM, _BACK_TO = "execution", "market"


def draw_flow(plugins_by_kind: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return the picture of the pipeline as lines of text.

    Args:
        plugins_by_kind: what stands behind each kind, for example ``uniswap 0.1.0``; None draws the folders of the kinds instead.
    """
    lines: list[str] = []
    returning = False
    for place, stage in enumerate(FLOW):
        first = "─" * 8 + ("▼" if place else "─")
        lines.append(_side(f"┌{first}{'─' * (WIDTH - 2 - len(first))}┐", returning))
        for row, text in enumerate(_texts(stage, plugins_by_kind)):
            box = f"│ {text:<{WIDTH - 4}} │"
            if row == 0 and stage.name == _BACK_TO:
                lines.append(f"{box}◀──┐")
                returning = True
            elif row == 0 and stage.name == _BACK_FROM:
                lines.append(f"{box}───┘ answers come back as batches")
                returning = False
            else:
                lines.append(_side(box, returning))
        if place < len(FLOW) - 1:
            last = "─" * 8 + "┬"
            lines.append(_side(f"└{last}{'─' * (WIDTH - 2 - len(last))}┘", returning))
            lines.append(_side(f"         │ {stage.gives}".ljust(WIDTH), returning))
        else:
            lines.append(f"└{'─' * (WIDTH - 2)}┘")
    return "\n".join(line.rstrip() for line in lines)


def _side(line: str, returning: bool) -> str:
    """Put the way back beside a line."""
    return f"{line}   │" if returning else line


def _texts(stage: Stage, plugins_by_kind: Mapping[str, Sequence[str]] | None) -> Iterator[str]:
    yield f"{stage.name:<10} {stage.sentence}"
    for kind in stage.kinds:
        folder = KIND_BY_NAME[kind].folder
        if plugins_by_kind is None:
            continue
        for row, part in enumerate(_lines(plugins_by_kind.get(kind, ()) or ("none",), WIDTH - 4 - 24)):
            yield f"{'':<11}{folder if row == 0 else '':<12} {part}"
    if plugins_by_kind is None:
        yield f"{'':<11}plugins: {', '.join(KIND_BY_NAME[kind].folder for kind in stage.kinds)}"


def _lines(names: Sequence[str], width: int) -> list[str]:
    """Put names side by side, none broken in two unless it is wider than a line."""
    lines: list[str] = []
    for name in names:
        if lines and len(lines[-1]) + len(name) + 3 <= width:
            lines[-1] += f" · {name}"
        else:
            lines += wrap(name, width)
    return lines
