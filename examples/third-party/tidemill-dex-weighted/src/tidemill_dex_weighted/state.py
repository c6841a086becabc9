"""Which calls tell what a pool is: the keys of their answers."""

from tidemill.domain.ids import Key
from tidemill_evm.abi import encode_call
from tidemill_evm.storage import call_key


def tokens_key(vault: str, vault_id: bytes) -> Key:
    """Return the key of a pool's tokens, balances, and the block of their last change."""
    return call_key(vault, encode_call("getPoolTokens(bytes32)", (vault_id,)))


def vault_id_key(pool: str) -> Key:
    """Return the key of what the Vault calls a pool."""
    return call_key(pool, encode_call("getPoolId()"))


def weights_key(pool: str) -> Key:
    """Return the key of a pool's weights, 18 decimals."""
    return call_key(pool, encode_call("getNormalizedWeights()"))


def fee_key(pool: str) -> Key:
    """Return the key of a pool's fee, 18 decimals."""
    return call_key(pool, encode_call("getSwapFeePercentage()"))


def scales_key(pool: str) -> Key:
    """Return the key of a pool's scaling factors: contracts since 2022 tell them, those of 2021 revert."""
    return call_key(pool, encode_call("getScalingFactors()"))


def decimals_key(token: str) -> Key:
    """Return the key of a token's decimals."""
    return call_key(token, encode_call("decimals()"))
