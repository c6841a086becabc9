"""Answers of calls to pools. Pure, and it never guesses what it was not given.

All answers are read in one round. Balances and the fee move, and logs tell how; the rest no contract of this kind can change.
"""

from collections.abc import Sequence

from tidemill.domain.answers import Needs
from tidemill.domain.ids import Key, address_of
from tidemill.domain.pool import Decoded, LogFilter, PoolRef, Watch
from tidemill.errors import DecodeError
from tidemill.hookspecs.dex import States
from tidemill_evm.abi import Value, decode
from tidemill_evm.address import normalize_address

from tidemill_dex_weighted.bounds import TOKENS, checked_balances, checked_fee, checked_weights, numbers, scale_of
from tidemill_dex_weighted.formula import ONE
from tidemill_dex_weighted.logs import POOL_TOPICS, VAULT_TOPICS
from tidemill_dex_weighted.quoting import Terms, WeightedPool
from tidemill_dex_weighted.state import decimals_key, fee_key, scales_key, tokens_key, weights_key


def decode_pool(ref: PoolRef, states: States) -> Decoded | Needs:
    """Make a pool from what the contracts answered, or name the calls that were not made yet.

    Raises:
        DecodeError: the answers, or what ``ref`` says, are not those of a weighted pool.
    """
    try:
        vault, vault_id = _vault_of(ref)
        tokens = tuple(map(address_of, ref.assets))
        if len(set(tokens)) != len(tokens) or len(tokens) not in TOKENS:
            raise DecodeError(f"expected 2 to 8 different tokens, found {tokens}")
        missing = tuple(key for key in _keys(ref.address, vault, vault_id, tokens) if key not in states)
        if missing:
            return Needs(missing)
        balances = _balances(states, tokens_key(vault, vault_id), tokens)
        terms = _terms(states, ref.address, vault, vault_id, tokens)
    except DecodeError as error:
        raise DecodeError(f"{ref.id}: {error}") from error
    # Logs move it; after a gap in them, what can have changed meanwhile is read again
    changing = (tokens_key(vault, vault_id), fee_key(ref.address))
    watch = Watch(changing, (LogFilter(vault, VAULT_TOPICS), LogFilter(ref.address, POOL_TOPICS)))
    constant = tuple(key for key in _keys(ref.address, vault, vault_id, tokens) if key not in changing)
    return Decoded(WeightedPool(ref.id, ref.assets, balances, terms), watch, constant)


def _vault_of(ref: PoolRef) -> tuple[str, bytes]:
    """Return the Vault of a pool and what the Vault calls it, 32 bytes: the details ``vault`` and ``vault_id``."""
    vault, text = ref.detail("vault"), ref.detail("vault_id")
    if not (isinstance(vault, str) and isinstance(text, str)):
        raise DecodeError("expected the details vault and vault_id")
    try:
        vault_id = bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise DecodeError(f"expected hexadecimal digits as vault_id, found {text}") from error
    if len(vault_id) != 32 or f"0x{vault_id[:20].hex()}" != ref.address:
        raise DecodeError(f"expected a vault_id of 32 bytes that begins with {ref.address}, found {text}")
    return normalize_address(vault), vault_id


def _keys(pool: str, vault: str, vault_id: bytes, tokens: Sequence[str]) -> tuple[Key, ...]:
    return (tokens_key(vault, vault_id), weights_key(pool), fee_key(pool), scales_key(pool), *map(decimals_key, tokens))


def _balances(states: States, key: Key, tokens: Sequence[str]) -> tuple[int, ...]:
    found, balances, _ = _answer(states, key, "address[]", "uint256[]", "uint256")
    if found != tuple(tokens):
        raise DecodeError(f"expected the tokens {tuple(tokens)}, found {found!r}")
    return checked_balances(numbers(balances, len(tokens), "balances"))


def _terms(states: States, pool: str, vault: str, vault_id: bytes, tokens: Sequence[str]) -> Terms:
    """Return what no swap changes. A contract that tells its scaling factors is of the later kind, and takes simple powers exactly."""
    (weights,) = _answer(states, weights_key(pool), "uint256[]")
    (fee,) = _answer(states, fee_key(pool), "uint256")
    scales = tuple(scale_of(*_answer(states, decimals_key(token), "uint256")) for token in tokens)
    squares = states[scales_key(pool)] is not None
    if squares and _answer(states, scales_key(pool), "uint256[]") != (tuple(scale * ONE for scale in scales),):
        raise DecodeError("expected scaling factors that follow from the tokens' decimals alone")
    return Terms(vault, vault_id, checked_weights(numbers(weights, len(tokens), "weights")), scales, checked_fee(fee), squares)


def _answer(states: States, key: Key, *types: str) -> tuple[Value, ...]:
    answer = states[key]
    if answer is None:
        raise DecodeError(f"expected an answer to {key}: it reverts")
    return decode(types, answer)
