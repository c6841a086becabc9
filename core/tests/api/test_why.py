"""The story behind a reference, and what is said where nothing or too much is called so."""

import json
from pathlib import Path

import pytest

from tidemill.api.plain import to_plain
from tidemill.api.story import Story
from tidemill.api.why import why
from tidemill.api.why_text import story_lines
from tidemill.errors import UsageError

POOL = "sim:1/uniswap:0x" + "1" * 40


def lines(ref: str, folder: Path) -> list[str]:
    return list(story_lines(why(ref, folder)))


@pytest.mark.parametrize(
    ("ref", "kind", "whole"),
    [
        ("0x11f", "transaction", "0x11" + "f" * 62),
        ("0X11FF", "transaction", "0x11" + "f" * 62),
        ("1", "intent", "1"),
        ("done", "plan", "done"),
        ("don", "plan", "done"),
        ("dark", "plan", "dark"),
        ("o-done", "opportunity", "o-done"),
        ("o-p", "opportunity", "o-poor"),
        (POOL, "pool", POOL),
        ("0x" + "1" * 40, "pool", POOL),
        ("sim:1/u", "pool", POOL),
    ],
)
def test_reference_names_one_thing(ref: str, kind: str, whole: str, live_books: Path) -> None:
    """Whole, or by a beginning that nothing else has; hexadecimal digits in any case."""
    story = why(f" {ref} ", live_books)

    assert (ref, kind, whole) == (story.ref, story.kind, story.id)


def test_reference_that_names_nothing_is_told_with_one_of_each_kind(live_books: Path) -> None:
    """What a reference may be, and what this ledger has of it: the newest that was sent, and the newest that became a plan."""
    with pytest.raises(UsageError) as found:
        why("zzzz", live_books)

    assert [f"transaction 0x77{'f' * 62}", "intent 7", "plan no", "opportunity o-no", f"pool {POOL}"] == [
        line.strip() for line in str(found.value).splitlines()[2:]
    ]
    assert {type(why(line.split()[1], live_books)) for line in str(found.value).splitlines()[2:]} == {Story}


def test_reference_into_a_ledger_without_anything_is_told_without_examples(tmp_path: Path) -> None:
    """There is none to give."""
    store = pytest.importorskip("tidemill_store_sqlite", reason="the store plugin is not installed beside the kernel").SqliteStore()
    store.open(tmp_path)
    store.begin("{}", "2026-01-01T00:00:00+00:00")
    store.close()
    for ref in ("7", "zzzz"):
        with pytest.raises(UsageError, match=r"a pool or its address, or the beginning of one$"):
            why(ref, tmp_path)


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("", "an empty reference names nothing"),
        ("77", "there is no intent 77; there are 1 to 8"),
        ("0x1", r"can mean 2 things(.|\n)*transaction 0x11ff(.|\n)*pool sim:1/uniswap:0x1111"),
        ("l", r"can mean 2 things(.|\n)*plan lost(.|\n)*plan late"),
        ("0x11" + "f" * 58 + "000f", "nothing in this ledger is called '0x11ff.*near it: transaction 0x11ff"),
        ("0x11ffffffff1", "near it: transaction 0x11ff"),
        ("zzzz", "nothing in this ledger is called 'zzzz'\n  a reference is the hash of a transaction, the number of an intent, "),
    ],
)
def test_reference_that_names_nothing_or_too_much_is_told(ref: str, said: str, live_books: Path) -> None:
    """With what it can mean, or what comes near it."""
    with pytest.raises(UsageError, match=said):
        why(ref, live_books)


def test_story_of_a_plan_has_every_step(live_books: Path) -> None:
    """Found, decided, reserved, signed, sent, booked, taken back with its block, and booked again."""
    story = why("done", live_books)
    (plan,), (one,) = story.plans, story.found
    (transaction,) = plan.transactions

    assert ("taken", "it lags", 100 * 10**6, 2 * 10**6) == (one.decision, one.reason, one.amount, one.profit)
    assert ["planned", "filled", "reopened", "filled"] == [state.state for state in plan.states]
    assert [("planned", 7), ("signed", 7), ("broadcast", 7), ("final", 9)] == [(step.state, step.since) for step in transaction.steps]
    assert ["fill", "cost", "reversal", "reversal", "fill", "cost"] == [entry.kind for entry in plan.entries]
    assert (7, 6, 9) == (plan.height, plan.basis, plan.expires)


def test_story_of_a_plan_is_told_in_sentences(live_books: Path) -> None:
    """Its end first; symbols in place of ids; the wall clock beside each step."""
    told = lines("0x11f", live_books)

    assert "planned at block 7 on the state of block 6; filled in block 9: +3.00 USDC; cost 0.0004 ETH" == told[0]
    assert "found by spatial for block 7: 2 hops, 100.00 USDC in, +2.00 USDC expected" == told[1]
    assert "  taken for book main as plan done: it lags" == told[2]
    assert f"  1  uniswap    0x{'1' * 40}  100.00 USDC → WETH" == told[3]
    assert "reserved 100.00 USDC and at most 0.001 ETH for the chain, void after block 9" == told[5]
    assert told[6].startswith("transaction 1 0x11ff")
    assert "  final      block 9  2026-01-01 00:01:00 UTC" == told[10]
    assert "before: filled in block 8: +3.00 USDC; cost 0.0004 ETH" == told[11]
    assert [True] * 2 == [line.startswith("booked reversal ") for line in told if "reversal" in line]


def test_story_of_a_plan_that_ended_otherwise_says_how(live_books: Path) -> None:
    """Reverted with the reason, replaced with what took its slot, refused before anything left, open and how."""
    reverted, dead, refused, unknown = (lines(ref, live_books)[0] for ref in ("lost", "late", "no", "dark"))
    late = lines("late", live_books)

    assert reverted.endswith("reverted in block 9: 0.000000000000000005 WETH is left; cost 0.0001 ETH")
    assert dead.endswith("never happened: transaction 4 took its slot, known at block 11; cost 0.00005 ETH")
    assert refused.endswith("refused by simulation before anything left: it would revert")
    assert unknown.endswith("has not ended; transaction 6 is unknown since block 8")
    assert any(line.startswith("transaction 4 0x44ff") and line.endswith("takes the slot of transaction 3") for line in late)


def test_story_of_a_rejected_opportunity_says_by_which_rule(live_books: Path) -> None:
    """With the numbers in whole tokens, and the route."""
    assert [
        "found by spatial for block 8 (run 1): 2 hops, 100.00 USDC in, +2.00 USDC expected",
        "  rejected for book main by min_profit: 0.000001 USDC is below the least",
        f"  1  uniswap    0x{'1' * 40}",
        f"  2  sushiswap  0x{'2' * 40}",
    ] == lines("o-poor", live_books)


def test_story_of_a_taken_opportunity_is_that_of_its_plan(live_books: Path) -> None:
    """Whoever names the one means the other."""
    assert lines("done", live_books) == lines("o-done", live_books)


def test_story_of_a_pool_counts_what_went_through(live_books: Path) -> None:
    """All decisions in figures, the newest in sentences."""
    story = why(POOL, live_books)
    told = list(story_lines(story))

    assert (4, {"min_profit": 1}, 5, 4) == (story.taken, story.rejected_by, len(story.found), len(story.plans))
    assert f"{POOL}: 5 opportunities through it, 4 taken, 1 rejected by min_profit 1" == told[0]
    assert any(line.startswith("plan done: planned at block 7") for line in told)


def test_story_as_json_has_texts_of_base_units(live_books: Path) -> None:
    """Amounts alone: heights and numbers stay numbers."""
    plain = json.loads(json.dumps(to_plain(why("done", live_books))))
    (plan,) = plain["plans"]

    assert ("100000000", None) == (plan["swaps"][0]["amount_in"], plan["swaps"][1]["amount_in"])
    assert (["400000000000000"] * 2, 9) == ([one["cost"] for one in plan["results"]], plan["expires"])
    assert "100000000" == plain["found"][0]["amount"]
