"""What the market hands out: snapshots, what changed, valuation trees, offers of lenders."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve

from tidemill.domain import events as ev
from tidemill.domain.answers import NoLoan, NoPrice
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, ChainId, Key, MarketId
from tidemill.domain.lending import LoanTerms
from tidemill.domain.plan import Loan
from tidemill.domain.pool import Watch
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Wallet
from tidemill.hookspecs.chain import Step
from tidemill.hookspecs.lender import Lender
from tidemill.pipeline.supervise import Supervisor
from tidemill.stages.market import Market
from tidemill_testing.market import ETHER, SIM, token
from tidemill_testing.scripted import Scripted
from tidemill_testing.toy import DAI, USD, WETH, ToyRules, toy_ref

Stalls = Callable[..., Any]
OTHER = ChainId("toy:2")


class Chained(Lender):
    """Its list says which key holds the amount."""

    name = "chained"
    families = frozenset({"toy"})

    def watch(self, chain: ChainId, states: Mapping[Key, bytes | None]) -> Watch:
        if states.get(Key("0xlend:list")) == b"broken":
            raise ZeroDivisionError
        named = states.get(Key("0xlend:list"))
        return Watch((Key("0xlend:list"), *([Key(f"0xlend:{named.decode()}")] if named else [])))

    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> LoanTerms | NoLoan:
        return NoLoan("never")

    def bracket(self, loan: Loan, inner: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Sequence[Step]:
        return inner


def test_snapshot_never_changes_once_it_was_handed_out(stall: Stalls) -> None:
    """A later block gives another snapshot; the one in hand stays as it was."""
    run = stall()
    pool = run.load({1: (7, 9)})[1]
    before = run.market.snapshot()
    run.head(run.blocks.logs({pool: (1, 1)}))
    after = run.market.snapshot()

    assert ((7, 9), (1, 1)) == (before.pools[pool].reserves, after.pools[pool].reserves)
    assert (1, 2) == (before.head(SIM).height, after.head(SIM).height)
    assert before.version(pool) < after.version(pool)


def test_snapshot_shows_prices_markets_assets_and_the_newest_time(stall: Stalls) -> None:
    """What batches brought stands in the snapshot: assets, markets, oracle prices, and the greatest time of receipt."""
    run = stall()
    run.head()
    market = ev.Market(MarketId("venue/WETH"), "venue", WETH, USD, 1, 1, 1)
    run.tell(ev.Found((Asset(DAI, "DAI", 18),), (), (market,)), ev.OraclePrice(DAI, 1, 0, 0, 5))
    late = run.blocks.batch()
    run.market.apply(evolve(late, local_ns=1))
    seen = run.market.snapshot(changed=run.market.take_changed())

    assert (market, "DAI", 1) == (seen.markets[market.id], seen.assets[DAI].symbol, seen.prices[DAI].mantissa)
    assert ((DAI,), late.local_ns) == (seen.changed.prices, seen.now_ns)


def test_found_again_keeps_what_is_known_of_transfers(stall: Stalls) -> None:
    """An asset that is found again by who did not look keeps what was seen of its transfers; who looked again has the last word."""
    run = stall()
    tax = token("TAX")
    seen: list[Asset] = []
    for transfers, note in (("unknown", ""), ("taxed", "2 % missing"), ("unknown", ""), ("sound", "")):
        run.tell(ev.Found((Asset(tax, f"TAX-{len(seen)}", 18, None, transfers, note),)))  # type: ignore[arg-type]  # texts of a Literal
        seen.append(run.market.snapshot().assets[tax])

    told = [(asset.symbol, asset.transfers, asset.transfers_note) for asset in seen]
    assert [("TAX-0", "unknown", ""), ("TAX-1", "taxed", "2 % missing"), ("TAX-2", "taxed", "2 % missing"), ("TAX-3", "sound", "")] == told


def test_assets_that_the_chain_verifies_are_sound_until_something_else_is_found(stall: Stalls) -> None:
    """What a chain's rules verify counts as sound, also once it was found by who did not look; who looked is believed."""
    run = stall()
    assert "sound" == run.market.snapshot().assets[WETH].transfers
    run.tell(ev.Found((Asset(WETH, "WETH", 18),)))
    assert "sound" == run.market.snapshot().assets[WETH].transfers
    run.tell(ev.Found((Asset(WETH, "WETH", 18, transfers="broken"),)))
    assert "broken" == run.market.snapshot().assets[WETH].transfers


def test_asset_that_a_chain_says_to_be_taxed_is_not_called_sound() -> None:
    """Rules may say more of an asset than that its symbol is right."""

    class Rules(ToyRules):
        def verified_assets(self) -> Mapping[str, Asset]:
            return {name: evolve(asset, transfers="taxed") for name, asset in super().verified_assets().items()}

    market = Market(dexes={}, rules={SIM: Rules()}, guard=Supervisor({}, 3))
    assert "taxed" == market.snapshot().assets[WETH].transfers


def test_head_says_when_a_transaction_executes_and_what_chains_are_worth(stall: Stalls) -> None:
    """Only a head moves the chain; the rules say what follows from it."""
    run = stall()
    run.market.apply(run.blocks.batch(ev.Head(SIM, 5, "h", "p", 60, 2, 17)))
    view = run.market.snapshot().chains[SIM]

    assert (5, 2, 6, 72, 17) == (view.head.height, view.head.epoch, view.next.height, view.next.unix_time, view.fee)
    assert (ETHER, WETH) == (view.native, view.wrapped)


def test_changed_markets_are_those_whose_history_is_kept(stall: Stalls) -> None:
    """A trade of a market that nobody wants is no change."""
    run = stall()
    run.tell(ev.Trade(MarketId("v/a"), "buy", 1, 1))

    assert () == run.market.take_changed().markets


def test_touched_and_bumped_pools_count_as_changed_once(stall: Stalls) -> None:
    """What our overlay moved counts as changed; a bump gives a new version at the same height."""
    run = stall()
    pools = run.load({1: (7, 9), 2: (7, 9)})
    before = run.market.state.versions
    version = run.market.bump(pools[1])
    run.market.touch([pools[2], "sim:1/toy:0xunknown"])

    assert tuple(sorted(pools.values())) == run.market.take_changed().pools
    assert () == run.market.take_changed().pools
    assert before[pools[1]][0] == version[0]
    assert before[pools[1]][1] < version[1]
    assert before[pools[2]] == run.market.state.versions[pools[2]]


def test_tree_is_grown_when_there_are_pools_and_not_again_for_a_move(stall: Stalls) -> None:
    """The first pools grow it; a moved pool does not, since its rates are read from the pool."""
    run = stall()
    run.head()
    run.market.refresh_trees()
    assert {} == dict(run.market.state.trees)
    pool = run.load({1: (10**18, 10**18)})[1]
    run.market.refresh_trees()
    tree = run.market.state.trees[SIM]
    run.head(run.blocks.logs({pool: (10**18, 3 * 10**18)}))
    run.market.refresh_trees()

    assert tree is run.market.state.trees[SIM]
    assert WETH == tree.root
    assert isinstance(run.market.snapshot().value(USD, 10**6, WETH), int)


def test_tree_is_grown_anew_when_a_tenth_of_the_pools_came_or_went(stall: Stalls) -> None:
    """One pool more in twenty leaves it; one in ten, or a DEX less, grows it anew."""
    run = stall()
    run.load(dict.fromkeys(range(1, 21), (10**18, 10**18)))
    run.market.refresh_trees()
    tree = run.market.state.trees[SIM]
    run.load({21: (10**18, 10**18)}, (DAI, WETH))
    run.market.refresh_trees()
    assert tree is run.market.state.trees[SIM]
    assert isinstance(run.market.snapshot().value(DAI, 10**6, WETH), NoPrice)
    run.load({22: (10**18, 10**18)})
    run.market.refresh_trees()
    grown = run.market.state.trees[SIM]
    assert 22 == grown.pool_count
    assert isinstance(run.market.snapshot().value(DAI, 10**6, WETH), int)
    gone = tuple(toy_ref(number, USD, WETH).address for number in range(1, 4))
    run.head(ev.Gap(SIM, 1, 2, gone))
    run.market.refresh_trees()

    assert 19 == run.market.state.trees[SIM].pool_count


def test_tree_is_grown_anew_every_256_blocks(stall: Stalls) -> None:
    """Depths shift slowly: after so many blocks the tree is grown from them again."""
    run = stall()
    run.load({1: (10**18, 10**18)})
    run.market.refresh_trees()
    tree = run.market.state.trees[SIM]
    run.blocks.height += 254
    run.head()
    run.market.refresh_trees()
    assert tree is run.market.state.trees[SIM]
    run.head()
    run.market.refresh_trees()

    assert tree is not run.market.state.trees[SIM]


def test_trees_of_two_chains_are_grown_once_each(stall: Stalls) -> None:
    """Pools of another chain are no reason to grow a chain's tree again."""
    run = stall(chains=(SIM, OTHER))
    run.load({1: (10**18, 10**18)})
    far = run.on[OTHER]
    run.market.apply(far.head())
    ref = toy_ref(2, token("A"), token("B"), chain=OTHER)
    run.market.apply(far.found(ref))
    run.market.apply(far.batch(far.states({ref.id: (10**18, 10**18)})))
    run.market.refresh_trees()
    trees = dict(run.market.state.trees)
    run.head()
    run.market.refresh_trees()

    assert {SIM, OTHER} == set(trees)
    assert all(tree is run.market.state.trees[chain] for chain, tree in trees.items())


def test_lender_is_asked_again_until_it_names_nothing_new(stall: Stalls) -> None:
    """A lender names its keys, and further ones once it has read the first; each is watched and read once."""
    run = stall(lenders=[Chained()])
    run.head()
    assert ["0xlend:list"] == run.reads()
    run.tell(ev.States(SIM, ((Key("0xlend:list"), b"usd"),)))
    assert ["0xlend:usd"] == run.reads()
    run.tell(ev.States(SIM, ((Key("0xlend:usd"), b"1"), (Key("other"), b"1"))))

    assert [] == run.reads()
    assert [("0xlend:list",), ("0xlend:usd",)] == [watch.keys for _, watch in run.market.take_watches()]


def test_lender_that_raises_is_told_and_asked_again_at_its_next_read(stall: Stalls) -> None:
    """What a lender raises is a fault of its own; the market goes on."""
    run = stall(lenders=[Chained()])
    run.head()
    run.tell(ev.States(SIM, ((Key("0xlend:list"), b"broken"),)))
    assert ["lenders.chained"] == [fault.plugin for fault in run.market.faults]
    run.reads()
    run.tell(ev.States(SIM, ((Key("0xlend:list"), b"dai"),)))

    assert ["0xlend:dai"] == run.reads()


def test_gap_that_touches_a_lender_forgets_what_it_reads(stall: Stalls) -> None:
    """Terms are not read from state that a gap may have changed."""
    run = stall(lenders=[Chained()])
    run.head()
    run.tell(ev.States(SIM, ((Key("0xlend:list"), b"usd"),)))
    run.reads()
    run.head(ev.Gap(SIM, 1, 2, ("0xelse",)))
    assert [] == run.reads()
    for keys in (("0xlend",), ("0xlend:list",), ()):
        run.head(ev.Gap(SIM, 1, 2, keys))
        assert Key("0xlend:list") not in run.market.state.states[SIM]
        assert ["0xlend:list"] == run.reads()
        run.tell(ev.States(SIM, ((Key("0xlend:list"), b"usd"),)))
        run.reads()


def test_measured_rate_sets_the_work_of_later_deadlines(stall: Stalls) -> None:
    """The newest rate of the searcher counts, without one its usual rate; a rollback does not unmeasure it, and 0 is no measure."""
    run, searcher = stall(), Scripted()
    run.head()
    run.head()

    def works() -> list[int]:
        return [run.market.snapshot(finder=finder).work_for(30) for finder in (searcher, None)]

    usual = works()
    run.market.apply(run.blocks.batch(ev.Rate("search.scripted", 700), ev.Rate("search.another", 5)))
    measured = works()
    assert run.market.roll_back(ev.Rollback(SIM, 1, "")) is not None
    run.market.apply(run.blocks.batch(ev.Rate("search.scripted", 0)))

    assert [[30 * searcher.work_per_ms, 0], [30 * 700, 0], [30 * 700, 0]] == [usual, measured, works()]
