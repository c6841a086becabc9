"""The tests of the rules bite: a copy of the kernel with one deliberate fault in it fails them.

Every fault is a change of text that must be found exactly once: where the code moves on, this list has to follow.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from scripts.checks import floats

ROOT = Path(__file__).parents[1]
UNMEASURED = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
"""What runs is a copy: nobody counts its lines."""
PIPELINE, STAGES = "core/tests/pipeline", "core/tests/stages"
RULES = f"{PIPELINE}/test_rules.py"


@frozen
class Fault:
    """One change of text in a module of the kernel, and the tests of which at least one must fail because of it."""

    name: str
    module: str
    old: str
    new: str
    tests: tuple[str, ...]


FAULTS = (
    Fault(
        "a batch dropped by the driver",
        "pipeline/lockstep.py",
        "                        await self.step(batch, decide=not ending)\n",
        "                        if batch.seq % 5:\n                            await self.step(batch, decide=not ending)\n",
        (f"{PIPELINE}/test_lockstep.py::test_r2_every_batch_of_a_source_is_fed_once_and_in_order",),
    ),
    Fault(
        "a batch dropped by the market",
        "stages/market.py",
        "        for event in batch.events:\n            handler =",
        "        for event in batch.events if self._sequence % 7 else ():\n            handler =",
        (f"{RULES}::test_r2_every_block_of_a_source_moves_the_market",),
    ),
    Fault(
        "the order of a set in a result",
        "stages/market.py",
        "tuple(sorted(pairs))",
        "tuple(pairs)",
        (f"{RULES}::test_r4_ledger_is_the_same_under_any_hash_seed",),
    ),
    Fault(
        "a balance that is not reserved",
        "pipeline/workbench.py",
        "        self.reserve(plan, height)\n",
        "",
        (f"{RULES}::test_capital_that_is_reserved_cannot_be_promised_twice",),
    ),
    Fault(
        "the overlay forgotten",
        "pipeline/workbench.py",
        "return self.flight.view(self.market.state)",
        "return self.market.state.pools",
        (f"{RULES}::test_r12_frozen_mispricing_is_earned_once_in_a_hundred_blocks",),
    ),
    Fault(
        "the guard ignored by the replay",
        "planning/replay.py",
        "        if held < least:\n",
        "        if held < 0:\n",
        (f"{RULES}::test_r9_fill_below_the_guard_reverts",),
    ),
    Fault(
        "released money not returned",
        "stages/books.py",
        "evolve(state, reserved=reserved, plans=plans)",
        "evolve(state, plans=plans)",
        (f"{RULES}::test_r5_books_in_memory_equal_the_sum_of_the_ledger",),
    ),
    Fault(
        "an outcome booked twice",
        "pipeline/core.py",
        "        self.books.settle(plan.book, outcome, native)\n",
        "        self.books.settle(plan.book, outcome, native)\n" * 2,
        (f"{RULES}::test_r5_books_in_memory_equal_the_sum_of_the_ledger",),
    ),
    Fault(
        "an outcome heard twice that counts twice",
        "stages/flight.py",
        "        if landed.final:\n            del self._open[event.plan]\n            self._settled[event.plan] = self._heads\n",
        "",
        (f"{PIPELINE}/test_books_and_answers.py::test_r5_outcome_heard_twice_counts_once",),
    ),
    Fault(
        "a rollback that leaves what was asked for unanswered",
        "stages/market.py",
        "        self._loader.rolled_back(self.state, event.chain)\n",
        "",
        (f"{STAGES}/test_rollback.py::test_rollback_asks_again_for_reads_that_dropped_blocks_answered",),
    ),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the kernel's source, with what the check of floats needs beside it."""
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "core" / "src", root / "core" / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (root / floats.ALLOWED).parent.mkdir(parents=True)
    shutil.copy(ROOT / floats.ALLOWED, root / floats.ALLOWED)
    return root


@pytest.fixture
def faulty(copy: Path, request: pytest.FixtureRequest) -> Iterator[Fault]:
    """The fault of the test's parameter, planted in the copy and taken out again."""
    fault: Fault = request.param
    path = copy / "core" / "src" / "tidemill" / fault.module
    whole = path.read_text("utf-8")
    assert 1 == whole.count(fault.old), f"{fault.name}: its text stands {whole.count(fault.old)} times in {fault.module}"
    path.write_text(whole.replace(fault.old, fault.new), "utf-8")
    yield fault
    path.write_text(whole, "utf-8")


def outcome_of(copy: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run tests on the copy in a process of its own, with no more of pytest loaded than they need."""
    options = ("-q", "-x", "-p", "no:cacheprovider", "-p", "anyio", "--confcutdir=core/tests")
    command = [sys.executable, "-m", "pytest", *options, *tests]
    environment = {**UNMEASURED, "PYTHONPATH": str(copy / "core" / "src"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_mutations_unchanged_copy_passes_every_test_named_here(copy: Path) -> None:
    """Without a fault the same tests pass on the copy, and it is the copy that they import."""
    every = tuple(dict.fromkeys(test for fault in FAULTS for test in fault.tests))
    probe = [sys.executable, "-c", "import tidemill; print(tidemill.__file__)"]
    environment = {**UNMEASURED, "PYTHONPATH": str(copy / "core" / "src")}
    where = subprocess.run(probe, env=environment, capture_output=True, text=True, check=True).stdout
    result = outcome_of(copy, every)

    assert where.startswith(str(copy))
    assert 0 == result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("faulty", FAULTS, ids=lambda fault: fault.name, indirect=True)
def test_mutations_planted_fault_fails_a_test_of_its_rule(copy: Path, faulty: Fault) -> None:
    """One fault, and the test that holds its rule is red: not for want of a test, nor for a fault of import."""
    result = outcome_of(copy, faulty.tests)

    assert 1 == result.returncode, f"{faulty.name} was not noticed\n{result.stdout}{result.stderr}"
    assert "1 failed" in result.stdout
    assert "error" not in result.stdout.splitlines()[-1]


FLOAT = Fault(
    "a float in a path of money", "domain/lending.py", "fee = product // self.denominator", "fee = product / self.denominator", ()
)


@pytest.mark.parametrize("faulty", [FLOAT], ids=lambda fault: fault.name, indirect=True)
def test_r8_mutations_float_in_a_path_of_money_is_flagged(copy: Path, faulty: Fault) -> None:
    """The check of floats names the line of the planted division, and nothing more than in the code as it is."""
    path = copy / "core" / "src" / "tidemill" / faulty.module
    lines = path.read_text("utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if faulty.new in text)
    planted = f"core/src/tidemill/{faulty.module}:{line}"
    found = {finding.place: finding.rule for finding in floats.check(copy).findings}

    assert "true division in a path of money" == found[planted]
    assert [planted] == [place for place in found if place.startswith("core/src")]
