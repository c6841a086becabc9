"""Times cases side by side and prints the table that they make.

A round runs every case once before the next round begins, ours and those of others alike: a machine that is busy for a second then slows
all of them, and the ratios stand. A figure is the median of its rounds. Nothing here fails: a missed target is said in the table.

What runs inside this process is timed in processor time, so that waiting for a core that others hold does not count; whole processes
are timed by the clock on the wall, as their users feel them.
"""

import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from statistics import median
from time import process_time_ns

from attrs import frozen

_MIN_NS = 4_000_000
"""A round of a short call repeats it for at least so long, so that the clock itself does not count."""


@frozen
class Unit:
    """How a figure is written; ``more`` says that a higher one is better."""

    name: str
    more: bool = False
    digits: int = 2

    def text(self, value: float) -> str:
        """Return a figure with its unit."""
        return f"{value:,.{self.digits}f} {self.name}"

    def holds(self, value: float, target: float) -> bool:
        """Whether a figure reaches its target."""
        return value >= target if self.more else value <= target


TIMES = Unit("×", more=True, digits=0)
RATE = Unit("/s", more=True, digits=0)
NANOSECONDS = Unit("ns", digits=1)
MICROSECONDS = Unit("µs")
MILLISECONDS = Unit("ms")
SECONDS = Unit("s", digits=3)
MEGABYTES = Unit("MB", digits=0)


@frozen
class Case:
    """One line of a table. ``once`` runs one round and returns its figure; ``beside`` names the cases that do the same another way."""

    name: str
    unit: Unit
    once: Callable[[], float]
    target: float | None = None
    beside: tuple[str, ...] = ()


def per_call(call: Callable[[], object]) -> Callable[[], float]:
    """Return a round that repeats a short call and gives its time in microseconds."""
    started = process_time_ns()
    call()
    number = max(1, _MIN_NS // max(1, process_time_ns() - started))

    def once() -> float:
        started = process_time_ns()
        for _ in repeat(None, number):
            call()
        return (process_time_ns() - started) / number / 1000

    return once


def rounds_of(cases: Sequence[Case], rounds: int, *, warm_up: bool = True) -> dict[str, float]:
    """Return the median of each case by name; with ``warm_up`` one more round than asked for comes first and is not counted."""
    figures: dict[str, list[float]] = {case.name: [] for case in cases}
    for place in range(rounds + warm_up):
        for case in cases:
            figure = case.once()
            if place >= warm_up:
                figures[case.name].append(figure)
    return {name: median(found) for name, found in figures.items()}


def table(cases: Sequence[Case], figures: Mapping[str, float]) -> list[str]:
    """Return the figures as a Markdown table; a ratio above 1 says that ours is so many times as fast (or as small)."""
    lines = ["| what | target | median | reached | beside it, in the same rounds |", "| --- | ---: | ---: | --- | --- |"]
    by_name = {case.name: case for case in cases}
    for case in cases:
        figure = figures[case.name]
        target = reached = ""
        if case.target is not None:
            target = f"{'≥' if case.unit.more else '≤'} {case.unit.text(case.target)}"
            reached = "yes" if case.unit.holds(figure, case.target) else "**no**"
        beside = ", ".join(_ratio(by_name[name], figures[name], figure) for name in case.beside if name in figures)
        lines.append(f"| {case.name} | {target} | {case.unit.text(figure)} | {reached} | {beside} |")
    return lines


def _ratio(other: Case, theirs: float, ours: float) -> str:
    ratio = ours / theirs if other.unit.more else theirs / ours
    return f"{ratio:.2g} × {other.name}" if ratio < 10 else f"{ratio:,.0f} × {other.name}"


def machine() -> str:
    """Return processor, cores, Python and system: a figure means nothing without them."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores{load}, {platform.python_implementation()} {platform.python_version()}, {platform.system()}"


def report(
    title: str, cases: Sequence[Case], rounds: int, remarks: Sequence[str] | Callable[[], Sequence[str]] = (), *, warm_up: bool = True
) -> None:
    """Measure the cases and print their table. ``remarks`` may be made afterwards, of what the cases found."""
    figures = rounds_of(cases, rounds, warm_up=warm_up)
    said = remarks() if callable(remarks) else remarks
    say(f"## {title}", "", f"{machine()}; medians of {rounds} rounds.", "", *table(cases, figures), "")
    for remark in said:
        say(f"* {remark}")
    if said:
        say("")


def say(*lines: str) -> None:
    """Print lines of the report at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
