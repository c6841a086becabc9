"""What may be typed for an asset or a pool: symbols on a tape can be forged."""

import pytest

from tidemill.api.names import Names, printable
from tidemill.config.assets import KnownAssets
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, ChainId, erc20, pool_id
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import UsageError
from tidemill_testing.market import PairPool, snapshot_of

SIM, OTHER = ChainId("sim:1"), ChainId("sim:2")
REAL, FORGED, SECOND = (erc20(SIM, "0x" + digits * 20) for digits in ("1a", "2b", "3c"))
ABSENT = erc20(SIM, "0x" + "4d" * 20)
ELSEWHERE = erc20(OTHER, "0x" + "1a" * 20)
POOL = pool_id(SIM, "uniswap", "0x" + "aa" * 20)
TWIN = pool_id(SIM, "sushiswap", "0x" + "aa" * 20)


def market(*pools: PairPool) -> Snapshot:
    assets = [Asset(REAL, "USDC", 6), Asset(FORGED, "USDC", 6), Asset(SECOND, "\x1b[31mLINK", 18)]
    return snapshot_of(
        pools or (PairPool(POOL, (REAL, FORGED), (5, 5)), PairPool(pool_id(SIM, "x", "0xbb"), (FORGED, SECOND), (5, 5))), assets=assets
    )


@pytest.fixture
def names() -> Names:
    """Names over two pools of three tokens, of which one is verified."""
    verified = KnownAssets({"USDC": Asset(REAL, "USDC", 6), "GONE": Asset(ABSENT, "GONE", 6)})
    return Names(market(), verified, (SIM,))


@pytest.mark.parametrize("text", ["USDC", REAL, "0x" + "1a" * 20, "0x" + "1A" * 20, f"sim:1/erc20:0x{'1A' * 20}"])
def test_asset_is_named_by_verified_symbol_id_or_address(names: Names, text: str) -> None:
    """A verified symbol, the id, and the bare address in any capitals name one asset."""
    assert REAL == names.asset(text)


def test_forged_symbol_is_refused_with_the_addresses(names: Names) -> None:
    """A symbol that nobody verified is never taken, however unique it is: the addresses that carry it are listed."""
    with pytest.raises(UsageError) as caught:
        Names(names.snapshot, KnownAssets(), (SIM,)).asset("USDC")
    assert f"'USDC' is not a verified symbol; on the tape it is what {REAL}, {FORGED} is called" in str(caught.value)
    with pytest.raises(UsageError, match="is not a verified symbol"):
        names.asset("\x1b[31mLINK")


def test_ambiguous_symbol_lists_the_ids(names: Names) -> None:
    """A symbol that two chains verified must be written as an id."""
    both = KnownAssets(ambiguous={"USDC": (Asset(REAL, "USDC", 6), Asset(ELSEWHERE, "USDC", 6))})
    with pytest.raises(UsageError, match=f"'USDC' is ambiguous: write one of {REAL}, {ELSEWHERE}"):
        Names(names.snapshot, both, (SIM,)).asset("USDC")


@pytest.mark.parametrize("text", ["LINK", "usdc", "", "0x" + "ff" * 20])
def test_unknown_asset_is_refused_with_what_may_be_typed(names: Names, text: str) -> None:
    """The message lists the verified symbols."""
    with pytest.raises(UsageError, match=r"no asset is called .*\(GONE, USDC\)"):
        names.asset(text)


def test_no_verified_symbols_is_said(names: Names) -> None:
    """Where nothing is verified the message says so."""
    with pytest.raises(UsageError, match=r"a verified symbol \(none\)"):
        Names(names.snapshot, KnownAssets(), (SIM,)).asset("LINK")


def test_asset_that_no_pool_trades_is_refused(names: Names) -> None:
    """A verified symbol or an id that is not on the tape is an error, not an empty answer."""
    with pytest.raises(UsageError, match=rf"no pool on the tape trades 'GONE' \({ABSENT}\)"):
        names.asset("GONE")
    with pytest.raises(UsageError, match=f"no pool on the tape trades '{ABSENT}'$"):
        names.asset(ABSENT)


@pytest.mark.parametrize("text", [POOL, "0x" + "AA" * 20, f"sim:1/uniswap:0x{'AA' * 20}"])
def test_pool_is_named_by_id_or_address(names: Names, text: str) -> None:
    """The id and the bare address, in any capitals, name one pool."""
    assert POOL == names.pool(text)


def test_address_of_two_pools_is_ambiguous() -> None:
    """Two DEXs may know one address: the id says which."""
    snapshot = market(PairPool(POOL, (REAL, FORGED), (5, 5)), PairPool(TWIN, (REAL, FORGED), (5, 5)))
    both = Names(snapshot, KnownAssets(), (SIM,))
    with pytest.raises(UsageError, match=f"is the address of several pools: write one of {TWIN}, {POOL}"):
        both.pool("0x" + "aa" * 20)
    assert TWIN == both.pool(TWIN)


def test_bare_address_on_a_tape_of_several_chains_is_refused(names: Names) -> None:
    """An address says nothing without its chain where there are several."""
    both = Names(names.snapshot, names.verified, (SIM, OTHER))
    for ask in (both.asset, both.pool):
        with pytest.raises(UsageError, match="the tape has several chains, sim:1, sim:2: write the id"):
            ask("0x" + ("1a" if ask == both.asset else "aa") * 20)
    assert REAL == both.asset("USDC")
    assert POOL == both.pool(POOL)


def test_one_address_on_two_chains_is_ambiguous(names: Names) -> None:
    """The same address on two chains is two assets."""
    snapshot = market(PairPool(POOL, (REAL, ELSEWHERE), (5, 5)))
    with pytest.raises(UsageError, match=f"is an asset on several chains: write one of {REAL}, {ELSEWHERE}"):
        Names(snapshot, KnownAssets(), (SIM, OTHER)).asset("0x" + "1a" * 20)


def test_long_lists_are_cut(names: Names) -> None:
    """Hundreds of forged tokens carry one symbol: eight are shown, the rest counted."""
    many = [erc20(SIM, f"0x{place:040x}") for place in range(11)]
    pools = [PairPool(pool_id(SIM, "x", f"0x{place:040x}"), (token, SECOND), (5, 5)) for place, token in enumerate(many)]
    snapshot = snapshot_of(pools, assets=[Asset(token, "PEPE", 18) for token in many])
    with pytest.raises(UsageError, match="and 3 more is called"):
        Names(snapshot, KnownAssets(), (SIM,)).asset("PEPE")


def test_shown_name_tells_a_forged_symbol_from_a_verified_one(names: Names) -> None:
    """Only a verified asset is shown by its symbol alone, and no symbol reaches a terminal as it is."""
    assert ["USDC", "USDC~2b2b", "\\x1b[31mLINK~3c3c"] == [names.shown(one) for one in (REAL, FORGED, SECOND)]
    assert "~dead" == names.shown(AssetId("sim:1/erc20:0xdead"))


def test_printable_escapes_and_cuts() -> None:
    """What a terminal might obey is escaped, and a long symbol is cut."""
    assert "a\\x0ab\\x202e" == printable("a\nb\u202e")
    assert 24 == len(printable("x" * 500))
