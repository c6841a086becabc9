"""Addresses that follow from a factory and a salt (EIP-1014)."""

from tidemill_evm.abi import Value, encode
from tidemill_evm.address import address_bytes, address_of_bytes
from tidemill_evm.errors import EncodeError
from tidemill_evm.keccak import keccak256


def create2_address(deployer: str, salt: bytes, init_code_hash: bytes) -> str:
    """Return the address, lower case, at which ``deployer`` creates the code of that hash under that salt.

    Args:
        deployer: the contract that executes CREATE2.
        salt: 32 bytes.
        init_code_hash: keccak-256 of the creation code with its arguments; 32 bytes.

    Raises:
        EncodeError: salt or hash are not 32 bytes long, or ``deployer`` is no address.
    """
    if len(salt) != 32 or len(init_code_hash) != 32:
        raise EncodeError(f"expected a salt and a hash of 32 bytes each, found {len(salt)} and {len(init_code_hash)}")
    return address_of_bytes(keccak256(b"\xff" + address_bytes(deployer) + salt + init_code_hash)[12:])


def sorted_tokens(one: str, other: str) -> tuple[str, str]:
    """Return two token addresses, lower case, as pools order them: by value.

    Raises:
        EncodeError: both are the same token.
    """
    one, other = one.lower(), other.lower()
    if one == other:
        raise EncodeError(f"expected two tokens, found {one} twice")
    return (one, other) if one < other else (other, one)


def v2_pair_address(factory: str, one: str, other: str, init_code_hash: bytes) -> str:
    """Return the address of a Uniswap V2 pair (``UniswapV2Factory.createPair``, v2-core 1.0.1: salt of both tokens, packed)."""
    token0, token1 = sorted_tokens(one, other)
    salt = keccak256(address_bytes(token0) + address_bytes(token1))
    return create2_address(factory, salt, init_code_hash)


def v3_pool_address(deployer: str, one: str, other: str, fee_ppm: int, init_code_hash: bytes) -> str:
    """Return the address of a Uniswap V3 pool (``UniswapV3PoolDeployer``, v3-core 1.0.1: salt of tokens and fee, as ABI words).

    ``deployer`` is the factory, but for PancakeSwap V3, whose factory deploys through a contract of its own.
    """
    words: tuple[Value, ...] = (*sorted_tokens(one, other), fee_ppm)
    return create2_address(deployer, keccak256(encode(("address", "address", "uint24"), words)), init_code_hash)
