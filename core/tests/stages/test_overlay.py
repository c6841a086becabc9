"""The overlay of our own paper swaps: laid on what is observed, ended by what others do, never by the clock alone."""

from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.ids import AssetId, ChainId, PlanId
from tidemill.domain.outcome import Fill
from tidemill.domain.pool import Swapped
from tidemill.domain.time import ChainTime
from tidemill.stages.overlay import Overlay
from tidemill_testing.market import NOW, SIM, PairPool, pair_pool
from tidemill_testing.toy import USD, WETH

PLAN = PlanId("plan")
SWAP = 10**15
AMOUNTS = st.integers(10**12, 10**18)


def pool_of(usd: int = 10**18, weth: int = 10**18) -> PairPool:
    return pair_pool("a", {USD: usd, WETH: weth})


def filled(pool: PairPool, *amounts: int, blocks: int = 3) -> Overlay:
    """Return the overlay that our sales of dollars leave."""
    return traded(pool, *((USD, WETH, amount) for amount in amounts), blocks=blocks)


def traded(pool: PairPool, *trades: tuple[AssetId, AssetId, int], blocks: int = 3) -> Overlay:
    """Return the overlay that plans of one trade each leave, every one filled on what the ones before it left."""
    overlay = Overlay(blocks)
    for place, (sell, buy, amount) in enumerate(trades):
        seen = {pool.id: overlay.over(pool, NOW)}
        overlay = overlay.filled(PlanId(f"plan {place}"), [Fill(pool.id, sell, buy, amount, 0)], seen, {pool.id: pool}, NOW)
    return overlay


def after(pool: PairPool, amount: int) -> PairPool:
    """Return the pool after a sale of dollars."""
    swapped = pool.swap_exact_in(USD, WETH, amount, NOW)
    assert isinstance(swapped, Swapped)
    assert isinstance(swapped.pool, PairPool)
    return swapped.pool


def test_overlay_shows_the_pool_after_our_swaps_in_their_order() -> None:
    """What ideas see is the observed pool with each of our swaps applied again; other pools are as observed."""
    pool, other = pool_of(), pair_pool("b", {USD: 5, WETH: 5})
    overlay = filled(pool, SWAP, 2 * SWAP)

    assert after(after(pool, SWAP), 2 * SWAP) == overlay.over(pool, NOW)
    assert other is overlay.over(other, NOW)
    moved = pool_of(2 * 10**18)
    assert after(after(moved, SWAP), 2 * SWAP) == overlay.over(moved, NOW)


def test_overlay_swap_that_no_longer_fits_is_passed_over() -> None:
    """A swap that the observed pool cannot carry leaves it as it is."""
    pool = pool_of()
    drained = pool_of(0, 0)

    assert drained is filled(pool, SWAP).over(drained, NOW)


def test_overlay_ignores_fills_of_pools_that_are_not_loaded_or_give_no_quote() -> None:
    """Without a pool, or with one that does not quote, nothing can be laid over."""
    pool = pool_of()
    fills = [Fill(pool.id, USD, WETH, SWAP, 0)]

    drained = {pool.id: pool_of(0, 0)}

    assert not Overlay(3).filled(PLAN, fills, {}, {}, NOW).swaps
    assert not Overlay(3).filled(PLAN, fills, {}, {pool.id: pool}, NOW).swaps
    assert not Overlay(3).filled(PLAN, fills, drained, drained, NOW).swaps


def test_overlay_of_a_frozen_pool_lasts_for_ever() -> None:
    """As long as nobody moves the pool our swap counts, however many blocks pass: never counted from the fill."""
    pool = pool_of()
    overlay, ended = filled(pool, SWAP).aged(SIM, 10**9)

    assert (pool.id,) == tuple(overlay.swaps)
    assert () == ended


def test_overlay_ends_so_many_blocks_after_the_first_observed_change() -> None:
    """The first observed change starts the count, later ones do not start it again; another chain's blocks do not count."""
    pool = pool_of()
    overlay = filled(pool, SWAP, blocks=3).observed(pool_of(10**18 - 10**14), NOW)
    overlay = overlay.observed(pool_of(10**18 - 2 * 10**14), NOW)
    first = NOW.height

    assert (pool.id,) == tuple(overlay.aged(SIM, first + 2)[0].swaps)
    assert overlay is overlay.aged(ChainId("toy:2"), first + 1_000)[0]
    gone, ended = overlay.aged(SIM, first + 3)
    assert (0, (pool.id,)) == (len(gone.swaps), ended)


def test_overlay_of_several_swaps_drops_each_when_the_market_has_caught_up_with_it() -> None:
    """Others who moved the pool as far as our first swap end that one; the second, further one stays."""
    pool = pool_of()
    overlay = filled(pool, SWAP, SWAP)
    caught = overlay.observed(after(pool, SWAP), NOW)

    assert 1 == len(caught.swaps[pool.id])
    assert caught.swaps[pool.id][0].after_out < overlay.swaps[pool.id][0].after_out
    assert not caught.observed(after(after(pool, SWAP), SWAP), NOW).swaps


def test_overlay_that_nothing_changes_is_the_same_value() -> None:
    """A change of a pool that we did not touch gives the very same overlay."""
    overlay = filled(pool_of(), SWAP)

    assert overlay is overlay.observed(pair_pool("b", {USD: 5, WETH: 5}), NOW)
    assert overlay is overlay.without(pair_pool("b", {USD: 5, WETH: 5}).id)
    assert not overlay.without(pool_of().id).swaps


def test_overlay_of_one_plan_lays_each_fill_behind_the_one_before() -> None:
    """Two fills of one plan on one pool: the second is measured on what the first left, and both apply."""
    pool = pool_of()
    fills = [Fill(pool.id, USD, WETH, SWAP, 0), Fill(pool.id, USD, WETH, 2 * SWAP, 0)]
    overlay = Overlay(3).filled(PLAN, fills, {pool.id: pool}, {pool.id: pool}, NOW)
    first, second = overlay.swaps[pool.id]

    assert after(after(pool, SWAP), 2 * SWAP) == overlay.over(pool, NOW)
    assert after(pool, SWAP).amount_out(USD, WETH, SWAP, NOW) == first.after_out
    assert after(after(pool, SWAP), 2 * SWAP).amount_out(USD, WETH, 2 * SWAP, NOW) == second.after_out
    assert (pool.amount_out(USD, WETH, SWAP, NOW), pool.amount_out(USD, WETH, 2 * SWAP, NOW)) == (first.before_out, second.before_out)


def test_overlay_of_a_pool_that_is_only_read_again_does_not_begin_to_age() -> None:
    """The same state read again is no move of others: the swap counts as long as before."""
    pool = pool_of()
    overlay = filled(pool, SWAP, 2 * SWAP)
    read_again = pool_of()

    assert read_again is not pool
    assert overlay is overlay.observed(read_again, NOW)
    assert overlay is overlay.aged(SIM, 10**9)[0]
    assert overlay is not overlay.observed(pool_of(10**18 - 10**14), NOW)


def test_overlay_swap_behind_an_opposite_one_ends_only_when_the_observed_pool_moved_as_far() -> None:
    """Swaps that cancel leave the view at the observed pool: a nudge of others ends neither, a move as far as one ends that one."""
    pool = pool_of()
    got = pool.amount_out(USD, WETH, SWAP, NOW)
    overlay = traded(pool, (USD, WETH, SWAP), (WETH, USD, got))
    nudged = overlay.observed(pool_of(10**18 + 1), NOW).observed(pool_of(10**18 - 1), NOW)
    sold_weth = pool.swap_exact_in(WETH, USD, got, NOW)
    assert isinstance(sold_weth, Swapped)
    assert isinstance(sold_weth.pool, PairPool)

    assert [USD, WETH] == [swap.sell for swap in nudged.swaps[pool.id]]
    assert [USD] == [swap.sell for swap in nudged.observed(sold_weth.pool, NOW).swaps[pool.id]]
    assert [WETH] == [swap.sell for swap in nudged.observed(after(pool, SWAP), NOW).swaps[pool.id]]


def test_overlay_swaps_on_one_pool_age_out_together_with_the_youngest() -> None:
    """An older swap alone would leave its opposite behind, at a price that nobody made; another pool ends by itself."""
    pool, other = pool_of(), pair_pool("b", {USD: 10**18, WETH: 10**18})
    first = NOW.height
    later = ChainTime(SIM, first + 2, NOW.unix_time)
    overlay = traded(pool, (USD, WETH, SWAP)).observed(pool_of(10**18 - 10**6), NOW)
    seen = {pool.id: overlay.over(pool, NOW), other.id: other}
    fills = [Fill(pool.id, WETH, USD, SWAP, 0), Fill(other.id, USD, WETH, SWAP, 0)]
    overlay = overlay.filled(PLAN, fills, seen, {pool.id: pool_of(10**18 - 10**6), other.id: other}, later)
    moved = pair_pool("b", {USD: 10**18 - 10**14, WETH: 10**18})

    assert overlay is overlay.aged(SIM, first + 1_000)[0]
    both = overlay.observed(pool_of(10**18 - 2 * 10**6), ChainTime(SIM, first + 5, NOW.unix_time)).observed(moved, later)
    assert [first, first + 5] == [swap.first_moved for swap in both.swaps[pool.id]]
    assert (other.id,) == both.aged(SIM, first + 7)[1]
    assert tuple(sorted((pool.id, other.id))) == both.aged(SIM, first + 8)[1]


@given(amount=AMOUNTS, usd=st.integers(10**17, 10**19), weth=st.integers(10**17, 10**19))
def test_overlay_ends_exactly_when_our_amount_would_get_no_more_than_after_our_swap(amount: int, usd: int, weth: int) -> None:
    """For any observed reserves: it ends when the quote of our amount now is at most what it was right after us, and only then."""
    pool = pool_of()
    overlay = filled(pool, amount)
    after_out = after(pool, amount).amount_out(USD, WETH, amount, NOW)
    now = pool_of(usd, weth)

    assert (now.amount_out(USD, WETH, amount, NOW) <= after_out) == (not overlay.observed(now, NOW).swaps)


@given(heights=st.lists(st.integers(1, 60), min_size=1, max_size=8, unique=True), blocks=st.integers(1, 20))
def test_overlay_age_counts_from_the_first_observed_change(heights: list[int], blocks: int) -> None:
    """Whenever others nudge the pool, the end is ``blocks`` after the first nudge, to the block."""
    pool = pool_of()
    overlay = filled(pool, SWAP, blocks=blocks)
    heights.sort()
    ended = None
    for height in range(1, 100):
        overlay, dropped = overlay.aged(SIM, height)
        if dropped:
            ended = height
            break
        if height in heights:
            at = ChainTime(SIM, height, NOW.unix_time)
            overlay = overlay.observed(pool_of(10**18 - height * 10**6), at)

    assert heights[0] + blocks == ended
