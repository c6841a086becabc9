"""The plugin and its settings."""

import attrs
import pytest

from tidemill.domain.ids import BookId
from tidemill.hookspecs.chain import LinkSetup
from tidemill_chain_sim import tidemill_register_chains
from tidemill_chain_sim.plugin import SimChain
from tidemill_chain_sim.settings import SimSettings
from tidemill_simworld import CHAIN, HUBS, NATIVE, STABLES


def test_register_gives_the_chain_sim() -> None:
    """One chain named sim, of family evm, on sim:1."""
    (found,) = tidemill_register_chains()
    chain = found()
    assert isinstance(chain, SimChain)
    rules = chain.rules()
    assert ("sim", "evm", CHAIN, NATIVE, HUBS[0].id) == (chain.name, rules.family, rules.id, rules.native, rules.wrapped)
    assert rules.spends_balance
    assert rules.guards_balance
    assert tuple(token.id for token in STABLES) == rules.dollars


def test_settings_class_is_found_by_the_kernel() -> None:
    """The annotation of ``settings`` names the class, every field has a sentence."""
    assert SimSettings is SimChain.settings_class()
    assert all(field.metadata["doc"] for field in attrs.fields(SimChain.settings_class()))


def test_wallet_of_a_book_is_its_own_account_unless_one_is_named() -> None:
    """Books have accounts of their own; an executor acts for all of them."""
    chain = SimChain()
    main, other = chain.wallet(BookId("main")), chain.wallet(BookId("other"))
    assert main.owner != other.owner
    assert main.executor == other.executor
    assert "0x" + "12" * 20 == chain.wallet(BookId("main"), "0x" + "12" * 20).owner


def test_check_settings_too_many_pools_for_the_tokens_says_how_many_fit() -> None:
    """Tokens and pools must fit each other."""
    ((key, message),) = SimChain.check_settings(SimSettings(tokens=10, pools=61))
    assert ("pools", "expected at most six pools a token, 60 for 10 tokens, found 61") == (key, message)
    assert () == SimChain.check_settings(SimSettings(tokens=10, pools=60))
    assert () == SimChain.check_settings(object())


@pytest.mark.parametrize(
    ("name", "value"),
    [("tokens", 5), ("tokens", 401), ("pools", 9), ("block_time_s", 0), ("competitor_share_ppm", 1_000_001), ("retail_per_block", -1),
     ("reorganisation_depth", 0), ("reorganisation_depth", 33), ("base_fee_wei", 0), ("tokens", "many"), ("pools", True)],
)  # fmt: skip
def test_settings_out_of_range_say_what_is_expected(name: str, value: object) -> None:
    """A bad value is refused with its range."""
    with pytest.raises(ValueError, match="expected a whole number from"):
        SimSettings(**{name: value})  # type: ignore[arg-type]


def test_link_of_the_smallest_market_runs() -> None:
    """Six tokens and ten pools are a market too."""
    link = SimChain(SimSettings(tokens=6, pools=10)).link(LinkSetup(seed=3, blocks=5))
    for _ in range(20):
        link.engine.mine()
    assert 20 == link.engine.head.height
