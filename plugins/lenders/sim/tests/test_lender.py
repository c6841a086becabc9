"""Flash loans of the simulated vault."""

import pytest
from immutables import Map

from tidemill.domain.answers import NoLoan
from tidemill.domain.ids import AssetId, ChainId, Key
from tidemill.domain.lending import LoanTerms
from tidemill.domain.plan import Loan
from tidemill.domain.pool import Watch
from tidemill.domain.snapshot import Changed, Snapshot
from tidemill.domain.transaction import Wallet
from tidemill.errors import PluginContractError
from tidemill_evm.steps import FlashLoan, V2Swap
from tidemill_lender_sim import tidemill_register_lenders
from tidemill_lender_sim.lender import SimLender, SimLenderSettings
from tidemill_simworld import CHAIN, HUBS, VAULT, token_universe, vault_key

USDC = HUBS[1]
WALLET = Wallet(CHAIN, "0x" + "11" * 20)
SWAP = V2Swap("0x" + "aa" * 20, USDC.address, HUBS[0].address, True, 3_000, None, 0)


def _snapshot(states: dict[Key, bytes | None]) -> Snapshot:
    empty: Map[object, object] = Map()
    return Snapshot(empty, empty, empty, empty, empty, empty, empty, empty, {CHAIN: states}, Changed(), {})  # type: ignore[arg-type]


def _word(amount: int) -> dict[Key, bytes | None]:
    return {vault_key(USDC.address): amount.to_bytes(32, "big")}


def test_register_gives_the_lender_sim() -> None:
    """One lender named sim, for chains of family evm."""
    (found,) = tidemill_register_lenders()
    assert isinstance(found(), SimLender)
    assert ("sim", frozenset({"evm"})) == (found.name, found.families)
    assert SimLenderSettings is found.settings_class()


def test_watch_names_the_vault_s_words_of_all_hubs() -> None:
    """Each hub has one word in the vault; elsewhere there is nothing to watch."""
    lender = SimLender()
    assert Watch(tuple(vault_key(hub.address) for hub in HUBS)) == lender.watch(CHAIN, {})
    assert Watch() == lender.watch(ChainId("eip155:1"), {})


def test_terms_are_what_the_vault_holds_at_five_basis_points_rounded_up() -> None:
    """All that the vault holds can be lent; the fee is rounded up."""
    terms = SimLender().terms(USDC.id, CHAIN, _snapshot(_word(10**12)))
    assert LoanTerms("sim", USDC.id, 10**12, 5, 10_000, "up") == terms
    assert isinstance(terms, LoanTerms)
    assert [1, 1, 2, 500] == [terms.fee(amount) for amount in (1, 2_000, 2_001, 1_000_000)]


def test_terms_follow_the_fee_that_is_set() -> None:
    """The fee is a setting."""
    terms = SimLender(SimLenderSettings(fee_bps=0)).terms(USDC.id, CHAIN, _snapshot(_word(7)))
    assert isinstance(terms, LoanTerms)
    assert 0 == terms.fee(10**6)


@pytest.mark.parametrize(
    ("states", "reason"),
    [({}, "was not read yet"), ({vault_key(USDC.address): None}, "there is no vault"), ({vault_key(USDC.address): b"\1"}, "32 bytes")],
)
def test_terms_without_a_usable_word_are_no_loan(states: dict[Key, bytes | None], reason: str) -> None:
    """What was not read, is absent or does not decode is never guessed."""
    answer = SimLender().terms(USDC.id, CHAIN, _snapshot(states))
    assert isinstance(answer, NoLoan)
    assert reason in answer.detail


@pytest.mark.parametrize(("asset", "chain"), [(token_universe()[7].id, CHAIN), (USDC.id, ChainId("eip155:1"))])
def test_terms_of_what_is_not_lent_are_no_loan(asset: AssetId, chain: ChainId) -> None:
    """Only hubs are lent, and only on the simulated chain."""
    answer = SimLender().terms(asset, chain, _snapshot(_word(5)))
    assert isinstance(answer, NoLoan)
    assert "does not lend" in answer.detail


def test_bracket_wraps_the_steps_in_one_loan() -> None:
    """The vault lends before and is repaid after the steps inside."""
    steps = SimLender().bracket(Loan("sim", USDC.id, 1_000, 1), [SWAP, SWAP], WALLET, _snapshot({}))
    assert (FlashLoan("sim", VAULT, USDC.address, 1_000, 1, (SWAP, SWAP)),) == steps


def test_bracket_for_another_lender_is_a_broken_contract() -> None:
    """Nobody else's loan is taken from this vault."""
    with pytest.raises(PluginContractError, match="a loan from aave"):
        SimLender().bracket(Loan("aave", USDC.id, 1_000, 1), [SWAP], WALLET, _snapshot({}))


@pytest.mark.parametrize("fee", [-1, 10_001, "5"])
def test_settings_fee_out_of_range_says_what_is_expected(fee: object) -> None:
    """A fee is a part of the amount."""
    with pytest.raises(ValueError, match="from 0 to 10000, found"):
        SimLenderSettings(fee_bps=fee)  # type: ignore[arg-type]
