"""What became of the rules: some lines at the end of a run, and a page where ``--conformance-report`` asks for one."""

import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from attrs import evolve

from tidemill_testing.conformance.entry import Entry
from tidemill_testing.conformance.guard import ENTRY, ROSTER

_WORST_FIRST = ("broken", "not_run", "exempt", "not_declared", "held")
_WORDS = {"held": "held", "broken": "**broken**", "exempt": "exempt", "not_declared": "not declared", "not_run": "not run"}


class Report:
    """Collects what the guard noted in the reports of tests; with pytest-xdist in the process that holds the workers."""

    def __init__(self, page: Path | None) -> None:
        self._page = page
        self._entries: dict[tuple[str, str], dict[str, Entry]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what the guard noted; of several runs of one rule the worst counts."""
        noted: Mapping[str, str] | None = getattr(report, ENTRY, None)
        if noted is None:
            return
        entry = Entry(**{("class_name" if key == "class" else key): value for key, value in noted.items()})  # type: ignore[arg-type]  # as noted
        rules = self._entries.setdefault((entry.file, entry.class_name), {})
        for number, title in getattr(report, ROSTER, ()):
            rules.setdefault(number, Entry(entry.kind, entry.plugin, entry.class_name, entry.file, number, title, "not_run"))
        known = rules.get(entry.rule)
        if known is not None and not entry.rule and entry.message not in known.message:
            entry = evolve(entry, message=f"{known.message}; {entry.message}")
            rules[""] = entry
        if known is None or known.outcome == "not_run" or _WORST_FIRST.index(entry.outcome) < _WORST_FIRST.index(known.outcome):
            rules[entry.rule] = entry

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every rule of every class that ran, by file, class and number."""
        return tuple(self._entries[name][number] for name in sorted(self._entries) for number in sorted(self._entries[name]))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a line for each class, and below it what is red."""
        if self._entries:
            terminalreporter.section("conformance")
        for line in summary(self.entries):
            terminalreporter.write_line(line)
        if self._page is not None:
            terminalreporter.write_line(f"conformance report: {self._page}")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Write the page, and end the run red where a rule is, whatever hooks made of its report or of the exit code."""
        self._write()
        yield
        if session.exitstatus == pytest.ExitCode.OK and any(entry.outcome == "broken" for entry in self.entries):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _write(self) -> None:
        if self._page is not None:
            self._page.parent.mkdir(parents=True, exist_ok=True)
            text = as_json(self.entries) if self._page.suffix == ".json" else as_markdown(self.entries)
            self._page.write_text(text, "utf-8")


def summary(entries: Sequence[Entry]) -> list[str]:
    """Return a line for each class and one for each red rule: ``conformance dex acme: 22 of 23 rules hold, 1 exempt (DEX-09: reason)``."""
    lines = []
    classes = _by_class(entries)
    plugins = [(found[0].kind, found[0].plugin) for found in classes]
    for rules, plugin in zip(classes, plugins, strict=True):
        name = " ".join(filter(None, plugin)) or rules[0].file
        if plugins.count(plugin) > 1:
            name += f" ({rules[0].class_name})"
        lines.append(f"conformance {name}: {_counts(rules)}")
        lines += [f"  {entry.message}" for entry in rules if entry.outcome == "broken"]
    return lines


def _counts(rules: Sequence[Entry]) -> str:
    numbered = [entry for entry in rules if entry.rule]
    by_outcome = {outcome: [entry for entry in numbered if entry.outcome == outcome] for outcome in _WORST_FIRST}
    applying = len(numbered) - len(by_outcome["not_declared"])
    parts = [f"{len(by_outcome['held'])} of {applying} rules hold"] if applying else []
    broken = [entry for entry in rules if entry.outcome == "broken"]
    if broken:
        parts.append(f"{len(broken)} broken")
    if by_outcome["exempt"]:
        reasons = "; ".join(f"{entry.rule}: {entry.message.partition(': exempt, ')[2]}" for entry in by_outcome["exempt"])
        parts.append(f"{len(by_outcome['exempt'])} exempt ({reasons})")
    if by_outcome["not_declared"]:
        parts.append(f"{len(by_outcome['not_declared'])} not declared ({', '.join(entry.rule for entry in by_outcome['not_declared'])})")
    if by_outcome["not_run"]:
        parts.append(f"{len(numbered) - len(by_outcome['not_run'])} of {len(numbered)} rules run")
    return ", ".join(parts)


def as_json(entries: Iterable[Entry]) -> str:
    """Return a list with an object a rule: kind, plugin, class, file, rule, title, outcome, message."""
    return json.dumps([entry.as_json() for entry in entries], indent=1, ensure_ascii=False) + "\n"


def as_markdown(entries: Sequence[Entry]) -> str:
    """Return one page: a table for each class."""
    lines = ["# Conformance", ""]
    for rules in _by_class(entries):
        first = rules[0]
        lines += [f"## {' '.join(filter(None, (first.kind, first.plugin))) or first.file}", ""]
        lines += [
            f"`{first.class_name}` in `{first.file}`: {_counts(rules)}.",
            "",
            "| rule | title | outcome | |",
            "| --- | --- | --- | --- |",
        ]
        lines += [f"| {_cell(entry.rule)} | {_cell(entry.title)} | {_WORDS[entry.outcome]} | {_cell(_told(entry))} |" for entry in rules]
        lines.append("")
    return "\n".join(lines)


def _told(entry: Entry) -> str:
    head = f"{entry.rule} {entry.title}: "
    return entry.message.removeprefix(head).removeprefix("exempt, ")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _by_class(entries: Sequence[Entry]) -> list[list[Entry]]:
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.file, entry.class_name), []).append(entry)
    return list(found.values())
