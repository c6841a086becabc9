"""The machine: hashes, storage, reverts, logs, rolling back."""

import pytest

from tidemill_testing import bytecode as oracle

pytestmark = pytest.mark.bytecode
STRANGER = "0x" + "77" * 20


@pytest.fixture(scope="module")
def token(bytecode: "oracle.Chain") -> "oracle.Token":
    return oracle.Token(bytecode)


def test_keccak_known_input_equals_published(bytecode: "oracle.Chain") -> None:
    """The hash of nothing, and the selector of transfer."""
    assert "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" == bytecode.keccak(b"").hex()
    assert "a9059cbb" == bytecode.calldata("transfer(address,uint256)", [oracle.OWNER, 1])[:4].hex()


def test_rules_are_those_of_shanghai(bytecode: "oracle.Chain") -> None:
    """PUSH0 exists, TLOAD does not: a name pyrevm does not know would silently give the latest rules."""
    push0, tload = "0x" + "70" * 20, "0x" + "71" * 20
    bytecode.put_code(push0, bytes.fromhex("5f5ff3"))
    bytecode.put_code(tload, bytes.fromhex("60005c"))

    assert b"" == bytecode.send(push0, b"")
    with pytest.raises(oracle.Reverted, match=r"OpcodeNotFound|NotActivated"):
        bytecode.send(tload, b"")


def test_time_is_what_contracts_see(bytecode: "oracle.Chain") -> None:
    """Setting the time keeps storage and changes block.timestamp."""
    clock = "0x" + "72" * 20
    bytecode.put_code(clock, bytes.fromhex("425f5260205ff3"))
    before = bytecode.timestamp
    bytecode.set_time(before + 12)

    assert before + 12 == int.from_bytes(bytecode.send(clock, b""), "big")
    bytecode.set_time(before)


def test_transfer_moves_balance_and_logs(bytecode: "oracle.Chain", token: "oracle.Token") -> None:
    """Balances written to storage are the contract's; its event is that of the standard."""
    token.set_balance(oracle.OWNER, 100)
    token.transfer(STRANGER, 30)
    event = bytecode.keccak(b"Transfer(address,address,uint256)")
    parties = tuple(bytes.fromhex(account[2:].rjust(64, "0")) for account in (oracle.OWNER, STRANGER))

    assert (70, 30) == (token.balance(oracle.OWNER), token.balance(STRANGER))
    token.transfer(STRANGER, 1)
    assert (oracle.Log(token.address, (event, *parties), (1).to_bytes(32, "big")),) == bytecode.logs
    assert bytecode.gas_used > 21_000


def test_call_reverting_says_why_and_leaves_no_logs(bytecode: "oracle.Chain", token: "oracle.Token") -> None:
    """The reason is the contract's, and nothing was transferred."""
    token.set_balance(STRANGER, 5)
    with pytest.raises(oracle.Reverted, match="ds-math-sub-underflow") as caught:
        token.transfer(oracle.OWNER, 6, sender=STRANGER)

    assert "ds-math-sub-underflow" == caught.value.reason
    assert (5, ()) == (token.balance(STRANGER), bytecode.logs)


def test_rolled_back_undoes_calls_and_writes(bytecode: "oracle.Chain", token: "oracle.Token") -> None:
    """Nested blocks go back to where each began, also over slots that no call had touched."""
    untouched = 10**30
    token.set_balance(oracle.OWNER, 100)
    with bytecode.rolled_back():
        token.transfer(STRANGER, 40)
        bytecode.set_storage(token.address, untouched, 7)
        with bytecode.rolled_back():
            token.transfer(STRANGER, 60)
            bytecode.set_storage(token.address, untouched, 8)

            assert (0, 8) == (token.balance(oracle.OWNER), bytecode.storage(token.address, untouched))
        assert (60, 7) == (token.balance(oracle.OWNER), bytecode.storage(token.address, untouched))
    assert (100, 0) == (token.balance(oracle.OWNER), bytecode.storage(token.address, untouched))


def test_rolled_back_after_error_undoes_too(bytecode: "oracle.Chain", token: "oracle.Token") -> None:
    """A failing test leaves the chain as it found it."""
    token.set_balance(oracle.OWNER, 100)

    def fail() -> None:
        with bytecode.rolled_back():
            token.transfer(STRANGER, 60)
            token.transfer(STRANGER, 60)

    with pytest.raises(oracle.Reverted):
        fail()

    assert 100 == token.balance(oracle.OWNER)
