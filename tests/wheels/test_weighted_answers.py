"""The third-party DEX of weighted pools gives every answer that was recorded from the chain, of which its package holds a few."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.wheels.third_party import DEX, FOLDER
from tidemill.domain.pool import Pool, Quote

Recorded = Callable[[str], Path]


@pytest.fixture
def vectors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The package's own module that makes pools of recorded figures, imported from its folder."""
    before = set(sys.modules)
    for folder in ("src", "tests"):
        monkeypatch.syspath_prepend(FOLDER / DEX.folder / folder)
    yield importlib.import_module("recorded")
    for name in set(sys.modules) - before:
        if name == "recorded" or name.startswith(DEX.module):
            del sys.modules[name]


def pool_of(state: dict[str, Any], vectors: Any) -> Pool:
    """Return the pool of a recorded state."""
    made: Pool = vectors.decoded(
        {
            "address": state["address"].lower(),
            "vault_id": state["pool_id"],
            "tokens": [token["address"].lower() for token in state["tokens"]],
            "decimals": [token["decimals"] for token in state["tokens"]],
            "balances": state["balances"],
            "weights": state["weights"],
            "fee": int(Fraction(state["fee"]) * 10**18),
            "squares": state["pow_version"] == "v2",
        }
    )
    return made


def asked(key: str, state: dict[str, Any]) -> tuple[str, str, int, int, int]:
    """Return pool, way, place of what is sold and bought, and amount: ``pool|query|GIVEN_IN|i=0|j=1|1`` or ``…|A->B|1``."""
    pool, _, way, *rest = key.split("|")
    if rest[0].startswith("i="):
        return pool, way, int(rest[0][2:]), int(rest[1][2:]), int(rest[2])
    symbols = [token["symbol"] for token in state["tokens"]]
    sold, _, bought = rest[0].partition("->")
    return pool, way, symbols.index(sold), symbols.index(bought), int(rest[1])


def test_weighted_pools_equal_every_recorded_answer(recorded: Recorded, vectors: Any) -> None:
    """Amount in given and amount out given, to the unit; where the chain pays nothing there is no quote."""
    states = [json.loads(path.read_text("utf-8")) for path in sorted(recorded("evm/chain_data/1").glob("balancer_weighted_*.json"))]
    by_address = {state["address"].lower(): state for state in states}
    pools = {address: pool_of(state, vectors) for address, state in by_address.items()}
    ways = {"GIVEN_IN": 0, "GIVEN_OUT": 0}
    for path in sorted(recorded("evm/golden/balancer").glob("test_balancer_v2_onchain_parity/*.json")):
        for key, answer in json.loads(path.read_text("utf-8"))["entries"].items():
            address = key.partition("|")[0].lower()
            _, way, sold, bought, amount = asked(key, by_address[address])
            pool = pools[address]
            sell, buy = pool.assets[sold], pool.assets[bought]
            if way == "GIVEN_IN":
                assert answer["value"] == pool.amount_out(sell, buy, amount, vectors.AT), key
            else:
                quote = pool.quote_exact_out(sell, buy, amount, vectors.AT)
                assert isinstance(quote, Quote), key
                assert answer["value"] == quote.amount_in, key
            ways[way] += 1

    assert {"GIVEN_IN": 321, "GIVEN_OUT": 267} == ways
