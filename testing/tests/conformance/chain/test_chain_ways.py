"""Rules of chains that can be broken in more than one way: each way is told in its own words."""

from collections.abc import Sequence
from itertools import count
from types import ModuleType
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.answers import CannotFit
from tidemill.domain.asset import Asset
from tidemill.domain.events import Batch, Logs, Rollback, States
from tidemill.domain.ids import AssetId
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.signing import Unreadable
from tidemill.domain.transaction import Signed, Simulated, Unsigned, Wallet
from tidemill.errors import RefusedByVenue, Unavailable
from tidemill.hookspecs.chain import ChainRules, LinkSetup
from tidemill_testing.conformance import ChainConformance
from tidemill_testing.conformance.rule import Broken
from tidemill_testing.plain_chain import CHAIN, COST, TOKEN

OUTCOME = Outcome(OutcomeStatus.UNKNOWN, 1, "0x1", proof="0x")


def told(case: type, rule: str) -> str:
    """Return what the rule says of a class."""
    with pytest.raises(Broken) as caught:
        getattr(case(), rule)()
    return str(caught.value)


def rules_with(wrong: ModuleType, **changed: Any) -> type:
    rules = type("Rules", (wrong.SoundRules,), changed)
    return type("TestWrong", (wrong.Case,), {"plugin": wrong.with_rules(rules)})


def link_with(wrong: ModuleType, **changed: Any) -> type:
    link = type("Link", (wrong.SoundLink,), changed)
    return type("TestWrong", (wrong.Case,), {"plugin": wrong.with_link(link)})


@pytest.mark.parametrize(
    ("changed", "rule", "expected"),
    [
        ({"id": "acme"}, "test_ids_are_of_this_chain", "found 'acme'"),
        ({"wrapped": "acme:1/slip44:60"}, "test_ids_are_of_this_chain", "is its own wrapped twin"),
        ({"lifetime": -1}, "test_ids_are_of_this_chain", "lifetime is -1"),
        ({"swap_cost": lambda self, fee: -1}, "test_estimate_grows", "one more swap costs -1"),
        ({"estimate": lambda self, swaps, loans, snapshot: -1}, "test_estimate_grows", "are estimated at -1"),
        ({"unsigned": lambda self, plan, payload: CannotFit("x", 1, 2)}, "test_plan_becomes_bytes", "the given steps do not fit"),
        ({"compose": lambda self, *plan: CannotFit("x", 2, 1)}, "test_plan_that_is_too_large_does_not_fit", "found=1"),
    ],
)
def test_rules_of_a_chain_broken_another_way_are_told(wrong: ModuleType, changed: dict[str, Any], rule: str, expected: str) -> None:
    """The facts of each way stand in the message."""
    assert expected in told(rules_with(wrong, **changed), rule)


def test_symbol_of_another_asset_is_told(wrong: ModuleType) -> None:
    """A verified asset stands under its own symbol."""
    verified = {"USD": Asset(TOKEN, "TOKEN", 18)}
    assert "'USD' stands for" in told(rules_with(wrong, verified_assets=lambda self: verified), "test_ids_are_of_this_chain")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"plan": "another"}, "became bytes of another"),
        ({"payload": b""}, "the payload is b''"),
        ({"compute": 101}, "compute 101 is expected"),
    ],
)
def test_composed_plan_with_a_fault_is_told(wrong: ModuleType, changes: dict[str, Any], expected: str) -> None:
    """What is signed belongs to the plan, holds bytes, and keeps its limit."""

    def unsigned(self: Any, plan: Any, payload: bytes) -> Any:
        return evolve(wrong.SoundRules.unsigned(self, plan, payload), **changes)

    assert expected in told(rules_with(wrong, unsigned=unsigned), "test_plan_becomes_bytes")


def test_plan_that_always_fits_is_told(wrong: ModuleType) -> None:
    """A chain that says it has a limit shows it."""
    compose = lambda self, plan, steps, wallet, snapshot: self.unsigned(plan, b"x")  # noqa: E731 short
    assert "steps became 1 bytes" in told(rules_with(wrong, compose=compose), "test_plan_that_is_too_large_does_not_fit")


def test_wallets_that_differ_from_call_to_call_are_told(wrong: ModuleType) -> None:
    """A book's addresses are the same every time."""
    plugin = type("Wrong", (wrong.Sound,), {"wallet": lambda self, book, account="": wrong.Wallet(wrong.CHAIN, owner="")})
    assert "the book main has" in told(type("TestWrong", (wrong.Case,), {"plugin": plugin}), "test_each_book_has_its_own_addresses")


@pytest.mark.parametrize(
    ("given", "rule", "expected"),
    [
        ({"pools": ()}, "test_ids_are_of_this_chain", "give two pools or more and a step for each: found 0 pools and 2 steps"),
        ({"moving_keys": ()}, "test_keys_are_reported_while_watched", "give moving_keys"),
        ({"moving_keys": ("0xff:0x0",)}, "test_keys_are_reported_while_watched", "none of 1 watched keys was reported"),
        ({"capabilities": frozenset()}, "test_reader_answers_what_was_asked", "it does not declare reads"),
    ],
)
def test_class_that_gives_too_little_is_told(wrong: ModuleType, given: dict[str, Any], rule: str, expected: str) -> None:
    """An author reads what to give."""
    assert expected in told(type("TestWrong", (wrong.Case,), given), rule)


def test_class_without_a_signature_is_told(wrong: ModuleType) -> None:
    """A chain that sends needs its signer in the tests."""
    case = type(
        "TestWrong", (wrong.ChainConformance,), {name: getattr(wrong.Case, name) for name in ("plugin", "capabilities", "pools", "steps")}
    )
    assert "give sign(self, sealed)" in told(case, "test_sent_twice_is_included_once")


async def unavailable(self: Any, keys: Any, height: Any = None) -> States:
    raise Unavailable("no node")


def test_reader_that_knows_nothing_and_says_so_keeps_the_rule(wrong: ModuleType) -> None:
    """Without the capability to read, Unavailable is the right answer."""
    plugin = wrong.with_link(reader=type("Reader", (wrong.SoundReader,), {"read": unavailable}))
    type("TestQuiet", (wrong.Case,), {"plugin": plugin, "capabilities": frozenset()})().test_reader_answers_what_was_asked()


def test_link_without_batches_is_told(wrong: ModuleType) -> None:
    """A chain that is silent is not a chain that keeps the rules."""

    async def batches(self: Any) -> Any:
        for batch in tuple[Batch, ...]():
            yield batch

    assert "it yielded no batch" in told(link_with(wrong, batches=batches), "test_batches_are_well_formed")


def reported_always(self: Any, height: int) -> Batch:
    made: Batch = type(self).__mro__[1].batch(self, height)  # type: ignore[attr-defined]  # the sound one
    return evolve(made, events=(*made.events, States(self.rules.id, ((self.moving, b""),))))


def test_keys_that_nobody_watches_are_told(wrong: ModuleType) -> None:
    """What is reported unasked fills tapes."""
    case = link_with(wrong, batch=reported_always, moving=wrong.MOVING)
    assert "is reported and nobody watches it" in told(case, "test_keys_are_reported_while_watched")


def test_keys_watched_twice_and_dropped_once_are_told(wrong: ModuleType) -> None:
    """Two pools may watch a key, and one of them may stop."""
    assert "watched twice and once no more" in told(link_with(wrong, watch=_once), "test_keys_are_reported_while_watched")


async def _once(self: Any, add: Any, remove: Any) -> None:
    for each in add:
        self.watched |= type(self.watched)(each.keys)
    for each in remove:
        self.watched.subtract(each.keys)


def test_logs_of_nobody_are_told(wrong: ModuleType) -> None:
    """A contract that is not there has no logs."""

    async def logs(self: Any, wanted: Any, from_height: int, to_height: int) -> Any:
        return [log for log in self.blocks[to_height] if wanted.address not in wrong.ADDRESSES or log.address == wanted.address]

    case = type("TestWrong", (wrong.Case,), {"plugin": wrong.with_link(reader=type("Reader", (wrong.SoundReader,), {"logs": logs}))})
    assert "of a contract that is not there its reader gives 4 logs" in told(case, "test_logs_are_those_that_were_told")


async def raises(self: Any, *given: Any) -> Any:
    raise Unavailable("no node")


async def unsorted(self: Any, unsigned: Any) -> Simulated:
    return Simulated(ok=True, changes=(("b", 1), ("a", 2)))  # type: ignore[arg-type]  # plain text will do


@pytest.mark.parametrize(
    ("changed", "rule", "expected"),
    [
        ({"simulate": raises}, "test_simulation_says_why", "expected Simulated, found Unavailable"),
        ({"simulate": unsorted}, "test_simulation_says_why", "are not sorted whole numbers"),
        ({"seal": raises}, "test_damaged_bytes_are_refused", "it raised Unavailable: no node"),
        ({"seal": raises}, "test_sent_twice_is_included_once", "it raised Unavailable: no node"),
        (
            {"included": lambda self, outcome: evolve(outcome, status=OutcomeStatus.UNKNOWN)},
            "test_sent_twice_is_included_once",
            "found Outcome",
        ),
        (
            {"included": lambda self, outcome: evolve(outcome, status=OutcomeStatus.REVERTED)},
            "test_sent_twice_is_included_once",
            "reverted, it has a reason",
        ),
        (
            {"nothing_known": lambda self: evolve(next(iter(self.done.values()), OUTCOME), status=OutcomeStatus.DEAD)},
            "test_sent_twice_is_included_once",
            "before any block holds it",
        ),
    ],
)
def test_sending_broken_another_way_is_told(wrong: ModuleType, changed: dict[str, Any], rule: str, expected: str) -> None:
    """What is said of a transaction has to be proven."""
    assert expected in told(link_with(wrong, **changed), rule)


async def dead(self: Any, signed: Any) -> Any:
    return evolve(OUTCOME, status=OutcomeStatus.DEAD)


def test_damaged_bytes_called_dead_are_told(wrong: ModuleType) -> None:
    """Bytes that nobody could read prove nothing about ours."""
    assert "of damaged bytes it says dead" in told(link_with(wrong, outcome=dead), "test_damaged_bytes_are_refused")


async def refuses(self: Any, signed: Any) -> None:
    raise RefusedByVenue("nothing can be sent")


def test_chain_that_refuses_to_send_keeps_the_rule(wrong: ModuleType) -> None:
    """A refusal is what a chain without the capability answers with."""
    case = link_with(wrong, broadcast=refuses)
    case.capabilities = frozenset()  # type: ignore[attr-defined]  # an attribute of the suite
    case().test_chain_that_cannot_send_refuses()


def test_cap_that_is_not_in_the_bytes_is_told(wrong: ModuleType) -> None:
    """A plan whose cap is below its cost does not fit, or becomes bytes that hold the cap."""

    def compose(self: Any, plan: Any, steps: Any, *more: Any) -> Any:
        return self.unsigned(plan, b"the same")

    said = told(rules_with(wrong, compose=compose), "test_cost_is_within_the_cap")
    assert f"with a cap of 0 it costs {COST}, and its bytes are those of a cap of " in said

    def compose_capped(self: Any, plan: Any, steps: Any, *more: Any) -> Any:
        return self.unsigned(plan, plan.cost_cap.to_bytes(32))

    case = type("TestWrong", (wrong.Case,), {"plugin": wrong.with_rules(type("Rules", (wrong.SoundRules,), {"compose": compose_capped}))})
    case().test_cost_is_within_the_cap()


@pytest.mark.parametrize(
    ("order", "expected"), [((1, 0), "tells logs [1, 0]: expected them in the order of the block"), ((0, 0), "tells a log twice: [0, 0]")]
)
def test_logs_out_of_order_or_twice_are_told(wrong: ModuleType, order: tuple[int, ...], expected: str) -> None:
    """Pools are played forward by logs in the order of the block, each once."""

    def batch(self: Any, height: int) -> Batch:
        plain: Batch = wrong.SoundLink.batch(self, height)
        events = [evolve(one, logs=tuple(one.logs[place] for place in order)) if isinstance(one, Logs) else one for one in plain.events]
        return evolve(plain, events=tuple(events))

    assert expected in told(link_with(wrong, batch=batch), "test_batches_are_well_formed")


def test_reader_that_ignores_the_event_asked_for_is_told(wrong: ModuleType) -> None:
    """Discovery asks for one event of a factory: others are no pools."""
    reader = type("Reader", (wrong.SoundReader,), {"is_wanted": lambda self, log, wanted: True})
    case = type("TestWrong", (wrong.Case,), {"plugin": wrong.with_link(reader=reader)})
    assert "it told logs [0], its reader gives [0, 2]" in told(case, "test_logs_are_those_that_were_told")


def slotted_with(wrong: ModuleType, **changed: Any) -> type:
    link = type("Link", (wrong.NonceLink,), changed)
    return type("TestWrong", (wrong.Slotted,), {"plugin": wrong.with_link(link)})


async def other_slot(self: Any, wallet: Wallet, taken: Sequence[str]) -> str:
    return "seven"


async def longer(self: Any, unsigned: Unsigned, wallet: Wallet, slot: str) -> Unsigned:
    return evolve(unsigned, payload=f"{slot} main 5 0xa1".encode(), expires=unsigned.expires + 1)


async def another_account(self: Any, unsigned: Unsigned, wallet: Wallet, slot: str) -> Unsigned:
    return evolve(unsigned, payload=f"{slot} other 5 0xa1".encode())


async def nothing(self: Any, wallet: Wallet, replaced: Signed) -> None:
    return None


async def cancels_another(self: Any, wallet: Wallet, replaced: Signed) -> Unsigned:
    return Unsigned(replaced.plan, CHAIN, b"nonce:7 main 10 ", 100, 10**9)


async def cancels_cheaply(self: Any, wallet: Wallet, replaced: Signed) -> Unsigned:
    return Unsigned(replaced.plan, CHAIN, b"nonce:0 main 5 ", 100, 10**9)


async def always_held(self: Any, wallet: Wallet, assets: Sequence[AssetId], height: int) -> tuple[tuple[AssetId, int], ...]:
    held: tuple[tuple[AssetId, int], ...] = self.held(assets, height)
    return held


async def not_now(self: Any, wallet: Wallet, *rest: object) -> None:
    raise Unavailable("not now")


ASKED = count()


@pytest.mark.parametrize(
    ("changed", "rule", "expected"),
    [
        ({"slot": other_slot}, "test_slot_is_the_lowest_that_is_free", "expected nonce:<number> or blockhash:<hash>, found 'seven'"),
        ({"lowest": lambda self, nonce, taken: nonce}, "test_slot_is_the_lowest_that_is_free", "with nonce:0 taken it gave nonce:0"),
        ({"slot": not_now}, "test_slot_is_the_lowest_that_is_free", "it raised Unavailable: not now"),
        ({"seal": longer}, "test_sealing_puts_the_slot_in", "became"),
        ({"seal": another_account}, "test_sealing_puts_the_slot_in", "its bytes say other and nonce:0"),
        ({"cancel": nothing}, "test_cancelling_takes_the_slot", "nothing cancels nonce:0, which runs out never"),
        ({"cancel": cancels_another}, "test_cancelling_takes_the_slot", "expected nonce:0 of main, found nonce:7 of main"),
        ({"cancel": cancels_cheaply}, "test_cancelling_takes_the_slot", "at a fee of 500 for 100 it replaces nothing at 500 for 100"),
        ({"holdings": not_now}, "test_holdings_are_those_after_a_block", "it raised Unavailable: not now"),
        ({"holdings": always_held}, "test_holdings_are_those_after_a_block", "of block 1000000000 expected Unavailable, found"),
        ({"held": lambda self, assets, height: ()}, "test_holdings_are_those_after_a_block", "it answered ()"),
        (
            {"held": lambda self, assets, height: tuple((asset, next(ASKED)) for asset in assets)},
            "test_holdings_are_those_after_a_block",
            "of the same block it says",
        ),
        ({"included": lambda self, outcome: self.nothing_known()}, "test_holdings_are_those_after_a_block", "it is in no block"),
        ({"included": lambda self, outcome: self.nothing_known()}, "test_final_outcome_stays", "batches it is not final"),
    ],
)
def test_money_of_a_chain_broken_another_way_is_told(wrong: ModuleType, changed: dict[str, Any], rule: str, expected: str) -> None:
    """Each way has its facts in the message."""
    assert expected in told(slotted_with(wrong, **changed), rule)


def test_slots_that_nobody_reads_are_told(wrong: ModuleType) -> None:
    """Who declares slots says how its bytes are read; what cannot be read is named."""
    silent = type("TestWrong", (wrong.Slotted,), {"read": ChainConformance.read})
    unread = type("TestWrong", (wrong.Slotted,), {"read": lambda self, payload: Unreadable("three bytes too many")})
    assert "give read(self, payload)" in told(silent, "test_sealing_puts_the_slot_in")
    assert "nobody can read its bytes: Unreadable(reason='three bytes too many')" in told(unread, "test_sealing_puts_the_slot_in")


def test_rollback_below_finality_is_told(wrong: ModuleType) -> None:
    """What is final is booked for good: the rules say how deep a chain goes back, and the link goes no deeper."""

    def going_back(self: Any, height: int) -> Batch:
        batch: Batch = wrong.SoundLink.batch(self, height)
        return evolve(batch, events=(*batch.events, Rollback(CHAIN, height - 3, "0x1"))) if height == 6 else batch

    assert "from 6 it went back to 3, below what 0 blocks make final" in told(
        link_with(wrong, batch=going_back), "test_rollback_is_no_deeper_than_finality"
    )


def test_link_of_another_finality_is_told(wrong: ModuleType) -> None:
    """Those who ask the link and those who ask the chain must agree."""

    def made(self: Any, rules: ChainRules, reader: Any, setup: LinkSetup) -> None:
        wrong.SoundLink.__init__(self, rules, reader, setup)
        self.rules.finality = 7

    assert "the rules say 0, those of the link 7" in told(link_with(wrong, __init__=made), "test_rollback_is_no_deeper_than_finality")
