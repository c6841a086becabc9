"""Accounts of ours on the simulated chain."""

from immutables import Map

from tidemill_chain_sim.market import Market
from tidemill_chain_sim.world import Account
from tidemill_simworld import HUBS, NATIVE_DECIMALS
from tidemill_simworld.tokens import DOLLAR


def opening_account(market: Market) -> Account:
    """Return an account as it is before its first transaction: native coins and hub tokens by the settings, at start prices."""
    chosen = market.settings
    tokens = {hub.address: chosen.account_usd * DOLLAR * hub.unit // hub.start_price for hub in HUBS}
    return Account(0, chosen.account_native * 10**NATIVE_DECIMALS, Map(tokens))


def after_changes(account: Account, changes: tuple[tuple[str, int], ...], cost: int) -> Account:
    """Return an account after a transaction: its nonce used, its cost paid, its tokens changed (base units by address)."""
    tokens = account.tokens
    for token, change in changes:
        tokens = tokens.set(token, tokens.get(token, 0) + change)
    return Account(account.nonce + 1, account.native - cost, tokens)
