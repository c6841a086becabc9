"""The file of recorded answers."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill.domain.answers import NoQuoteReason
from tidemill.domain.events import Log
from tidemill.domain.pool import PoolRef
from tidemill.domain.time import ChainTime
from tidemill.errors import UsageError
from tidemill_testing.conformance import PoolCase, RecordedAnswer, recorded_answers

ONE, TWO = "sim:1/erc20:0x11", "sim:1/erc20:0x22"
CASE: dict[str, Any] = {
    "name": "deep",
    "pool": {"id": "sim:1/acme:0xab", "assets": [ONE, TWO], "kind": "v2", "fee_ppm": 3_000, "details": {"spacing": 60, "hook": "0x1"}},
    "at": {"height": 7, "unix_time": 1_700_000_000},
    "states": {"0xab:0x0": "0x01ff", "0xab:0x1": None},
    "logs": [{"address": "0xab", "topics": ["0x01"], "data": "0x", "index": 3}],
    "after": {"0xab:0x0": "0x02"},
    "balances": {ONE: "12"},
    "slack": {TWO: "1"},
    "impossible": {"0xab:0x1": "0xff"},
    "swap": {"sell": ONE, "buy": TWO, "amount_in": "1000", "amount_out": "997"},
    "answers": [
        {"sell": ONE, "buy": TWO, "amount_in": "1000", "amount_out": "997"},
        {"sell": TWO, "buy": ONE, "amount_out": "5", "amount_in": "6", "exact": "out"},
        {"sell": ONE, "buy": TWO, "amount_in": "0", "no_quote": "amount"},
    ],
}


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Any], Path]:
    """Gives a file that holds one case after a change."""

    def write(change: Callable[[dict[str, Any]], Any] = lambda case: None) -> Path:
        case = copy.deepcopy(CASE)
        change(case)
        (tmp_path / "answers.json").write_text(json.dumps({"source": "made up", "cases": [case]}), "utf-8")
        return tmp_path / "answers.json"

    return write


def test_recorded_answers_are_cases(written: Any) -> None:
    """Everything that stands in the file stands in the case; details in order of their names."""
    details = (("hook", "0x1"), ("spacing", 60))
    ref: Any = PoolRef("sim:1/acme:0xab", "acme", "sim:1", "0xab", (ONE, TWO), "v2", 3_000, details)  # type: ignore[arg-type]  # plain text
    (case,) = recorded_answers(written())

    assert (ref, ChainTime(ref.chain, 7, 1_700_000_000)) == (case.ref, case.at)
    assert {"0xab:0x0": b"\x01\xff", "0xab:0x1": None} == case.states
    assert ((Log("0xab", (b"\x01",), b"", 3),), {"0xab:0x0": b"\x02"}) == (case.logs, case.after)
    assert ({ONE: 12}, {TWO: 1}, "deep") == (case.balances, case.slack, str(case))
    one, two = ref.assets
    assert (RecordedAnswer(one, two, 1_000, 997), {"0xab:0x1": b"\xff"}) == (case.swap, case.impossible)
    expected = (
        RecordedAnswer(one, two, 1_000, 997),
        RecordedAnswer(two, one, 6, 5, exact_out=True),
        RecordedAnswer(one, two, 0, 0, no_quote=NoQuoteReason.AMOUNT),
    )
    assert expected == case.answers


def test_case_without_a_name_is_called_by_its_pool(written: Any) -> None:
    """The optional parts may be left out."""
    (case,) = recorded_answers(
        written(lambda case: [case.pop(name) for name in ("name", "logs", "after", "balances", "slack", "answers", "swap", "impossible")])
    )

    assert PoolCase(case.ref, case.states, case.at) == case
    assert "sim:1/acme:0xab" == str(case)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda case: case.pop("states"), r"\$.cases\[0\].states: is missing"),
        (lambda case: case.update(state={}), r"\$.cases\[0\].state: unknown key; there are name, pool, at, states"),
        (lambda case: case["answers"][1].update(amount_in=6), r"answers\[1\].amount_in: expected base units as text of digits, found 6"),
        (
            lambda case: case["answers"][0].update(amount_out="-1"),
            r'answers\[0\].amount_out: expected base units as text of digits, found "-1"',
        ),
        (lambda case: case["answers"][0].update(sell="x"), r"answers\[0\].sell: expected one of the pool's assets"),
        (lambda case: case["answers"][0].update(exact="both"), r'exact: expected "in" or "out", found "both"'),
        (lambda case: case["answers"][2].update(no_quote="tired"), r"no_quote: expected one of amount, liquidity"),
        (lambda case: case["states"].update({"0xab:0x0": "01"}), r'states.0xab:0x0: expected bytes as "0x…", found "01"'),
        (lambda case: case["states"].update({"0xab:0x0": "0xzz"}), r'states.0xab:0x0: expected bytes as "0x…", found "0xzz"'),
        (lambda case: case["pool"].update(id="acme"), r"pool.id: 'acme' is not a pool id"),
        (lambda case: case["pool"].update(fee_ppm=True), r"pool.fee_ppm: expected a whole number, found true"),
        (lambda case: case["pool"].update(assets="both"), r"pool.assets: expected a list"),
        (lambda case: case.update(pool=["x" * 90]), r"pool: expected an object, found \[\"xxx.*…"),
        (lambda case: case.update(name=""), r"name: expected text"),
    ],
)
def test_file_that_is_wrong_is_refused_by_place(written: Any, change: Any, said: str) -> None:
    """File, place, what was expected and what was found."""
    file = written(change)
    with pytest.raises(UsageError, match=rf"answers\.json: .*{said}"):
        recorded_answers(file)


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Absent, or not JSON."""
    with pytest.raises(UsageError, match=r"none\.json: cannot be read: No such file"):
        recorded_answers(tmp_path / "none.json")
    (tmp_path / "half.json").write_text("{", "utf-8")
    with pytest.raises(UsageError, match=r"half\.json: expected JSON"):
        recorded_answers(tmp_path / "half.json")
