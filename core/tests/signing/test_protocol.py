"""What is spoken over the signer's socket: every frame there and back, and nothing else understood."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidemill.domain.ids import ChainId, PlanId
from tidemill.errors import SignerError, SignerRefused
from tidemill.signing.protocol import (
    HEAD,
    MOST_BYTES,
    Ask,
    Hello,
    HelloAsk,
    LeaseAsk,
    SignAsk,
    decode_answer,
    decode_ask,
    encode,
    encode_ask,
    encode_error,
    encode_refusal,
    encode_value,
    hello_of,
    hello_value,
    length_of,
)

LINES = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=40)
WHOLE = st.integers(0, (1 << 63) - 1)
ASKS = st.one_of(
    st.just(HelloAsk()),
    st.builds(LeaseAsk, LINES, LINES),
    st.builds(SignAsk, LINES.map(ChainId), LINES, st.binary(max_size=200), WHOLE, LINES.map(PlanId), WHOLE),
)
HELLO = Hello("0.1", 7, True, "ab", (("main", "0xaa"),), ("sim:1",), "cd")
SIGN = {"v": 1, "ask": "sign", "chain": "sim:1", "account": "a", "payload": "00", "intent": 1, "plan": "p", "token": 1}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=3)
)


def content(frame: bytes) -> bytes:
    assert len(frame) == HEAD.size + length_of(frame[: HEAD.size])
    return frame[HEAD.size :]


@given(ASKS)
def test_ask_comes_back_as_it_was(ask: Ask) -> None:
    """Every request survives its frame."""
    assert ask == decode_ask(content(encode_ask(ask)))


@given(st.dictionaries(LINES, LINES | WHOLE, max_size=4))
def test_value_comes_back_as_it_was(value: dict[str, Any]) -> None:
    """Every answer's value survives its frame."""
    assert value == decode_answer(content(encode_value(value)))


@given(LINES, LINES)
def test_refusal_comes_back_as_rule_and_reason(rule: str, reason: str) -> None:
    """A refusal is told from an error, since it is proof that nothing was signed."""
    with pytest.raises(SignerRefused) as caught:
        decode_answer(content(encode_refusal(rule, reason)))

    assert (rule, reason) == (caught.value.rule, caught.value.reason)


def test_error_is_no_refusal() -> None:
    """What was not understood says nothing of what was signed."""
    with pytest.raises(SignerError, match=r"^half a frame$") as caught:
        decode_answer(content(encode_error("half a frame")))

    assert not isinstance(caught.value, SignerRefused)


@given(
    st.builds(Hello, LINES, WHOLE, st.booleans(), LINES, st.lists(st.tuples(LINES, LINES)).map(tuple), st.lists(LINES).map(tuple), LINES)
)
@example(HELLO)
def test_greeting_comes_back_as_it_was(hello: Hello) -> None:
    """What a signer says of itself survives its frame."""
    assert hello == hello_of(decode_answer(content(encode_value(hello_value(hello)))))


@pytest.mark.parametrize(
    ("field", "wrong", "words"),
    [
        ("accounts", "abcd", "accounts 'abcd', expected a list"),
        ("accounts", ["ab", "cd"], "a key's name and its address 'ab', expected a list"),
        ("accounts", [["main"]], "has an account that is no pair"),
        ("accounts", [["main", 7]], "a key's name and its address, expected printable text"),
        ("chains", None, "chains None, expected a list"),
        ("chains", ["a\nb"], "chains, expected printable text"),
        ("live", 1, "says 1 of its live switch: expected true or false"),
        ("process", -1, "process -1: expected a whole number from 0 on"),
        ("audit", ["x"], "audit a list: expected one printable line"),
        ("version", "x" * 201, "expected one printable line of at most 200 characters"),
    ],
)
def test_greeting_with_something_else_in_it_is_refused(field: str, wrong: object, words: str) -> None:
    """Every field of a greeting has its type."""
    with pytest.raises(SignerError) as caught:
        hello_of({**hello_value(HELLO), field: wrong})

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (b"", "0 bytes that are no JSON: expected a request"),
        (b"\xff\xfe", "2 bytes that are no JSON"),
        (b"{", "1 bytes that are no JSON"),
        (b"[" * 100_000, "100000 bytes that are no JSON"),
        (b'{"v":1,"ask":"hello","ask":"hello"}', "no JSON"),
        (b'{"v":1,"ask":"hello","x":' + b"9" * 5_000 + b"}", "no JSON"),
        (b"[1]", "a list is no object: expected a request"),
        (b'{"ask":"hello"}', "version None of the signer's protocol: this side speaks version 1"),
        (b'{"v":true,"ask":"hello"}', "version True of the signer's protocol"),
        (b'{"v":2,"ask":"hello"}', "version 2 of the signer's protocol"),
        (b'{"v":1}', "ask None: expected hello, lease, note or sign"),
        (b'{"v":1,"ask":"' + b"x" * 900 + b'"}', "...: expected hello, lease, note or sign"),
        (b'{"v":1,"ask":{"a":[]}}', "ask an object: expected hello, lease, note or sign"),
        (b'{"v":1,"ask":"hello","more":1}', "'more' does not belong to this request"),
        (b'{"v":1,"ask":"lease","account":"a"}', "owner None: expected one printable line of at most 200 characters"),
        (b'{"v":1,"ask":"lease","account":"a","owner":"\\n"}', "owner '\\n': expected one printable line"),
        (b'{"v":1,"ask":"lease","account":"a","owner":"b","token":1}', "'token' does not belong to this request"),
    ],
)
def test_garbage_is_refused_with_what_was_expected(found: bytes, words: str) -> None:
    """Nothing is guessed, and nothing long is repeated."""
    with pytest.raises(SignerError) as caught:
        decode_ask(found)

    assert words in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("chain", 1), ("chain", "x" * 101), ("account", None), ("payload", "0"), ("payload", "0x00"), ("payload", 7), ("intent", "1"),
        ("intent", -1), ("intent", 1.0), ("intent", True), ("intent", 1 << 63), ("token", None), ("plan", "\ud800"), ("more", 1),
    ],
)  # fmt: skip
def test_signing_request_with_a_wrong_field_is_refused(field: str, wrong: object) -> None:
    """Every field has its type and its range, and the payload is never repeated."""
    with pytest.raises(SignerError, match=field):
        decode_ask(json.dumps({**SIGN, field: wrong}).encode())
    with pytest.raises(SignerError):
        decode_ask(json.dumps({key: value for key, value in SIGN.items() if key != "payload"}).encode())


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_request_or_an_error_of_ours(found: bytes) -> None:
    """No bytes raise anything else, on either side."""
    for decode in (decode_ask, decode_answer):
        try:
            decode(found)
        except SignerError:
            continue


@given(ASKS, st.integers(0, 500), st.integers(1, 255))
def test_changed_byte_is_another_request_or_an_error_of_ours(ask: Ask, place: int, change: int) -> None:
    """A damaged request is never half understood."""
    found = bytearray(content(encode_ask(ask)))
    found[place % len(found)] ^= change
    try:
        decode_ask(bytes(found))
    except SignerError:
        return


def test_deep_nesting_at_every_depth_is_an_error_of_ours() -> None:
    """What can just be read may be nested too deeply to be written out again."""
    for depth in range(1, 1_200, 7):
        with pytest.raises(SignerError):
            decode_ask(b'{"v":1,"ask":' + b"[" * depth + b"]" * depth + b"}")


def test_message_that_is_too_long_is_neither_sent_nor_read() -> None:
    """One MiB is the most, on both sides."""
    with pytest.raises(SignerError, match=r"^a message of \d+ bytes to or from the signer: at most 1048576 are allowed$"):
        encode({"x": "x" * MOST_BYTES})
    with pytest.raises(SignerError, match=r"^a message of 10485760 bytes: at most 1048576 are allowed$"):
        length_of(HEAD.pack(10 << 20))
    assert MOST_BYTES == length_of(HEAD.pack(MOST_BYTES))


def test_answers_of_a_hostile_signer_are_one_short_line() -> None:
    """What stands in an error can be shown: no control codes, no novel."""
    for frame in (encode_refusal("a\nb", "\x1b[2J" + "x" * 900), encode_error("\x1b[2J" + "x" * 900)):
        with pytest.raises(SignerError) as caught:
            decode_answer(content(frame))
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize("found", [b'{"v":1,"ok":true}', b'{"v":1,"ok":true,"value":[1]}', b'{"v":1}', b'{"v":1,"ok":1,"value":{}}'])
def test_answer_without_a_value_is_an_error(found: bytes) -> None:
    """Only ``ok`` true with an object is an answer."""
    with pytest.raises(SignerError):
        decode_answer(found)
