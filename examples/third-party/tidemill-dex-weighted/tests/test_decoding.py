"""Answers to pools: what is missing is named, and what no such pool answers is an error that says so."""

from typing import Any

import attrs
import pytest
from tidemill.domain.answers import Needs
from tidemill.domain.ids import Key
from tidemill.errors import DecodeError
from tidemill_evm.abi import encode

from recorded import CHAIN, POOLS, balances_state, decoded, ref_of, states_of
from tidemill_dex_weighted.decoding import decode_pool
from tidemill_dex_weighted.discovery import VAULT
from tidemill_dex_weighted.state import decimals_key, fee_key, scales_key, tokens_key, weights_key

POOL = POOLS["apu_pepe_spx_3_token"]
ADDRESS, VAULT_ID, TOKENS = POOL["address"], bytes.fromhex(POOL["vault_id"][2:]), POOL["tokens"]


def test_all_that_a_pool_needs_is_asked_for_at_once() -> None:
    """Four calls, and one for each token's decimals."""
    needs = decode_pool(ref_of(POOL), {})

    assert isinstance(needs, Needs)
    assert set(states_of(POOL)) == set(needs.keys)
    assert len(needs.keys) == 7


def test_a_contract_without_scaling_factors_is_of_2021() -> None:
    """Revert or answer: how powers are taken follows, and all else is the same."""
    pool, older = decoded(POOL), decoded({**POOL, "squares": False})

    assert pool.terms.squares
    assert pool == attrs.evolve(older, terms=attrs.evolve(older.terms, squares=True))
    assert pool.terms.scales == (1, 1, 10**10)


def test_capitals_do_not_matter() -> None:
    """Explorers write the Vault with those of its checksum."""
    details = (("vault", "0xBA12222222228d8Ba445958a75a0704d566BF2C8"), ("vault_id", POOL["vault_id"].upper().replace("X", "x")))

    assert decode_pool(attrs.evolve(ref_of(POOL), details=details), states_of(POOL)) == decode_pool(ref_of(POOL), states_of(POOL))


def words(*values: int) -> bytes:
    """Return the encoding of an array of numbers."""
    return encode(("uint256[]",), (values,))


def word(value: int) -> bytes:
    """Return the encoding of one number."""
    return encode(("uint256",), (value,))


BROKEN: list[tuple[Key, bytes | None, str]] = [
    (weights_key(ADDRESS), None, "it reverts"),
    (weights_key(ADDRESS), b"", "expected 32 bytes, found 0"),
    (weights_key(ADDRESS), words(5 * 10**17, 5 * 10**17), "expected 3 weights"),
    (weights_key(ADDRESS), words(3 * 10**17, 3 * 10**17, 3 * 10**17), "come to"),
    (weights_key(ADDRESS), words(10**15, 10**15, 998 * 10**15), "weights of at least"),
    (fee_key(ADDRESS), word(10**18), "expected a fee"),
    (scales_key(ADDRESS), words(10**18, 10**18, 10**18), "scaling factors"),
    (decimals_key(TOKENS[0]), word(19), "at most 18 decimals"),
    (tokens_key(VAULT, VAULT_ID), balances_state({**POOL, "tokens": TOKENS[::-1]}, [1, 2, 3]).popitem()[1], "expected the tokens"),
    (tokens_key(VAULT, VAULT_ID), balances_state(POOL, [1, 2, 1 << 112]).popitem()[1], "expected balances"),
    (tokens_key(VAULT, VAULT_ID), balances_state(POOL, [1, 2]).popitem()[1], "expected 3 balances"),
]


@pytest.mark.parametrize(("key", "answer", "says"), BROKEN)
def test_what_no_such_pool_answers_is_refused(key: Key, answer: bytes | None, says: str) -> None:
    """One answer wrong at a time; the error begins with the pool's id."""
    states = {**states_of(POOL), key: answer}
    with pytest.raises(DecodeError, match=f"^{CHAIN}/weighted:{ADDRESS}: .*{says}"):
        decode_pool(ref_of(POOL), states)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"details": ()}, "expected the details"),
        ({"details": (("vault", "0xba12"), ("vault_id", POOL["vault_id"]))}, "address"),
        ({"details": (("vault", VAULT), ("vault_id", "0xzz"))}, "hexadecimal"),
        ({"details": (("vault", VAULT), ("vault_id", "0x" + "11" * 32))}, "begins with"),
        ({"details": (("vault", VAULT), ("vault_id", POOL["vault_id"] + "00"))}, "32 bytes"),
        ({"assets": ref_of(POOL).assets[:1]}, "2 to 8"),
        ({"assets": ref_of(POOL).assets[:1] * 3}, "different"),
    ],
)
def test_a_descriptor_of_no_such_pool_is_refused(change: dict[str, Any], says: str) -> None:
    """Before anything is asked for."""
    with pytest.raises(DecodeError, match=says):
        decode_pool(attrs.evolve(ref_of(POOL), **change), {})
