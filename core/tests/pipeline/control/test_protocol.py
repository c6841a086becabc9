"""The lines of the control socket: what is written is read again, and nothing else is."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.errors import ControlError
from tidemill.pipeline.protocol import (
    CAUSE_LENGTH,
    REQUEST_BYTES,
    Request,
    decode_answer,
    decode_request,
    encode_error,
    encode_request,
    encode_value,
)

TEXT = st.text(max_size=40).filter(str.isprintable)


def test_request_is_read_as_it_was_written() -> None:
    """Every request that a client can make comes through whole, on one line."""

    @given(st.sampled_from(["pause", "resume"]), TEXT, TEXT)
    def holds(command: str, strategy: str, cause: str) -> None:
        request = Request(command, strategy, cause)
        line = encode_request(request)

        assert request == decode_request(line)
        assert line.count(b"\n") == 1

    holds()


@pytest.mark.parametrize("command", ["status", "stop"])
def test_request_without_names_is_two_fields(command: str) -> None:
    """What another program must write by hand is short."""
    assert {"v": 1, "command": command} == json.loads(encode_request(Request(command)))
    assert Request(command) == decode_request(json.dumps({"v": 1, "command": command}).encode())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"", "b'' is no JSON: expected a request, one object a line"),
        (b"status", "is no JSON: expected a request"),
        (b"\xff\xfe", "is no JSON"),
        (b"[" * (REQUEST_BYTES - 1), "is no JSON"),
        (b"[1]", r"\[1\] is no object: expected a request"),
        (b"null", "None is no object"),
        (b"{}", "version None of the control protocol: this side speaks version 1"),
        (b'{"v": 2, "command": "status"}', "version 2 of the control protocol"),
        (b'{"v": true, "command": "status"}', "version True of the control protocol"),
        (b'{"v": 1}', "command None: expected one of status, pause, resume, stop"),
        (b'{"v": 1, "command": "halt"}', "command 'halt': expected one of"),
        (b'{"v": 1, "command": ["stop"]}', r"command \['stop'\]: expected one of"),
        (b'{"v": 1, "command": "stop", "now": true}', "'now' does not belong to stop: expected v, command"),
        (b'{"v": 1, "command": "status", "strategy": "lag"}', "'strategy' does not belong to status"),
        (b'{"v": 1, "command": "pause", "strategy": 3}', "strategy 3: expected one printable line"),
        (b'{"v": 1, "command": "pause", "strategy": null}', "strategy None: expected one printable line"),
        (b'{"v": 1, "command": "pause", "cause": "two\\nlines"}', r"cause 'two\\nlines': expected one printable line"),
        (b'{"v": 1, "command": "pause", "cause": "\\ud800"}', "expected one printable line"),
        (b'{"v": 1, "command": "pause", "cause": "\\u001b[31m"}', "expected one printable line"),
        (json.dumps({"v": 1, "command": "pause", "cause": "x" * (CAUSE_LENGTH + 1)}).encode(), "of at most 500 characters"),
    ],
)
def test_request_that_is_none_is_refused_with_what_was_expected(line: bytes, message: str) -> None:
    """One clear sentence, never longer than a line, whatever came."""
    with pytest.raises(ControlError, match=message) as told:
        decode_request(line)

    assert len(str(told.value)) < 200
    assert "\n" not in str(told.value)


def test_request_of_any_bytes_is_a_request_or_a_control_error() -> None:
    """Nothing that a client sends raises anything else."""

    @given(
        st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda one: json.dumps(one).encode())
    )
    def holds(line: bytes) -> None:
        with suppress(ControlError):
            decode_request(line)

    holds()


def test_answer_is_the_value_or_the_instances_reason() -> None:
    """A value comes through; an error is raised in the instance's words."""
    assert {"a": ["é"]} == decode_answer(encode_value({"a": ["é"]}))
    with pytest.raises(ControlError, match=r"^no strategy 'x' is enabled here$"):
        decode_answer(encode_error("no strategy 'x' is enabled here"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"\n", "expected an answer"),
        (b'{"v": 1}', "refused without a reason"),
        (b'{"v": 1, "ok": 1, "value": {}}', "refused without a reason"),
        (b'{"v": 1, "ok": true}', "answered None: expected an object"),
        (b'{"v": 9, "ok": true, "value": {}}', "version 9"),
    ],
)
def test_answer_that_is_none_is_refused(line: bytes, message: str) -> None:
    """Something else that listens there is not believed."""
    with pytest.raises(ControlError, match=message):
        decode_answer(line)
