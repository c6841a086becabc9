"""Nobody weakens a rule in silence."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill_testing.conformance.intact import changes_of
from tidemill_testing.conformance.suite import Conformance

SUITES = Path(__file__).parent / "weakened_suites.py"
ONE = "DEX-91 the number is one"


@pytest.fixture(scope="module")
def ran(outcomes: Callable[..., Any]) -> Any:
    return outcomes(SUITES)


def test_suites_that_give_only_what_they_may_are_not_told(ran: Any) -> None:
    """What is declared runs, what is not is not declared, what is exempt stands there with its reason."""
    assert {"DEX-91": "held", "DEX-92": "held"} == own(ran, "TestWhole")
    assert {"DEX-91": "held", "DEX-92": "not_declared"} == own(ran, "TestLess")
    assert {"DEX-91": "exempt", "DEX-92": "not_declared"} == own(ran, "TestExempt")
    assert ("exempt", f"{ONE}: exempt, the venue has two") == ran["TestExempt"]["DEX-91"]
    assert {} == ran.red("TestWhole") | ran.red("TestLess") | ran.red("TestExempt")


def own(ran: Any, name: str) -> dict[str, str]:
    return {number: outcome for number, (outcome, _) in ran[name].items() if number > "DEX-90"}


def test_broken_rules_say_number_title_and_facts(ran: Any) -> None:
    """Also where the rule, or the plugin in it, raised something else."""
    assert {"DEX-91": f"{ONE}: the number is 2"} == ran.red("TestBroken")
    assert "DEX-92 the number is counted: AssertionError: " in ran.red("TestRaises")["DEX-92"]
    assert f"{ONE}: OSError: no disk" == ran.red("TestRaisingFixture")["DEX-91"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("TestOverridden", "test_number_is_one is overridden in TestOverridden"),
        ("TestOverriddenAsRule", "test_number_is_one is overridden in TestOverriddenAsRule"),
        ("TestDeleted", "test_number_is_one is deleted in TestDeleted"),
        ("TestSkippedClass", "is marked skip"),
        ("TestSkippedIf", "is marked skipif"),
        ("TestExpectedToFail", "is marked xfail"),
        ("TestExpectedToFailAndHolds", "is marked xfail"),
        ("TestSkippingFixture", "is skipped by a fixture or a hook (no data)"),
        ("TestXfailingFixture", "calls pytest.xfail (no luck)"),
        ("TestSkippedInSetup", "is skipped by a fixture or a hook (not here)"),
        ("TestParametrizedAway", "is marked skip"),
    ],
)
def test_weakened_rule_fails_with_what_to_do(ran: Any, name: str, said: str) -> None:
    """Number, title, how it was weakened, and the open way to leave a rule out."""
    expected = f'{ONE}: {said}; mend the plugin, or say it openly: exempt = {{"DEX-91": "reason"}}'
    assert expected == ran.red(name)["DEX-91"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("TestMutedReport", "TestMutedReport redefines broken of its suite, which rules stand on; it may give assets, "),
        ("TestOtherHelper", "TestOtherHelper redefines helped of its suite"),
        ("TestExemptWithoutReason", 'exempts DEX-91 without a reason: write exempt = {"DEX-09": "reason"}'),
        ("TestExemptWithoutReason", "exempts 'DEX-99', which is no rule of its suite"),
        ("TestExemptList", "found exempt = ['DEX-91']"),
        ("TestUnknownCapability", "declares count, which its suite does not know; there are: counts, polite"),
        ("TestCapabilityText", "expected capabilities = frozenset({…}), found 'counts'"),
        ("TestCapabilitiesProperty", "expected capabilities = frozenset({…}), found <property"),
        ("TestExemptProperty", 'expected exempt = {"DEX-09": "reason"}, found exempt = <property'),
        ("TestTurned", "TestTurned redefines __getattribute__ of its suite"),
        ("NotCollected", "NotCollected inherits a suite and none of its 7 rules was collected: is its name one that pytest collects"),
        ("TestNotATest", "none of its 7 rules was collected: is its name one that pytest collects (Test…), and __test__ not False?"),
    ],
)
def test_weakened_class_fails_and_is_named(ran: Any, name: str, said: str) -> None:
    """What rules stand on, exemptions and capabilities are the suite's to define."""
    assert said in ran.red(name)[""]


def test_rule_on_an_instance_that_was_changed_is_broken(ran: Any) -> None:
    """What an author may not redefine in the class is not set on the instance either."""
    expected = f"{ONE}: self.broken of its suite was exchanged from outside, by a conftest, a fixture or setup_method"
    assert expected == ran.red("TestMutedInSetup")["DEX-91"]


def test_weakened_run_fails(ran: Any) -> None:
    """Whatever else is green."""
    assert pytest.ExitCode.TESTS_FAILED == ran.exit_code


@pytest.mark.parametrize("choice", [("-k", "TestWhole and one"), ("-kTestWhole and one",)])
def test_choice_on_the_command_line_is_no_weakening(outcomes: Callable[..., Any], choice: tuple[str, ...]) -> None:
    """Who asks for one rule gets one rule; the others are reported as not run."""
    ran = outcomes(SUITES, *choice)

    assert pytest.ExitCode.OK == ran.exit_code
    assert {"DEX-91": "held", "DEX-92": "not_run"} == own(ran, "TestWhole")


def test_node_id_is_a_choice(outcomes: Callable[..., Any]) -> None:
    """One method of one class."""
    ran = outcomes(f"{SUITES}::TestWhole::test_number_is_one")

    assert pytest.ExitCode.OK == ran.exit_code
    assert {"TestWhole"} == set(ran.by_class)


def test_choice_does_not_cover_what_it_chose(outcomes: Callable[..., Any]) -> None:
    """A weakened class stays weakened where the choice names it."""
    assert pytest.ExitCode.TESTS_FAILED == outcomes(SUITES, "-k", "TestMutedReport").exit_code


SUITE = """
from typing import ClassVar
from tidemill_testing.conformance import Conformance
from tidemill_testing.plain_dex import PlainDex
{before}
class Small(Conformance):
    kind, prefix = "dex", "DEX"
Small.__module__ = "tidemill_testing.conformance.small"
class TestPlain(Small):
    plugin = PlainDex
"""
HIDING = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "test_settings" not in item.name]
"""
STANDING_IN = """
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    return True
"""
SWALLOWING = """
import pytest
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item):
    try:
        yield
    except AssertionError:
        pass
"""
TURNING = """
import pytest
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_logreport(report):
    report.outcome = "passed"
    yield
"""
ENDING_WELL = """
def pytest_sessionfinish(session):
    session.exitstatus = 0
"""
PASSING_OVER = """
def pytest_runtest_protocol(item):
    return True if "test_class" in item.name else None
"""
MUTING = """
import pytest
from tidemill_testing.conformance.suite import Conformance
@pytest.fixture(autouse=True)
def mute(monkeypatch):
    monkeypatch.setattr(Conformance, "broken", lambda self, facts: None)
"""
HIDING_LATE = """
import pytest
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items):
    yield
    items[:] = [item for item in items if "test_settings" not in item.name and "DEX-02" not in item.name]
"""
FEWER = """
import pytest
@pytest.fixture(autouse=True)
def fewer(request):
    request.instance.example_count = 1
"""
OF_NO_NAME = """
class PlainDex(PlainDex):
    name = "Plain"
"""
SKIPPING = "import pytest; pytest.skip('no network', allow_module_level=True)"


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Gives a file of one suite beside a conftest."""

    def write(conftest: str = "", before: str = "") -> Path:
        (tmp_path / "conftest.py").write_text(conftest, "utf-8")
        (tmp_path / "test_plain.py").write_text(SUITE.format(before=before), "utf-8")
        return tmp_path / "test_plain.py"

    return write


def test_suite_as_it_stands_passes(outcomes: Callable[..., Any], written: Callable[..., Path]) -> None:
    """The file that the following tests weaken from outside is green."""
    assert pytest.ExitCode.OK == outcomes(written()).exit_code


def test_hook_that_deselects_a_rule_fails_the_run(outcomes: Callable[..., Any], written: Callable[..., Path]) -> None:
    """A conftest is no command line."""
    ran = outcomes(written(HIDING))

    assert pytest.ExitCode.TESTS_FAILED == ran.exit_code
    assert "DEX-02 settings are read from its table: was collected and then left out, by a hook" in ran.red("TestPlain")["DEX-02"]


def test_options_of_the_configuration_are_no_choice(
    outcomes: Callable[..., Any], written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in addopts or the environment is not seen by whoever reads the command."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k test_settings")
    ran = outcomes(written())

    assert ["DEX-01", "DEX-03", "DEX-04", "DEX-05"] == list(ran.red("TestPlain"))


def test_hook_that_stands_in_for_a_rule_fails_the_run(outcomes: Callable[..., Any], written: Callable[..., Path]) -> None:
    """A rule is held only where it ran."""
    red = outcomes(written(STANDING_IN)).red("TestPlain")

    assert 5 == len(red)
    assert "was reported as passed and never ran to its end: a hook took its place" in red["DEX-01"]


def test_file_that_skips_itself_fails_the_run(outcomes: Callable[..., Any], written: Callable[..., Path]) -> None:
    """Its classes were never seen, so the file is named."""
    ran = outcomes(written(before=SKIPPING))

    assert pytest.ExitCode.TESTS_FAILED == ran.exit_code
    assert "test_plain.py skips itself as a whole (no network), with the conformance rules in it" in ran.red("")[""]


def test_rule_whose_failure_is_swallowed_fails_the_run(outcomes: Callable[..., Any], written: Callable[..., Path]) -> None:
    """A rule is held only where it ran to its end."""
    ran = outcomes(written(SWALLOWING, OF_NO_NAME))

    assert pytest.ExitCode.TESTS_FAILED == ran.exit_code
    assert "never ran to its end: a hook took its place, or swallowed what it raised" in ran.red("TestPlain")["DEX-01"]


@pytest.mark.parametrize("conftest", [TURNING, ENDING_WELL])
def test_run_with_a_broken_rule_ends_red_whatever_hooks_say(
    outcomes: Callable[..., Any], written: Callable[..., Path], conftest: str
) -> None:
    """Neither a report that was turned nor an exit code that was set makes a broken rule green."""
    ran = outcomes(written(conftest, OF_NO_NAME))

    assert pytest.ExitCode.TESTS_FAILED == ran.exit_code
    assert ["DEX-01"] == [number for number in ran.red("TestPlain") if number == "DEX-01"]


def test_rule_of_which_nothing_was_heard_fails_the_run(outcomes: Callable[..., Any], written: Callable[..., Path]) -> None:
    """A hook that takes a whole item leaves no report behind."""
    ran = outcomes(written(PASSING_OVER))

    assert pytest.ExitCode.TESTS_FAILED == ran.exit_code
    assert ["DEX-01"] == list(ran.red("TestPlain"))
    assert "was to run and never did: a hook took its place" in ran.red("TestPlain")["DEX-01"]


def test_suite_that_a_conftest_changes_breaks_every_rule(outcomes: Callable[..., Any], written: Callable[..., Path]) -> None:
    """What rules stand on was not what was written; afterwards the suite is whole again."""
    red = outcomes(written(MUTING)).red("TestPlain")

    assert 5 == len(red)
    assert "Conformance.broken of its suite was exchanged from outside" in red["DEX-04"]
    assert [] == changes_of(Conformance)


def test_suite_that_stays_changed_is_named_when_it_is_collected(monkeypatch: pytest.MonkeyPatch, outcomes: Callable[..., Any]) -> None:
    """Also where no rule runs any more that could say so."""
    monkeypatch.setattr(Conformance, "examples", lambda self, count: None)
    ran = outcomes(SUITES, "-k", "TestLess and one")

    assert "Conformance.examples of the suite of TestLess was exchanged from outside" in ran.red("TestLess")[""]
    assert ["Conformance.examples"] == changes_of(Conformance)


def test_hook_that_deselects_after_all_others_fails_the_run(outcomes: Callable[..., Any], written: Callable[..., Path]) -> None:
    """The rules are counted again when collection is over."""
    assert "DEX-02" in outcomes(written(HIDING_LATE)).red("TestPlain")


def test_fixture_cannot_take_examples_away(outcomes: Callable[..., Any], written: Callable[..., Path]) -> None:
    """The number of examples is set after fixtures had their turn."""
    assert pytest.ExitCode.OK == outcomes(written(FEWER)).exit_code


def test_examples_in_the_configuration_only_add(
    outcomes: Callable[..., Any], written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed, the number counts as it stands; from addopts it may not take away what each rule tries."""
    file = written(before=SUITE_OF_EXAMPLES)
    for configured, typed, expected in (("", (), 50), ("3", (), 50), ("70", (), 70), ("70", ("--conformance-examples=3",), 3)):
        monkeypatch.setenv("PYTEST_ADDOPTS", f"--conformance-examples={configured}" if configured else "")
        assert f"DEX-91 so many examples: {expected}" == outcomes(file, *typed).red("TestCounted")["DEX-91"]


SUITE_OF_EXAMPLES = """
from tidemill_testing.conformance.rule import rule
class Counting(Conformance):
    kind, prefix = "dex", "DEX"
    @rule("DEX-91", "so many examples")
    def test_examples(self) -> None:
        \"\"\"Count.

        If this fails: count.
        \"\"\"
        self.broken(str(self.examples(50).max_examples))
Counting.__module__ = "tidemill_testing.conformance.small"
class TestCounted(Counting):
    plugin = PlainDex
"""


def test_suite_without_its_guard_is_red(written: Callable[..., Path]) -> None:
    """``addopts = -p no:tidemill`` takes the guard away, and the rules say so themselves."""
    file = written()
    call = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        "/dev/null",
        f"--rootdir={file.parent}",
        "-p",
        "no:tidemill",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run([*call, "-k", "test_class", str(file)], capture_output=True, text=True, check=False)

    assert pytest.ExitCode.TESTS_FAILED == done.returncode
    assert (
        "DEX-01 the class declares its name and keeps its interface: the pytest plugin of tidemill-testing is switched off" in done.stdout
    )
