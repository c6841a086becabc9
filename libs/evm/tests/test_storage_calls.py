"""Keys of what contracts answer to calls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.ids import Key
from tidemill_evm.abi import encode_call
from tidemill_evm.address import checksum_address
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.storage import call_key, split_call_key, split_key, storage_key

VAULT = "0xba12222222228d8ba445958a75a0704d566bf2c8"


@given(st.binary(max_size=100))
def test_split_call_key_gives_what_call_key_took(calldata: bytes) -> None:
    """A key names contract and calldata, and nothing else."""
    assert (VAULT, calldata) == split_call_key(call_key(VAULT, calldata))


def test_call_key_is_written_as_sources_write_it() -> None:
    """Address and digits are in lower case, the calldata begins with 0x, and the address's capitals do not matter."""
    calldata = encode_call("getPoolTokens(bytes32)", (bytes(31) + b"\xab",))
    expected = Key(f"{VAULT}:call:0xf94d4668{'00' * 31}ab")

    assert expected == call_key(VAULT, calldata) == call_key(checksum_address(VAULT), calldata)


def test_call_key_no_address_raises() -> None:
    """A name is no contract."""
    with pytest.raises(EncodeError):
        call_key("vault", b"")


@pytest.mark.parametrize(
    "key",
    [
        f"{VAULT}:call:f94d4668",
        f"{VAULT}:call:0xF94D4668",
        f"{VAULT}:call:0xf94",
        f"{VAULT}:call:",
        f"{VAULT}:0x8",
        f"{VAULT}",
        f"{VAULT.upper()}:call:0x",
        f"{VAULT}:call:0x00\n",
        f" {VAULT}:call:0x00",
    ],
)
def test_split_call_key_malformed_raises(key: str) -> None:
    """Anything but the one way to write a key is refused."""
    with pytest.raises(MalformedBytes, match="call key"):
        split_call_key(Key(key))


def test_keys_of_slots_and_calls_are_told_apart() -> None:
    """Neither kind of key is taken for the other."""
    with pytest.raises(MalformedBytes, match="storage key"):
        split_key(call_key(VAULT, b"\x08"))
    with pytest.raises(MalformedBytes, match="call key"):
        split_call_key(storage_key(VAULT, 8))
