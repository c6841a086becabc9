"""Addresses, their checksums, and addresses that follow from a factory."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill_evm.address import ZERO_ADDRESS, address_bytes, address_of_bytes, checksum_address, normalize_address
from tidemill_evm.create2 import create2_address, sorted_tokens, v2_pair_address, v3_pool_address
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.keccak import keccak256

USDC, WETH = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
V2_FACTORY, V3_FACTORY = "0x5c69bee701ef814a2b6a3edd4b1652cb9cc5aa6f", "0x1f98431c8ad98523631ae4a59f267346ea31f984"
V2_HASH = bytes.fromhex("96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f")
V3_HASH = bytes.fromhex("e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54")


@pytest.mark.parametrize(
    "address",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_checksum_address_examples_of_eip_55_are_equal(address: str) -> None:
    """The examples that stand in EIP-55 come out as they stand there, and are accepted as input."""
    assert address == checksum_address(address.lower())
    assert address.lower() == normalize_address(address)


@pytest.mark.parametrize("text", ["0x12", "", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed00", "0x" + "g" * 40, "0x" + "1" * 41])
def test_address_malformed_text_raises(text: str) -> None:
    """Text that is no address is refused by everything that takes one."""
    for convert in (normalize_address, checksum_address):
        with pytest.raises(MalformedBytes):
            convert(text)
    with pytest.raises(EncodeError):
        address_bytes(text)


def test_normalize_address_wrong_checksum_raises() -> None:
    """An address with one capital changed is a mistyped one."""
    with pytest.raises(MalformedBytes, match="checksum"):
        normalize_address("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")


def test_normalize_address_one_case_is_accepted() -> None:
    """Capitals all the same carry no checksum."""
    assert WETH == normalize_address("0x" + WETH[2:].upper()) == normalize_address(WETH)


def test_address_of_bytes_takes_twenty() -> None:
    """Twenty bytes are an address, nineteen are none."""
    assert ZERO_ADDRESS == address_of_bytes(bytes(20))
    with pytest.raises(MalformedBytes, match="found 19"):
        address_of_bytes(bytes(19))


def test_keccak256_empty_is_the_known_hash() -> None:
    """The hash is Keccak-256, not SHA3-256, which differs in padding."""
    assert "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" == keccak256(b"").hex()


def test_create2_address_example_of_eip_1014_is_equal() -> None:
    """The last example of EIP-1014 comes out as it stands there."""
    code_hash = keccak256(bytes.fromhex("deadbeef"))
    salt = bytes.fromhex("cafebabe").rjust(32, b"\0")

    assert "0x60f3f640a8508fc6a86d45df051962668e1e8ac7" == create2_address("0x00000000000000000000000000000000deadbeef", salt, code_hash)


def test_pool_addresses_on_ethereum_are_the_deployed_ones() -> None:
    """The USDC/WETH pools of Uniswap stand where factory, tokens, fee and init code hash put them, whichever token comes first."""
    assert "0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc" == v2_pair_address(V2_FACTORY, WETH, USDC, V2_HASH)
    assert "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640" == v3_pool_address(V3_FACTORY, USDC, WETH, 500, V3_HASH)
    assert "0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8" == v3_pool_address(V3_FACTORY, WETH, USDC, 3_000, V3_HASH)


def test_create2_wrong_lengths_raise() -> None:
    """A salt or a hash that is not 32 bytes long gives no address, nor does a pool of one token."""
    with pytest.raises(EncodeError):
        create2_address(V2_FACTORY, bytes(31), bytes(32))
    with pytest.raises(EncodeError):
        sorted_tokens(WETH, WETH.upper().replace("0X", "0x"))


def test_create2_recorded_pools_are_where_they_should_be(recorded: Callable[[str], Path]) -> None:
    """Recorded Uniswap V3 pools of Ethereum stand at the addresses that their tokens and fees give."""
    fees = {"Lowest": 100, "Low": 500, "Medium": 3_000, "High": 10_000}
    pools = json.loads(recorded("evm/tycho/use_serialized_state.json").read_text("utf-8"))
    found = [
        v3_pool_address(
            V3_FACTORY, pool["tokens"][0]["address"], pool["tokens"][1]["address"], fees[pool["state"]["state"]["fee"]], V3_HASH
        )
        for pool in pools
        if pool["state"]["protocol"] == "UniswapV3State"
    ]

    assert 17 == len(set(found))
    assert "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640" in found
