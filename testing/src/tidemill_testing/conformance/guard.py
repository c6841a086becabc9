"""The pytest plugin that keeps rules from being weakened in silence, and notes what became of each."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from tidemill_testing.conformance.entry import Entry, Outcome, entry_of, roster_of, suite_rules
from tidemill_testing.conformance.rule import WATCH, RuleMethod, is_overridden, is_suite, standing_of
from tidemill_testing.conformance.weakening import Weakening, remedy, weakenings

CHOICES = ("-k", "-m", "--deselect", "--lf", "--last-failed", "--sw", "--stepwise")
MARKS = ("skip", "skipif", "xfail")
ENTRY, ROSTER = "conformance_entry", "conformance_roster"


class Weakened(AssertionError):
    """A rule was taken out of force by other means than ``exempt``."""


class Verdict(pytest.Item):
    """An item that fails: stands in the run for a rule that was weakened before it could run."""

    suite: type
    weakening: Weakening

    @classmethod
    def of(cls, parent: pytest.Collector, suite: type, place: int, weakening: Weakening) -> "Verdict":
        """Return the item for one weakening; ``place`` tells those of one class apart."""
        number = weakening.method.rule.number if weakening.method else f"conformance {place}"
        made: Verdict = cls.from_parent(parent, name=f"{suite.__name__} {number}" if isinstance(parent, pytest.Module) else number)
        made.suite, made.weakening = suite, weakening
        return made

    def runtest(self) -> None:
        """Fail.

        Raises:
            Weakened: always.
        """
        raise Weakened(self.weakening.message)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """Return the message alone: no line of this file helps."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the author's file."""
        return self.path, 0, self.name


@define(eq=False)
class _Class:
    """A class with a suite that a test module holds; ``parent`` is where its verdicts hang, ``collected`` the names of its rules."""

    parent: pytest.Collector
    collected: set[str] = field(factory=set)


class Guard:
    """Compares what should run with what does.

    ``examples`` is what ``--conformance-examples`` says, 0 where it says nothing. On the command line it counts as it stands; in a
    configuration, which nobody sees who reads the command, it may only add examples. Where the command line itself chooses tests, a
    rule that is not among them is no fault.

    Not noticed: a file of tests that is never collected, or a run that is ended before it begins. Who needs proof that rules ran reads
    the report, as ``tidemill check plugin`` does.
    """

    def __init__(self, arguments: Sequence[str], examples: int) -> None:
        self._chosen = any("::" in argument or argument.startswith(CHOICES) for argument in arguments)
        self._typed = any(argument.startswith("--conformance-examples") for argument in arguments)
        self._examples = examples
        self._told: set[str] = set()
        self._classes: dict[type, _Class] = {}
        self._skipped: list[tuple[pytest.Collector, str]] = []

    def pytest_pycollect_makeitem(self, collector: pytest.Module | pytest.Class, name: str, obj: object) -> None:
        """Note classes that inherit a suite, also those that pytest passes over because of their name."""
        if isinstance(obj, type) and not is_suite(obj) and suite_rules(obj) and obj.__module__ == getattr(collector.obj, "__name__", ""):
            self._classes.setdefault(obj, _Class(collector))

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Note test files that skip themselves and with that their suites."""
        report = yield
        if report.skipped and isinstance(collector, pytest.Module) and _mentions_a_suite(collector.path):
            self._skipped.append((collector, str(report.longrepr[-1]) if isinstance(report.longrepr, tuple) else ""))
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> Generator[None, None, None]:
        """Add an item that fails for each weakening, once every other plugin has taken out what it wanted."""
        yield
        self._judge_all(items)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Judge once more: a hook of a folder's own conftest comes after the one above."""
        self._judge_all(session.items)
        yield

    def _judge_all(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not isinstance(item, Verdict)]
        for seen in self._classes.values():
            seen.collected.clear()
        for item in items:
            found = _rule_item(item)
            if found is not None:
                suite, method = found
                parent = item.getparent(pytest.Class) or item.parent
                assert parent is not None
                seen = self._classes.setdefault(suite, _Class(parent))
                seen.parent = parent
                seen.collected.add(method.name)
        for suite, seen in self._classes.items():
            for place, weakening in enumerate(self._judge(suite, seen)):
                items.append(Verdict.of(seen.parent, suite, place, weakening))
        for collector, reason in self._skipped:
            items.append(Verdict.of(collector, object, 0, Weakening(None, _skipped_file(collector, reason))))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Report as broken what was to run and of which nothing was heard."""
        done = yield
        # With pytest-xdist no process knows which of its items another one ran
        if session.config.option.collectonly or hasattr(session.config, "workerinput"):
            return done
        for item in session.items:
            found = _rule_item(item)
            if found is not None and item.nodeid not in self._told:
                text = f"{found[1].rule}: was to run and never did: a hook took its place; {remedy(found[1])}"
                report = pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "call")
                _note(report, found[0], entry_of(found[0], item, found[1], "broken", text))
                session.config.hook.pytest_runtest_logreport(report=report)
        return done

    def _judge(self, suite: type, seen: _Class) -> Sequence[Weakening]:
        is_base = any(other is not suite and issubclass(other, suite) for other in self._classes)
        if not seen.collected and (is_base or self._chosen or not hasattr(suite, "plugin")):
            return ()
        found = list(weakenings(suite))
        told = {weakening.method.name for weakening in found if weakening.method}
        missing = [method for method in suite_rules(suite) if method.name not in seen.collected | told]
        if self._chosen:
            return found
        if not seen.collected:
            text = f"{suite.__name__} inherits a suite and none of its {len(missing)} rules was collected"
            return [Weakening(None, f"{text}: is its name one that pytest collects (Test…), and __test__ not False?")]
        text = "was collected and then left out, by a hook or an option that is not on the command line"
        return found + [Weakening(method, f"{method.rule}: {text}; {remedy(method)}") for method in missing]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Leave out what is exempt or not declared, before its fixtures are made."""
        WATCH.node = item.nodeid
        found = _rule_item(item)
        if found is None:
            return
        standing, reason = standing_of(found[0], found[1].rule)
        if standing != "runs":
            pytest.skip(reason)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Say how many examples a property gets, after fixtures had their turn."""
        if isinstance(item, pytest.Function) and _rule_item(item) is not None:
            item.instance.example_count = self._examples if self._typed and self._examples else None
            item.instance.least_examples = 0 if self._typed else self._examples

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn a rule that was skipped, marked or not run into a failure, and write into the report what became of it."""
        report = yield
        if isinstance(item, Verdict):
            if report.when == "call":
                _note(report, item.suite, entry_of(item.suite, item, item.weakening.method, "broken", item.weakening.message))
            return report
        found = _rule_item(item)
        if found is None or (report.when != "call" and report.passed):
            return report
        suite, method = found
        self._told.add(item.nodeid)
        standing, reason = standing_of(suite, method.rule)
        if standing != "runs":
            _note(report, suite, entry_of(suite, item, method, standing, reason))
            return report
        weakened = _weakened_at_run_time(item, report, call)
        if weakened:
            report.outcome, report.when = "failed", "call"
            report.longrepr = f"{method.rule}: {weakened}; {remedy(method)}"
            if hasattr(report, "wasxfail"):
                del report.wasxfail
        outcome: Outcome = "broken" if report.failed else "held"
        message = _headline(report, method, call) if report.failed else ""
        if report.failed and method.hint:
            report.sections.append((f"{method.rule.number} fails: what to check", method.hint))
        _note(report, suite, entry_of(suite, item, method, outcome, message))
        return report


def _rule_item(item: pytest.Item) -> tuple[type, RuleMethod] | None:
    """Return the class and the rule of an item that runs a suite's own method; an overriding method is no rule."""
    suite = getattr(item, "cls", None)
    if not (isinstance(item, pytest.Function) and isinstance(suite, type)):
        return None
    name = item.originalname or item.name
    method = next((method for method in suite_rules(suite) if method.name == name), None)
    return None if method is None or is_overridden(suite, method) else (suite, method)


def _weakened_at_run_time(item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    """Say how a rule that should run was kept from it, or nothing."""
    marked = [name for name in MARKS if item.get_closest_marker(name)]
    if marked:
        return f"is marked {' and '.join(marked)}"
    if hasattr(report, "wasxfail"):
        return f"calls pytest.xfail ({report.wasxfail.removeprefix('reason: ')})"
    if report.skipped:
        where = "a fixture or a hook" if call.when == "setup" else "its test"
        return f"is skipped by {where} ({call.excinfo.value if call.excinfo else 'no reason'})"
    if report.passed and not hasattr(getattr(item, "instance", None), "kept_rule"):
        return "was reported as passed and never ran to its end: a hook took its place, or swallowed what it raised"
    return ""


def _headline(report: pytest.TestReport, method: RuleMethod, call: pytest.CallInfo[None]) -> str:
    """Return number, title and message in one line, and make pytest's own summary show it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None or call.excinfo is None:
        return str(report.longrepr).partition("\n")[0]
    error = call.excinfo.value
    text = str(error).partition("\n")[0]
    if not text.startswith(method.rule.number):
        text = f"{method.rule}: {type(error).__name__}: {text}"
    crash.message = text
    return text


def _note(report: pytest.TestReport, suite: type, entry: Entry) -> None:
    # As plain values: a worker of pytest-xdist sends its reports as JSON
    setattr(report, ENTRY, entry.as_json())
    setattr(report, ROSTER, roster_of(suite))


def _mentions_a_suite(path: Path) -> bool:
    return path.is_file() and "tidemill_testing.conformance" in path.read_text("utf-8", errors="replace")


def _skipped_file(collector: pytest.Collector, reason: str) -> str:
    why = reason.removeprefix("Skipped: ")
    return f"{collector.path.name} skips itself as a whole ({why}), with the conformance rules in it: skip single tests, not the file"
