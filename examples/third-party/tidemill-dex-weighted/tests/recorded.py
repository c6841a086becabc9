"""Recorded pools and answers: ``vectors.json`` as what a chain's reader would give, and as cases of the conformance suite.

Amounts stand there as text, base units; an answer is sold token, bought token, what was given, what was answered. What was recorded are
the figures, not the bytes of the calls that tell them: those are encoded here. That contracts of 2021 have no ``getScalingFactors`` is
read from the code of their factories.
"""

import json
from pathlib import Path
from typing import Any

from tidemill.domain.answers import NoQuoteReason
from tidemill.domain.events import Log
from tidemill.domain.ids import AssetId, ChainId, Key, erc20, pool_id
from tidemill.domain.pool import Decoded, PoolRef
from tidemill.domain.time import ChainTime
from tidemill_evm.abi import encode
from tidemill_testing.conformance import PoolCase, RecordedAnswer

from tidemill_dex_weighted.decoding import decode_pool
from tidemill_dex_weighted.discovery import VAULT
from tidemill_dex_weighted.formula import ONE, POWER_ERROR
from tidemill_dex_weighted.logs import BALANCE_CHANGED, PoolBalanceManaged, Swap, SwapFeePercentageChanged
from tidemill_dex_weighted.quoting import WeightedPool
from tidemill_dex_weighted.state import decimals_key, fee_key, scales_key, tokens_key, weights_key

CHAIN = ChainId("eip155:1")
VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("vectors.json").read_text())
POOLS: dict[str, dict[str, Any]] = {pool["name"]: pool for pool in VECTORS["pools"]}
AT = ChainTime(CHAIN, VECTORS["height"], 0)
"""The height of every answer; the time was not recorded, and no quote depends on it."""

NEW_FEE = 2 * 10**15
"""A fee of 0.2 %."""

States = dict[Key, bytes | None]


def ref_of(pool: dict[str, Any], chain: ChainId = CHAIN) -> PoolRef:
    """Return the descriptor that discovery would give."""
    details = (("vault", VAULT), ("vault_id", pool["vault_id"]))
    name, assets = pool_id(chain, "weighted", pool["address"]), assets_of(pool, chain)
    return PoolRef(name, "weighted", chain, pool["address"], assets, details=details)


def assets_of(pool: dict[str, Any], chain: ChainId = CHAIN) -> tuple[AssetId, ...]:
    """Return the pool's assets in the Vault's order."""
    return tuple(erc20(chain, token) for token in pool["tokens"])


def states_of(pool: dict[str, Any]) -> States:
    """Return what the contracts answer."""
    address, scales = pool["address"], [10 ** (36 - decimals) for decimals in pool["decimals"]]
    return {
        **balances_state(pool, [int(balance) for balance in pool["balances"]]),
        weights_key(address): encode(("uint256[]",), ([int(weight) for weight in pool["weights"]],)),
        fee_key(address): encode(("uint256",), (int(pool["fee"]),)),
        scales_key(address): encode(("uint256[]",), (scales,)) if pool["squares"] else None,
        **{
            decimals_key(token): encode(("uint256",), (decimals,)) for token, decimals in zip(pool["tokens"], pool["decimals"], strict=True)
        },
    }


def balances_state(pool: dict[str, Any], balances: list[int]) -> States:
    """Return what the Vault answers when the pool holds ``balances``."""
    key = tokens_key(VAULT, bytes.fromhex(pool["vault_id"][2:]))
    return {key: encode(("address[]", "uint256[]", "uint256"), (pool["tokens"], balances, AT.height))}


def answers_of(pool: dict[str, Any]) -> tuple[RecordedAnswer, ...]:
    """Return what the chain answered, both ways. A swap that pays nothing it allows; the framework calls that no quote."""
    assets = assets_of(pool)
    rows = [(assets[i], assets[j], int(given), int(answer)) for i, j, given, answer in pool["given_in"]]
    given_in = (RecordedAnswer(*row, no_quote=None if row[-1] else NoQuoteReason.AMOUNT) for row in rows)
    given_out = (RecordedAnswer(assets[i], assets[j], int(answer), int(given), exact_out=True) for i, j, given, answer in pool["given_out"])
    return (*given_in, *given_out)


def slack_of(pool: dict[str, Any]) -> dict[AssetId, int]:
    """Return by asset bought how far the contract's powers stray, base units, at the worst of what can be sold for it.

    A power is off by its error of 10**-14 and by as much again that is added for it; base and exponent are each a unit off as well,
    which the exponent multiplies. A power by multiplication has the units alone.
    """
    weights = [int(weight) for weight in pool["weights"]]
    slack = {}
    for j, (asset, balance) in enumerate(zip(assets_of(pool), pool["balances"], strict=True)):
        exponents = [weight * ONE // weights[j] for i, weight in enumerate(weights) if i != j]
        exact = pool["squares"] and all(exponent in (ONE, 2 * ONE, 4 * ONE) for exponent in exponents)
        units = max(exponents) // ONE + 4 + (0 if exact else 2 * POWER_ERROR)
        slack[asset] = int(balance) * units // ONE + 1
    return slack


def logs_of(pool: dict[str, Any]) -> tuple[Log, ...]:
    """Return made logs, one of each kind: 1 % of token 0 comes in for 1 % of token 1, a join, a move of token 0, and a new fee."""
    vault_id, (one, other, *_), (held, paid, *_) = bytes.fromhex(pool["vault_id"][2:]), pool["tokens"], map(int, pool["balances"])
    deltas = [int(balance) // 50 for balance in pool["balances"]]
    joined = encode(("address[]", "int256[]", "uint256[]"), (pool["tokens"], deltas, [1] * len(deltas)))
    provider = bytes(12) + bytes.fromhex(one[2:])
    return (
        Swap(vault_id, one, other, held // 100, paid // 100).log(VAULT),
        Log(VAULT, (BALANCE_CHANGED, vault_id, provider), joined, 1, ""),
        PoolBalanceManaged(vault_id, other, one, -5, 2).log(VAULT, 2),
        SwapFeePercentageChanged(NEW_FEE).log(pool["address"], 3),
    )


def after_of(pool: dict[str, Any]) -> States:
    """Return what the contracts answer otherwise after ``logs_of``."""
    held = [int(balance) for balance in pool["balances"]]
    after = [balance + balance // 50 - 1 for balance in held]
    after[0] += held[0] // 100 - 3
    after[1] -= held[1] // 100
    return {**balances_state(pool, after), fee_key(pool["address"]): encode(("uint256",), (NEW_FEE,))}


def case_of(pool: dict[str, Any]) -> PoolCase:
    """Return a recorded pool with its answers, and what logs make of it."""
    return PoolCase(
        ref_of(pool), states_of(pool), AT, logs_of(pool), after_of(pool), answers_of(pool), slack=slack_of(pool), name=pool["name"]
    )


def decoded(pool: dict[str, Any], chain: ChainId = CHAIN) -> WeightedPool:
    """Return a pool as the DEX decodes it."""
    made = decode_pool(ref_of(pool, chain), states_of(pool))
    assert isinstance(made, Decoded)
    assert isinstance(made.pool, WeightedPool)
    return made.pool
