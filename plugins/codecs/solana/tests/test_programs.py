"""What instructions of the system's and the token programs take, and what inclusion costs."""

from collections.abc import Callable

import pytest
from solders import compute_budget
from solders import system_program as system
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from tidemill.domain.signing import Reading, Unreadable

Make = Callable[..., bytes]
Read = Callable[[bytes], Reading | Unreadable]

PAYER, OTHER, OWNER, MINT = (Pubkey(bytes((byte,)) * 32) for byte in (7, 8, 9, 10))
SYSTEM = Pubkey.from_string("1" * 32)
TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
ED25519 = Pubkey.from_string("Ed25519SigVerify111111111111111111111111111")


@pytest.mark.parametrize(
    ("instruction", "method", "value"),
    [
        (system.transfer(system.TransferParams(from_pubkey=PAYER, to_pubkey=OTHER, lamports=5)), "0x02000000", 5),
        (
            system.transfer_with_seed(
                system.TransferWithSeedParams(
                    from_pubkey=OTHER, from_base=PAYER, from_seed="abc", from_owner=OWNER, to_pubkey=OWNER, lamports=6
                )
            ),
            "0x0b000000",
            6,
        ),
        (
            system.create_account_with_seed(
                system.CreateAccountWithSeedParams(
                    from_pubkey=PAYER, to_pubkey=OTHER, base=PAYER, seed="seed", lamports=7, space=1, owner=OWNER
                )
            ),
            "0x03000000",
            7,
        ),
        (
            system.withdraw_nonce_account(
                system.WithdrawNonceAccountParams(nonce_pubkey=OTHER, authorized_pubkey=PAYER, to_pubkey=OWNER, lamports=8)
            ),
            "0x05000000",
            8,
        ),
        (
            system.allocate_with_seed(system.AllocateWithSeedParams(address=OTHER, base=PAYER, seed="x", space=9, owner=OWNER)),
            "0x09000000",
            0,
        ),
        (system.assign(system.AssignParams(pubkey=PAYER, owner=OWNER)), "0x01000000", 0),
    ],
)
def test_read_system_instruction_takes_its_lamports(instruction: Instruction, method: str, value: int, legacy: Make, read: Read) -> None:
    """What another library makes for the system program is read as what it takes."""
    found = read(legacy(instruction))
    assert isinstance(found, Reading), found
    assert (str(SYSTEM), method, value, ()) == (found.actions[0].target, found.actions[0].method, found.value, found.actions[0].spends)


def test_read_account_that_is_made_takes_its_lamports(legacy: Make, read: Read) -> None:
    """A new account, with and without lamports that lie there already; where it must sign as well, nobody here can."""
    made = system.create_account(system.CreateAccountParams(from_pubkey=PAYER, to_pubkey=OTHER, lamports=5, space=1, owner=OWNER))
    prefunded = system.create_account_allow_prefund(
        system.CreateAccountAllowPrefundParams(new_account=OTHER, payer=PAYER, lamports=6, space=1, owner=OWNER)
    )
    for instruction, lamports in ((made, 5), (prefunded, 6)):
        unsigned = [AccountMeta(meta.pubkey, meta.pubkey == PAYER, True) for meta in instruction.accounts]
        assert isinstance(read(legacy(instruction)), Unreadable)
        found = read(legacy(Instruction(SYSTEM, bytes(instruction.data), unsigned)))
        assert isinstance(found, Reading), found
        assert lamports == found.value


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the system program has no instruction"),
        (b"\2\0", "the system program has no instruction 0200"),
        (b"\x0e\0\0\0", "the system program has no instruction 0e000000"),
        (b"\2\0\0\0" + bytes(7), "expected 12 bytes of instruction 2 of the system program, found 11"),
        (b"\2\0\0\0" + bytes(9), "expected 12 bytes"),
        (b"\x0b\0\0\0" + bytes(8) + b"\x21" + bytes(7) + bytes(80), "expected a seed of at most 32 bytes, found 33"),
        (b"\x0b\0\0\0" + bytes(8) + b"\1" + bytes(7) + bytes(30), "expected 53 bytes"),
        (b"\3\0\0\0" + bytes(32) + b"\2" + bytes(7) + bytes(10), "expected 94 bytes"),
        (b"\4\0\0\0", "durable nonce"),
    ],
)
def test_read_system_instruction_of_other_bytes_is_refused(content: bytes, words: str, legacy: Make, read: Read) -> None:
    """An instruction of the system program is known to its last byte, or not signed."""
    found = read(legacy(Instruction(SYSTEM, content, [AccountMeta(PAYER, True, True)])))
    assert isinstance(found, Unreadable)
    assert words in found.reason


def test_read_durable_nonce_of_another_library_is_refused(legacy: Make, read: Read) -> None:
    """A transaction upon a nonce account does not expire: its slot would be no block hash."""
    advance = system.advance_nonce_account(system.AdvanceNonceAccountParams(nonce_pubkey=OTHER, authorized_pubkey=PAYER))
    assert Unreadable("it advances a durable nonce: such a transaction does not expire") == read(legacy(advance))


def token(number: int, rest: bytes, program: Pubkey = TOKEN, mint: Pubkey = MINT) -> Instruction:
    accounts = [AccountMeta(key, key == PAYER, key != mint) for key in (OTHER, mint, OWNER, PAYER)]
    return Instruction(program, bytes((number,)) + rest, accounts)


AMOUNT = (1 << 64) - 2


@pytest.mark.parametrize("program", [TOKEN, TOKEN_2022])
@pytest.mark.parametrize(("number", "rest"), [(12, b"\6"), (13, b"\6"), (8, b""), (15, b"\6")])
def test_read_checked_instruction_spends_its_mint(program: Pubkey, number: int, rest: bytes, legacy: Make, read: Read) -> None:
    """Transfers, allowances and burns that name their mint are spends of it, of both token programs."""
    found = read(legacy(token(number, AMOUNT.to_bytes(8, "little") + rest, program)))
    assert isinstance(found, Reading), found
    assert ((f"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:{MINT}", AMOUNT),) == found.actions[0].spends
    assert (f"0x{number:02x}", 0) == (found.actions[0].method, found.value)


def test_read_instruction_of_nothing_spends_nothing(legacy: Make, read: Read) -> None:
    """An amount of 0 is no spend; closing an account and others that name no amount are named only."""
    for instruction in (token(12, bytes(9)), token(9, b""), token(17, b""), token(6, b"\2\1" + bytes(32))):
        found = read(legacy(instruction))
        assert isinstance(found, Reading), found
        assert () == found.actions[0].spends


@pytest.mark.parametrize(
    ("number", "rest", "words"),
    [
        (3, bytes(8), "it moves tokens without naming them: use TransferChecked"),
        (4, bytes(8), "use ApproveChecked"),
        (12, bytes(8), "expected 10 bytes of instruction 12 of a token program, found 9"),
        (12, bytes(10), "expected 10 bytes"),
        (25, b"", "expected an instruction 0 to 24 of a token program, found 19"),
        (26, b"\1" + bytes(17), "expected an instruction 0 to 24"),
        (255, bytes(4), "found ff"),
    ],
)
def test_read_token_instruction_that_is_not_known_is_refused(number: int, rest: bytes, words: str, legacy: Make, read: Read) -> None:
    """What moves tokens without naming them, in another form or in a batch, is not signed."""
    found = read(legacy(token(number, rest)))
    assert isinstance(found, Unreadable)
    assert words in found.reason


def test_read_token_instruction_without_its_mint_is_refused(legacy: Make, versioned: Make, read: Read) -> None:
    """Empty bytes, one account alone, and a mint that only a lookup table would tell."""
    moved = token(12, b"\1" + bytes(8))
    table = AddressLookupTableAccount(Pubkey(b"\x33" * 32), [MINT, OWNER])
    for message in (
        legacy(Instruction(TOKEN, bytes(moved.data), moved.accounts[:1])),
        versioned(moved, tables=[table]),
        legacy(Instruction(TOKEN, b"", moved.accounts)),
    ):
        assert isinstance(read(message), Unreadable)
    found = read(versioned(moved, tables=[AddressLookupTableAccount(Pubkey(b"\x33" * 32), [OTHER, OWNER])]))
    assert isinstance(found, Reading), found


def call(program: Pubkey = OWNER, content: bytes = b"\1") -> Instruction:
    return Instruction(program, content, [])


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        ((call(),), 5_000),
        ((call(), compute_budget.set_compute_unit_price(1)), 5_001),
        ((call(), call(), compute_budget.set_compute_unit_price(1_000_000)), 5_000 + 400_000),
        ((*[call()] * 9, compute_budget.set_compute_unit_price(1_000_000)), 5_000 + 1_400_000),
        ((call(), compute_budget.set_compute_unit_price(1_000_000), compute_budget.set_compute_unit_limit(7)), 5_007),
        ((compute_budget.set_compute_unit_price(3), compute_budget.set_compute_unit_limit(1_000_000)), 5_003),
        ((compute_budget.set_compute_unit_price(3), compute_budget.set_compute_unit_limit(1_000_001)), 5_004),
        ((compute_budget.set_compute_unit_price(1_000_000), compute_budget.set_compute_unit_limit((1 << 32) - 1)), 5_000 + 1_400_000),
        ((compute_budget.request_heap_frame(64_000), compute_budget.set_loaded_accounts_data_size_limit(64_000)), 5_000),
        ((call(ED25519, b"\3\0"), call(ED25519, b"\1"), call(ED25519, b"")), 25_000),
    ],
)
def test_max_fee_is_signatures_and_budget(instructions: tuple[Instruction, ...], expected: int, legacy: Make, read: Read) -> None:
    """Signatures, of precompiled programs too, and price × limit, rounded up; without a limit the most that is ever assumed."""
    found = read(legacy(*instructions))
    assert isinstance(found, Reading), found
    assert expected == found.max_fee


@pytest.mark.parametrize("contents", [[b""], [b"\0" * 9], [b"\5" * 5], [b"\2" * 4], [b"\2" * 6], [b"\3" * 9] * 2])
def test_read_budget_of_other_bytes_is_refused(contents: list[bytes], legacy: Make, read: Read) -> None:
    """An unknown instruction of the budget, or one twice, makes a transaction that fails, or one whose cost is not known."""
    found = read(legacy(*(call(BUDGET, content) for content in contents)))
    assert isinstance(found, Unreadable)
    assert "of the compute budget at most once" in found.reason


def test_read_method_is_the_beginning_of_the_bytes(legacy: Make, read: Read) -> None:
    """Eight bytes of any other program, fewer where there are fewer, none of a bare call."""
    found = read(legacy(call(content=bytes(range(1, 12))), call(content=b"\1\2"), call(content=b"")))
    assert isinstance(found, Reading), found
    assert ["0x0102030405060708", "0x0102", ""] == [action.method for action in found.actions]
    assert f"blockhash:{Hash(bytes([0x55]) * 32)}" == found.slot
