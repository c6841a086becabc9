"""Groups of legs: how far one has come by what is known, what of it stands open, and what it may come to be worth."""

from collections.abc import Mapping
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.answers import NoPrice, Rejected
from tidemill.domain.asset import AssetAmount
from tidemill.domain.exposure import Changes, GroupState, standing_open, summed
from tidemill.domain.ids import MAIN_BOOK, ChainId, OpportunityId, PlanId, erc20
from tidemill.domain.plan import Flow, Group
from tidemill.domain.snapshot import Snapshot
from tidemill.stages.exposure import MAX_LEGS, refused_exposure, worst, worth
from tidemill.stages.groups import Fate, Groups, Stake, Standing
from tidemill_testing.market import SIM, pair_pool, snapshot_of, token

A, B, C = token("A"), token("B"), token("C")
FAR = ChainId("sim:2")
FAR_A, FAR_B = erc20(FAR, "0x" + "0a" * 20), erc20(FAR, "0x" + "0b" * 20)
ONE, TWO, BACK, AGAIN = PlanId("one"), PlanId("two"), PlanId("back"), PlanId("again")
BOUGHT: Changes = ((A, -100), (B, 50))
SOLD: Changes = ((A, 103), (B, -50))
RETURNED: Changes = ((A, 98), (B, -50))
FAILED = Fate(filled=False, reason="too late")
DEADLINE = 1_000


def leg(plan: PlanId, chain: ChainId = SIM) -> Flow:
    return Flow(plan, OpportunityId("idea"), "test", MAIN_BOOK, chain, (), (), (), (), (), 10, 0)


GROUP = Group(PlanId("group"), OpportunityId("idea"), "test", MAIN_BOOK, SIM, (leg(ONE), leg(TWO)), "sell_back", DEADLINE)
EXPECTED: Mapping[PlanId, Changes] = {ONE: BOUGHT, TWO: SOLD}


def fill(changes: Changes, gain: int = 0, height: int = 5) -> Fate:
    return Fate(True, changes, gain, SIM, height)


def standing(one: Fate | None = None, two: Fate | None = None, **backs: Fate | None) -> Standing:
    groups = Groups()
    fates = {plan: fate for plan, fate in ((ONE, one), (TWO, two)) if fate is not None}
    made = groups.add(GROUP, EXPECTED, fates)
    for plan, fate in backs.items():
        groups.send_back(made, PlanId(plan), fate)
    return made


@pytest.mark.parametrize(
    ("made", "state", "late"),
    [
        (standing(), "planned", "exposed"),
        (standing(fill(BOUGHT)), "planned", "exposed"),
        (standing(FAILED), "planned", "exposed"),
        (standing(fill(BOUGHT), fill(SOLD)), "complete", "complete"),
        (standing(FAILED, FAILED), "failed", "failed"),
        (standing(fill(BOUGHT), FAILED), "exposed", "exposed"),
        (standing(fill(((A, 5),)), FAILED), "unwound", "unwound"),
        (standing(fill(BOUGHT), FAILED, back=None), "unwinding", "unwinding"),
        (standing(fill(BOUGHT), FAILED, back=FAILED), "exposed", "exposed"),
        (standing(fill(BOUGHT), FAILED, back=fill(RETURNED)), "unwound", "unwound"),
        (standing(fill(BOUGHT), FAILED, back=fill(((A, 49), (B, -25)))), "exposed", "exposed"),
        (standing(fill(BOUGHT), None, back=fill(RETURNED)), "exposed", "exposed"),
        (standing(fill(BOUGHT), fill(SOLD), back=fill(RETURNED)), "exposed", "exposed"),
        (standing(fill(BOUGHT), fill(SOLD), back=fill(RETURNED), again=fill(((A, -98), (B, 50)))), "unwound", "unwound"),
    ],
)
def test_group_is_as_far_as_is_proven(made: Standing, state: GroupState, late: GroupState) -> None:
    """What legs and ways back did decides, and before the deadline what is not known is waited for."""
    assert (state, late) == (made.now(DEADLINE - 1), made.now(DEADLINE))


def test_group_that_gave_up_is_kept() -> None:
    """What stands open and is not sold stays, by name."""
    made = standing(fill(BOUGHT), FAILED)
    made.gave_up = "its policy"

    assert "kept" == made.now(0)


def test_loose_is_what_has_no_counterpart() -> None:
    """Of legs that filled alone all of it; once all filled after all, what was sold on the way back."""
    assert BOUGHT == standing(fill(BOUGHT), FAILED).loose
    assert () == standing(fill(BOUGHT), fill(SOLD)).loose
    assert RETURNED == standing(fill(BOUGHT), fill(SOLD), back=fill(RETURNED)).loose
    assert ((A, -51), (B, 25)) == standing(fill(BOUGHT), FAILED, back=fill(((A, 49), (B, -25)))).loose


def test_open_sides_are_paired_chain_by_chain() -> None:
    """Only where something came in for something that went out on the same chain can anything be turned back."""
    assert ((A, -1), (B, 2)) == standing_open(((A, -1), (B, 2), (FAR_A, 5)))
    assert () == standing_open(((A, 1), (FAR_B, -2)))
    assert ((A, 3),) == summed(((A, 1), (B, 2)), ((A, 2), (B, -2)))


def test_exposure_tells_what_how_much_and_why() -> None:
    """One value a group, while it stands open; what a policy keeps goes on being told."""
    groups = Groups()
    groups.add(GROUP, EXPECTED)
    assert [] == groups.turn(10)
    groups.settle(ONE, fill(BOUGHT))
    groups.settle(TWO, FAILED)
    (turn,) = groups.turn(20)
    (one,) = groups.exposure

    assert ("planned", "exposed", 20) == (turn.before, turn.standing.state, one.since_ns)
    assert (GROUP.id, MAIN_BOOK, "test", BOUGHT, ()) == (one.group, one.book, one.strategy, one.amounts, one.unproven)
    assert "1 of 2 legs filled, 1 failed: too late" == one.reason
    turn.standing.gave_up = "its policy"
    groups.turn(30)
    assert ["kept"] == [one.state for one in groups.exposure]
    assert () == groups.open


def test_reasons_name_what_is_missing() -> None:
    """Late legs, failed legs, and legs that filled after all are told apart."""
    assert "2 of 2 legs have not filled at the deadline" == standing().reason
    assert "0 of 2 legs filled, 1 failed: no reason is known" == standing(Fate(filled=False)).reason
    assert "all legs filled after others were sold back" == standing(fill(BOUGHT), fill(SOLD), back=fill(RETURNED)).reason


def test_gain_is_that_of_all_that_settled() -> None:
    """Legs and ways back count together."""
    assert 4 == standing(fill(BOUGHT, -3), FAILED, back=fill(RETURNED, 7)).gain


def test_groups_find_the_group_of_a_leg_and_forget_it_when_it_is_deep() -> None:
    """An ended group stays as long as a block of it may be dropped; one that is kept stays for good."""
    groups = Groups()
    groups.add(GROUP, EXPECTED, {ONE: fill(BOUGHT), TWO: fill(SOLD)})
    groups.settle(PlanId("stranger"), FAILED)
    groups.turn(0)
    groups.head(SIM, 69)
    assert groups.of(ONE) is not None
    groups.settle(TWO, None)
    assert ["complete"] == [turn.before for turn in groups.turn(0)]
    groups.settle(TWO, fill(SOLD))
    groups.turn(0)
    groups.head(SIM, 70)
    assert groups.of(ONE) is None
    assert () == groups.stakes


def market() -> Snapshot:
    """B is worth two of A, C has no price."""
    return snapshot_of([pair_pool("ab", {A: 2 * 10**24, B: 10**24}, 0)], wrapped=A)


def test_worth_is_the_greater_side_rounded_up() -> None:
    """What came in and what went out are the two sides of one exposure."""
    assert 104 == worth(((A, -104), (B, 50)), A, market())
    assert 100 == worth(((A, -90), (B, 50)), A, market())
    assert 0 == worth((), A, market())
    assert isinstance(worth(((C, 1),), A, market()), NoPrice)


def test_stake_of_a_group_is_what_any_part_of_it_may_leave() -> None:
    """All legs together have their counterpart, each alone has none; a failed one leaves the others alone."""
    view = market()
    assert 103 == worst(standing().stake(), A, view)
    assert 100 == worst(standing(None, FAILED).stake(), A, view)
    assert 100 == worst(standing(fill(BOUGHT)).stake(), A, view)
    assert 0 == worst(Stake((), ()), A, view)
    done = standing(fill(BOUGHT), fill(SOLD))
    done.state = "complete"
    assert Stake((), ()) == done.stake()
    kept = standing(fill(BOUGHT), FAILED)
    kept.state = "kept"
    assert Stake(BOUGHT, ()) == kept.stake()


def test_refused_exposure_has_the_numbers_and_the_key() -> None:
    """No limit, too many legs, no price, too much: each is said with what decided."""
    view, two = market(), [BOUGHT, SOLD]

    assert refused_exposure(two, [], AssetAmount(A, 103), view) is None
    for limit in (None, AssetAmount(A, 0)):
        found = refused_exposure(two, [], limit, view)
        assert isinstance(found, Rejected)
        assert "max_exposure in [execution]" in found.reason
    above = refused_exposure(two, [Stake(BOUGHT, ())], AssetAmount(A, 202), view)
    assert isinstance(above, Rejected)
    assert ("exposure", (("exposure", 203), ("limit", 202), ("open", 100))) == (above.rule, above.numbers)
    assert refused_exposure(two, [Stake(BOUGHT, ())], AssetAmount(A, 203), view) is None
    many = refused_exposure([BOUGHT] * (MAX_LEGS + 1), [], AssetAmount(A, 10**9), view)
    assert isinstance(many, Rejected)
    assert (("legs", 9), ("limit", 8)) == many.numbers
    strange = refused_exposure([((A, -1), (C, 1)), SOLD], [], AssetAmount(A, 10**9), view)
    assert isinstance(strange, Rejected)
    assert "cannot be valued" in strange.reason


amounts = st.integers(-1_000, 1_000)
some = st.lists(st.tuples(st.sampled_from([A, B]), amounts), max_size=2).map(lambda pairs: summed(tuple(pairs)))


@given(st.lists(some, min_size=2, max_size=4))
def test_worst_bounds_every_part_that_may_fill(legs: list[Changes]) -> None:
    """Whichever legs fill without the rest, what stands open is worth no more than was counted at the door."""
    view = market()
    bound = worst(Stake((), tuple(legs), whole=True), A, view)
    assert isinstance(bound, int)
    for count in range(len(legs)):
        for part in combinations(legs, count):
            value = worth(standing_open(summed(*part)), A, view)
            assert isinstance(value, int)
            assert value <= bound


events = st.lists(st.tuples(st.sampled_from([ONE, TWO, BACK, AGAIN]), st.sampled_from(["fill", "fail", "drop"])), max_size=12)


@given(events, st.integers(0, 2 * DEADLINE))
def test_state_depends_on_what_is_known_alone(happened: list[tuple[PlanId, str]], now_ns: int) -> None:
    """Whatever happened on the way, dropped blocks included, a group is where its latest facts put it."""
    groups, fresh = Groups(), Groups()
    one, other = groups.add(GROUP, EXPECTED), fresh.add(GROUP, EXPECTED)
    facts: dict[PlanId, Fate | None] = {}
    changes: Mapping[PlanId, Changes] = {ONE: BOUGHT, TWO: SOLD, BACK: RETURNED, AGAIN: RETURNED}
    for plan, what in happened:
        fate = {"fill": fill(changes[plan]), "fail": FAILED, "drop": None}[what]
        facts[plan] = fate
        if plan in EXPECTED or plan in one.backs:
            groups.settle(plan, fate)
        else:
            groups.send_back(one, plan, fate)
        groups.turn(now_ns)
    for plan in (BACK, AGAIN):
        if plan in facts:
            fresh.send_back(other, plan, facts[plan])
    for plan in (ONE, TWO):
        fresh.settle(plan, facts.get(plan))
    fresh.turn(now_ns)

    assert (other.state, other.loose, other.stake()) == (one.state, one.loose, one.stake())
    if one.state in ("complete", "failed", "unwound"):
        assert () == one.pending
        assert () == one.loose
