"""The byte program of the executor and what it costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.errors import DecodeError, UsageError
from tidemill.hookspecs.chain import Step
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.executor import MAX_LOANS, SELECTOR, FlowCall, decode_flow, encode_flow
from tidemill_evm.gas import BYTE_GAS, INTRINSIC_GAS, LOAN_GAS, SWAP_GAS, ZERO_BYTE_GAS, call_gas, calldata_gas, estimate_gas, gas_limit
from tidemill_evm.steps import CallSwap, FlashLoan, V2Swap, V3Swap


def address(number: int) -> str:
    return f"0x{number:040x}"


ADDRESSES = st.integers(0, 40).map(address)
AMOUNTS = st.integers(1, (1 << 256) - 1) | st.integers(1, 1000)
INPUTS = st.none() | AMOUNTS
LEAST = st.just(0) | AMOUNTS
SWAPS: st.SearchStrategy[Step] = st.builds(
    V2Swap, ADDRESSES, ADDRESSES, ADDRESSES, st.booleans(), st.integers(0, 999_999), INPUTS, LEAST
) | st.builds(V3Swap, ADDRESSES, ADDRESSES, ADDRESSES, st.booleans(), INPUTS, LEAST)
CALLEES = st.integers(50, 60).map(address)


@st.composite
def call_swaps(draw: st.DrawFn) -> CallSwap:
    """Draw a call whose amount is fixed, written into its calldata, or both."""
    token_in, token_out = draw(st.tuples(ADDRESSES, ADDRESSES).filter(lambda pair: pair[0] != pair[1]))
    before, behind = draw(st.binary(min_size=4, max_size=80)), draw(st.binary(max_size=80))
    patched = draw(st.booleans())
    calldata = before + bytes(32) + behind if patched else before + behind
    amount_in = draw(INPUTS if patched else AMOUNTS)
    place = len(before) if patched else None
    return CallSwap(draw(CALLEES), draw(CALLEES), token_in, token_out, calldata, place, amount_in, draw(LEAST))


STEPS = st.recursive(
    SWAPS | call_swaps(),
    lambda inner: st.builds(
        FlashLoan,
        st.sampled_from(["aave", "sim", "balancer_v2"]),
        ADDRESSES,
        ADDRESSES,
        AMOUNTS,
        st.just(0) | AMOUNTS,
        st.lists(inner, min_size=1, max_size=4).map(tuple),
    ),
    max_leaves=12,
)
CALLS = st.builds(
    FlowCall,
    st.lists(STEPS, min_size=1, max_size=5).map(tuple),
    st.lists(st.tuples(ADDRESSES, AMOUNTS), max_size=3, unique_by=lambda guard: guard[0]).map(tuple),
    st.integers(0, (1 << 64) - 1),
)


def encoded(call: FlowCall) -> bytes:
    return encode_flow(call.steps, call.guards, call.expires)


def long_flow() -> tuple[Step, ...]:
    """Twelve swaps at twelve pools, V2 and V3 in turn, through twelve tokens, inside a flash loan."""
    swaps: list[Step] = []
    for hop in range(12):
        pool, sell, buy = address(1000 + hop << 100), address(2000 + hop << 100), address(2000 + (hop + 1) % 12 << 100)
        amount = 3 * 10**18 if hop == 0 else None
        swaps.append(V3Swap(pool, sell, buy, True, amount, 10**18) if hop % 2 else V2Swap(pool, sell, buy, False, 3_000, amount, 10**18))
    return (FlashLoan("aave", address(7 << 100), address(2000 << 100), 3 * 10**18, 15 * 10**14, tuple(swaps)),)


@given(CALLS)
def test_decode_flow_gives_what_was_encoded(call: FlowCall) -> None:
    """Every plan survives its program."""
    assert call == decode_flow(encoded(call))


@given(CALLS, st.integers(0, 1 << 16), st.integers(1, 255))
def test_decode_flow_changed_byte_raises_or_reads_another_plan(call: FlowCall, place: int, change: int) -> None:
    """A plan has one encoding: bytes that decode at all encode to themselves, so that no two of them say the same."""
    raw = bytearray(encoded(call))
    raw[place % len(raw)] ^= change
    try:
        found = decode_flow(bytes(raw))
    except DecodeError:
        return
    assert call != found
    assert bytes(raw) == encoded(found)


@given(CALLS, st.binary(min_size=1, max_size=3))
def test_decode_flow_longer_program_raises(call: FlowCall, rest: bytes) -> None:
    """Nothing may stand behind a plan."""
    raw = encoded(call)
    with pytest.raises(MalformedBytes) as raised:
        decode_flow(raw + rest)

    assert len(raw) == raised.value.offset


def test_decode_flow_cut_anywhere_raises_with_offset() -> None:
    """A program cut at any byte is refused, and the offset is where it ends."""
    raw = encode_flow(long_flow(), ((address(2000 << 100), 1),), 19_000_000)
    for length in range(len(raw)):
        with pytest.raises(MalformedBytes) as raised:
            decode_flow(raw[:length])
        assert length == raised.value.offset


@given(st.binary(max_size=60))
def test_decode_flow_arbitrary_bytes_never_raise_anything_else(raw: bytes) -> None:
    """Whatever stands behind the selector, the answer is a plan or a MalformedBytes."""
    try:
        call = decode_flow(SELECTOR + b"\1" + raw)
    except MalformedBytes:
        return
    assert SELECTOR + b"\1" + raw == encoded(call)


def test_encode_flow_twelve_swaps_in_a_loan_are_below_a_kilobyte() -> None:
    """Twelve mixed swaps with minima inside a flash loan take some 800 bytes."""
    program = encode_flow(long_flow(), ((address(2000 << 100), 1),), 19_000_000)

    assert 700 < len(program) < 850
    assert long_flow() == decode_flow(program).steps


MANY_GUARDS = tuple((address(n), 1) for n in range(900, 1200))
V2 = V2Swap(address(1), address(2), address(3), True, 3_000, 5, 0)


def nested(depth: int) -> Step:
    return V2 if not depth else FlashLoan("sim", address(1), address(2), 1, 0, (nested(depth - 1),))


@pytest.mark.parametrize(
    ("steps", "guards", "expires"),
    [
        ((), (), 1),
        ((V2,), ((address(2), 1), (address(2), 2)), 1),
        ((V2,), ((address(2), 0),), 1),
        ((V2,), (), -1),
        ((V2,), (), 1 << 256),
        ((V2Swap(address(1), address(2), address(3), True, 1_000_000, 5, 0),), (), 1),
        ((V2Swap(address(1), address(2), address(3), True, 3_000, 0, 0),), (), 1),
        ((V3Swap(address(1), address(2), address(3), True, -5, 0),), (), 1),
        ((V3Swap(address(1), address(2), address(3), True, 5, -1),), (), 1),
        ((V3Swap(address(1), "0x" + "AB" * 20, address(3), True, 5, 0),), (), 1),
        ((V3Swap(address(1), "0x12", address(3), True, 5, 0),), (), 1),
        ((FlashLoan("", address(1), address(2), 1, 0, (V2,)),), (), 1),
        ((FlashLoan("sim", address(1), address(2), 0, 0, (V2,)),), (), 1),
        ((FlashLoan("sim", address(1), address(2), 1, 0, ()),), (), 1),
        ((nested(MAX_LOANS + 1),), (), 1),
        ((V2,) * 256, (), 1),
        (tuple(V2Swap(address(n), address(2), address(3), True, 1, 5, 0) for n in range(4, 255)), MANY_GUARDS[:3], 1),
        ((V2,), MANY_GUARDS, 1),
    ],
)
def test_encode_flow_impossible_plan_raises(steps: tuple[Step, ...], guards: tuple[tuple[str, int], ...], expires: int) -> None:
    """What the program has no place for is refused when it is written."""
    with pytest.raises(EncodeError):
        encode_flow(steps, guards, expires)


def test_encode_flow_foreign_step_raises() -> None:
    """A step of another family has no place in the program."""

    class Instruction(Step):
        pass

    with pytest.raises(EncodeError, match="Instruction"):
        encode_flow((Instruction(),), (), 1)


START = SELECTOR + b"\1\1\5"
ONE = START + b"\3" + b"".join(bytes(19) + bytes((n,)) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("program", "offset"),
    [
        (b"\0\0\0\0" + START[4:], 0),
        (SELECTOR + b"\2", 4),
        (SELECTOR + b"\1\2\0\5", 6),
        (SELECTOR + b"\1\x21", 5),
        (START + b"\2" + bytes(40), 28),
        (ONE + b"\0", 68),
        (ONE + b"\1\5", 69),
        (ONE + b"\1\x81", 69),
        (ONE + b"\1\x13", 69),
        (ONE + b"\1\1\0\1\3", 72),
        (ONE + b"\1\1\0\1\2\xff\xff\xff", 73),
        (ONE + b"\1\x22\0\1\2\0", 73),
        (ONE + b"\1\3\0", 70),
        (ONE + b"\1\3\1A", 70),
        (ONE + b"\1\2\0\1\1\0", 74),
        (ONE + b"\1\2\0\1\2\1\0\0", 75),
        (ONE + b"\1\2\0\1\2\2\0\1\1\0\1\1", 77),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_decode_flow_malformed_program_names_offset(program: bytes, offset: int) -> None:
    """Every way to write a plan otherwise is refused where it begins."""
    with pytest.raises(MalformedBytes) as raised:
        decode_flow(program)

    assert offset == raised.value.offset


def test_decode_flow_endless_loans_raise_before_the_stack_ends() -> None:
    """Loans inside loans are counted, so that hostile bytes cannot exhaust the reader."""
    loan = b"\3\3sim\0\1\1\1\0\1"
    with pytest.raises(MalformedBytes, match="at most 8 flash loans"):
        decode_flow(ONE + b"\1" + loan * 5_000)


def test_calldata_gas_counts_zero_bytes_apart() -> None:
    """A byte costs 16, a zero byte 4."""
    assert 2 * ZERO_BYTE_GAS + 3 * BYTE_GAS == calldata_gas(b"\0a\0bc")


def test_estimate_gas_is_close_to_the_call_that_comes_of_it() -> None:
    """Before a plan exists its cost is known within three per cent of that of its program."""
    program = encode_flow(long_flow(), ((address(2000 << 100), 1),), 19_000_000)
    estimated, expected = estimate_gas(["v2", "v3"] * 6, 1), call_gas(program)

    assert INTRINSIC_GAS + calldata_gas(program) + LOAN_GAS + 6 * SWAP_GAS["v2"] + 6 * SWAP_GAS["v3"] == expected
    assert abs(estimated - expected) * 100 < 3 * expected
    assert expected < gas_limit(program) < 2 * expected


def test_estimate_gas_unknown_kind_raises() -> None:
    """A kind of pool without a figure is not guessed."""
    with pytest.raises(UsageError, match="stable"):
        estimate_gas(["v2", "stable"], 0)
