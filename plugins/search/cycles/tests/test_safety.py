"""Which cycles are suspect, and what is said of them."""

import re
from collections.abc import Mapping, Sequence

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tidemill.config.assets import KnownAssets
from tidemill.config.model import PluginTable
from tidemill.config.settings import make_settings
from tidemill.domain.asset import Asset, Transfers
from tidemill.domain.ids import AssetId, address_of
from tidemill.domain.opportunity import Leg
from tidemill.domain.search import Candidate
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import ConfigError
from tidemill.hookspecs.plugin import Plugin
from tidemill_search_cycles.safety import Screen, ScreenSettings, Verdict
from tidemill_testing.market import NEXT, SIM, PairPool, pair_pool, snapshot_of, token

WETH, USD, TAX = token("WETH"), token("USD"), token("TAX")
UNIT = 10**18
FAIR = pair_pool("fair", {WETH: 100 * UNIT, USD: 40_000 * UNIT})
CHEAP = pair_pool("cheap", {WETH: 10 * UNIT, TAX: 1_000 * UNIT})
DEAR = pair_pool("dear", {USD: 40_000 * UNIT, TAX: 5_000 * UNIT})
ROUTE = ((CHEAP, WETH, TAX), (DEAR, TAX, USD), (FAIR, USD, WETH))
"""A token bought at a hundredth of the coin and sold at a fiftieth, which is what the deeper pool says: little in comes out twice."""


def market(states: Mapping[AssetId, tuple[Transfers, str]], pools: Sequence[PairPool] = (FAIR, CHEAP, DEAR)) -> Snapshot:
    named = {WETH: "WETH", USD: "USD", TAX: "TAX"}
    assets = [Asset(asset, symbol, 18, None, *states.get(asset, ("sound", ""))) for asset, symbol in named.items()]
    return snapshot_of(pools, assets=assets, wrapped=WETH)


def cycle(amount: int = UNIT // 100, route: Sequence[tuple[PairPool, AssetId, AssetId]] = ROUTE) -> tuple[tuple[Leg, ...], tuple[int, ...]]:
    amounts = [amount]
    for pool, sell, buy in route:
        amounts.append(pool.amount_out(sell, buy, amounts[-1], NEXT))
    return tuple(Leg(pool.id, sell, buy) for pool, sell, buy in route), tuple(amounts)


def judged(screen: ScreenSettings, **states: tuple[Transfers, str]) -> Verdict:
    return Screen(screen).judge(*cycle(), market({token(symbol): state for symbol, state in states.items()}))


OFF = ScreenSettings(implausible_bps=0)


@pytest.mark.parametrize(
    ("why", "said"),
    [("took 8 % in a test", "is quarantined: took 8 % in a test"), ("", "is quarantined"), ("\x1b[31mred", "is quarantined: ?[31mred")],
)
def test_judge_quarantined_token_is_suspect_with_the_reason(why: str, said: str) -> None:
    """A token of the quarantine marks every cycle through it, and keeps the pools that trade it out."""
    verdict = judged(ScreenSettings(quarantine={TAX: why}, implausible_bps=0))
    assert Verdict((f"TAX ({address_of(TAX)}) {said}",), (CHEAP.id, DEAR.id)) == verdict


@pytest.mark.parametrize(
    ("transfers", "note", "said"),
    [
        ("taxed", "2 % of 1_000 sent were missing", "takes a fee on transfer: 2 % of 1_000 sent were missing"),
        ("rebasing", "", "changes balances by itself"),
        ("broken", "transfer reverts", "does not transfer as a token should: transfer reverts"),
    ],
)
def test_judge_token_with_a_known_fault_is_suspect_with_its_note(transfers: Transfers, note: str, said: str) -> None:
    """What a chain plugin saw of a token marks every cycle through it, in its words."""
    assert Verdict((f"TAX ({address_of(TAX)}) {said}",), (CHEAP.id, DEAR.id)) == judged(OFF, TAX=(transfers, note))


@pytest.mark.parametrize("transfers", ["unknown", "sound"])
def test_judge_token_that_nobody_saw_fail_is_no_reason(transfers: Transfers) -> None:
    """Not to have been looked at is nothing against a token."""
    assert Verdict() == judged(OFF, TAX=(transfers, ""))


def test_judge_trusted_token_is_sound_whatever_was_seen() -> None:
    """A trusted token is exempt from what a chain plugin says and from blame, but not from the quarantine."""
    assert Verdict() == judged(ScreenSettings(trusted=(TAX,), implausible_bps=0), TAX=("taxed", ""))
    both = ScreenSettings(trusted=(TAX,), quarantine={TAX: ""}, implausible_bps=0)
    assert (f"TAX ({address_of(TAX)}) is quarantined",) == judged(both).reasons


def test_judge_implausible_gain_blames_who_is_not_sound_where_value_jumps() -> None:
    """Of the tokens not known to be sound, the one at the pool that pays too much is named, and that pool is kept out."""
    legs, amounts = cycle()
    left = (amounts[-1] - amounts[0]) * 10_000 // amounts[0]
    assert 2_000 < left
    said = f"leaves {left:_} bps of what goes in, more than the 2_000 that count as plausible"
    want = Verdict((f"{said}; not known to be sound: TAX ({address_of(TAX)})",), (CHEAP.id,))
    assert want == judged(ScreenSettings(), TAX=("unknown", ""))
    assert want.reasons == Screen().reasons(legs, amounts, market({TAX: ("unknown", "")}))


def test_judge_implausible_gain_of_sound_tokens_is_marked_and_blames_nobody() -> None:
    """A gain beyond the limit is marked even where every token is sound, with the pool at which it arises."""
    verdict = judged(ScreenSettings())
    assert (CHEAP.id,) == verdict.pools
    assert "not known to be sound" not in verdict.reasons[0]
    assert verdict.reasons[0].endswith(f"; its value jumps at {address_of(CHEAP.id)}")


def test_judge_trusted_token_is_not_blamed_for_a_gain() -> None:
    """What is trusted counts as sound where a gain is implausible: others are blamed, even away from the jump, before nobody is."""
    states: dict[str, tuple[Transfers, str]] = {"TAX": ("unknown", ""), "USD": ("unknown", "")}
    (reason,) = judged(ScreenSettings(trusted=(TAX,)), **states).reasons
    assert reason.endswith(f"; not known to be sound: USD ({address_of(USD)})")


def test_judge_gain_at_the_limit_is_plausible() -> None:
    """The limit itself is allowed, one unit more is not, and 0 allows every gain."""
    legs, _ = cycle()
    snapshot = market({})
    screen = Screen(ScreenSettings(implausible_bps=2_000))
    assert () == screen.reasons(legs, (10_000, 1, 1, 12_000), snapshot)
    assert screen.reasons(legs, (10_000, 1, 1, 12_001), snapshot)
    assert () == Screen(OFF).reasons(legs, (1, 1, 1, 1 << 256), snapshot)


def test_judge_something_for_nothing_is_implausible() -> None:
    """A cycle that takes nothing and pays is suspect, not an error; one that does neither is not suspect."""
    legs, _ = cycle()
    (reason,) = Screen().reasons(legs, (0, 5, 5, 1_000), market({}))
    assert reason.startswith("leaves 1_000 for nothing, more than")
    assert () == Screen().reasons(legs, (0, 0, 0, 0), market({}))


def test_judge_without_prices_blames_all_that_are_not_sound() -> None:
    """Where nothing tells what tokens are worth, each token not known to be sound is named, and what trades it is kept out."""
    legs, amounts = cycle()
    snapshot = evolve(market({TAX: ("unknown", ""), USD: ("unknown", "")}), trees={})
    verdict = Screen().judge(legs, amounts, snapshot)
    assert verdict.reasons[0].endswith(f"not known to be sound: TAX ({address_of(TAX)}), USD ({address_of(USD)})")
    assert tuple(leg.pool for leg in legs) == verdict.pools
    assert (*(leg.pool for leg in legs),) == Screen().judge(legs, amounts, evolve(market({}), trees={})).pools


def test_judge_token_without_a_symbol_is_named_by_its_address() -> None:
    """A token that nobody described, or whose symbol is its address, is told by the address alone."""
    legs, _ = cycle()
    (reason,) = Screen(ScreenSettings(quarantine={TAX: ""})).reasons(legs, (1, 1, 1, 1), evolve(market({}), assets={}))
    assert f"{address_of(TAX)} is quarantined" == reason
    (reason,) = Screen(ScreenSettings(quarantine={TAX: ""})).reasons(legs, (1, 1, 1, 1), snapshot_of([CHEAP, DEAR, FAIR]))
    assert f"{address_of(TAX)} is quarantined" == reason


def test_judge_symbol_that_writes_to_a_terminal_is_made_harmless() -> None:
    """A symbol is shown without control characters and cut: anybody may deploy a token of any name."""
    snapshot = evolve(market({}), assets={TAX: Asset(TAX, "\x1b[2J" + "A" * 90, 18, transfers="broken")})
    (reason,) = Screen(OFF).reasons(*cycle(), snapshot)
    assert f"?[2J{'A' * 12} ({address_of(TAX)}) does not transfer as a token should" == reason


def test_judge_token_with_a_fault_is_not_blamed_twice() -> None:
    """A token that is known to be at fault has its own sentence: that of the gain names others."""
    first, second = judged(ScreenSettings(), TAX=("taxed", "")).reasons
    assert first == f"TAX ({address_of(TAX)}) takes a fee on transfer"
    assert "TAX" not in second


def candidate(route: Sequence[tuple[PairPool, AssetId, AssetId]], amount: int = UNIT // 100) -> Candidate:
    legs, amounts = cycle(amount, route)
    return Candidate(SIM, legs[0].sell, legs, amounts, amounts[-1] - amounts[0])


def test_free_leaves_out_suspect_cycles_and_the_pools_at_which_they_jump() -> None:
    """A flow gets the cycles that are not suspect, but for those through a pool at which a suspect one gains; its other pools stay."""
    other = pair_pool("other", {WETH: 100 * UNIT, USD: 41_000 * UNIT})
    back = pair_pool("back", {WETH: 10 * UNIT, TAX: 1_050 * UNIT})
    snapshot = market({TAX: ("unknown", "")}, (FAIR, CHEAP, DEAR, other, back))
    suspect = candidate(ROUTE)
    through_jump = candidate(((back, WETH, TAX), (CHEAP, TAX, WETH)))
    sound = candidate(((other, WETH, USD), (FAIR, USD, WETH)))
    assert [True, False, False] == [bool(Screen().reasons(one.legs, one.amounts, snapshot)) for one in (suspect, through_jump, sound)]
    assert [sound] == Screen().free([suspect, through_jump, sound], snapshot)
    assert [through_jump, sound] == Screen().free([through_jump, sound], snapshot)
    assert [] == Screen().free([], snapshot)


STATES = st.sampled_from(("unknown", "sound", "taxed", "rebasing", "broken"))
FAULTS = {"taxed", "rebasing", "broken"}


@given(st.tuples(STATES, STATES, STATES), st.integers(0, 30_000), st.lists(st.integers(0, 1 << 130), min_size=4, max_size=4), st.booleans())
@examples(max_examples=100, derandomize=True, deadline=None)
def test_judge_marks_what_has_a_reason_and_nothing_else(
    states: tuple[Transfers, Transfers, Transfers], limit: int, amounts: list[int], trusts: bool
) -> None:
    """A cycle of verified tokens within the limit is never marked; any other has a reason, and only pools of its own are kept out."""
    snapshot = market({asset: (state, "") for asset, state in zip((WETH, USD, TAX), states, strict=True)})
    legs, _ = cycle()
    verdict = Screen(ScreenSettings(implausible_bps=limit, trusted=(TAX,) if trusts else ())).judge(legs, amounts, snapshot)
    implausible = limit > 0 and (amounts[-1] - amounts[0]) * 10_000 > limit * amounts[0]
    at_fault = not FAULTS.isdisjoint(states[:2] if trusts else states)
    assert (implausible or at_fault) == bool(verdict.reasons) == bool(verdict.pools)
    assert {leg.pool for leg in legs} >= set(verdict.pools)
    assert verdict == Screen(ScreenSettings(implausible_bps=limit, trusted=(TAX,) if trusts else ())).judge(legs, amounts, snapshot)


class Screening(Plugin):
    """Has the settings of a screen and nothing else."""

    name = "screening"
    settings: ScreenSettings


def test_settings_are_read_from_ids_addresses_and_symbols() -> None:
    """Tokens may be named as everywhere in a configuration; who does not say why leaves the text empty."""
    known = KnownAssets({"USD": Asset(USD, "USD", 6)})
    written = {"quarantine": {TAX: "8 % tax", address_of(WETH): ""}, "trusted": ["USD"], "implausible_bps": 500}
    read = make_settings(PluginTable("search", "screening", settings=written), Screening, known)
    assert ScreenSettings(quarantine={TAX: "8 % tax", WETH: ""}, trusted=(USD,), implausible_bps=500) == read
    assert ScreenSettings() == make_settings(PluginTable("search", "screening"), Screening, known)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"quarantine": {"FAKE": ""}}, "$.search.screening.quarantine.FAKE  "),
        ({"quarantine": {TAX: 8}}, "expected text"),
        ({"implausible_bps": -1}, "$.search.screening.implausible_bps  must be >= 0"),
        ({"trusted": "USD"}, "$.search.screening.trusted  expected a list"),
    ],
)
def test_settings_that_cannot_be_read_are_refused_by_name(written: Mapping[str, object], said: str) -> None:
    """What names no token, or is no limit, is one error that says where it stands."""
    with pytest.raises(ConfigError, match=re.escape(said)):
        make_settings(PluginTable("search", "screening", settings=written), Screening, KnownAssets({"USD": Asset(USD, "USD", 6)}))
