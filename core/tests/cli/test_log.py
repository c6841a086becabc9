"""No secret reaches a log, in whatever shape it comes."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog

from tidemill.cli.log import configure_logging
from tidemill.config.secret import Secret

CANARY = "canary-4711-in-the-mine"
KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
Log = Callable[..., str]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Configures logging into a text, logs one record and returns what was written; all of it is undone afterwards."""
    monkeypatch.setenv("CANARY_OF_LOGS", CANARY)
    Secret("env:CANARY_OF_LOGS").reveal()
    root = logging.getLogger()
    before = list(root.handlers), root.level

    def call(event: str, *, as_json: bool = False, level: str = "info", method: str = "info", **fields: object) -> str:
        stream = io.StringIO()
        configure_logging(as_json=as_json, level=level, stream=stream)
        getattr(structlog.get_logger(), method)(event, **fields)
        return stream.getvalue()

    yield call
    structlog.reset_defaults()
    root.handlers[:], root.level = before[0], before[1]


def test_log_plain_line_has_time_level_event_and_fields(log: Log) -> None:
    """A plain line is time, level, event, and the fields in order of their names."""
    line = log("head", height=7, chain="sim:1").removesuffix("\n")

    assert ["info", "head", "chain=sim:1", "height=7"] == line.split(" ")[1:]
    assert line.split(" ")[0].endswith("Z")


def test_log_json_line_is_one_object(log: Log) -> None:
    """With JSON every record is an object, with keys in order."""
    found = json.loads(log("head", as_json=True, height=7, ok=None, share=0.5))

    assert ["event", "height", "level", "ok", "share", "timestamp"] == list(found)
    assert ("head", 7, None, 0.5) == (found["event"], found["height"], found["ok"], found["share"])


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    "fields",
    [
        {"url": f"https://node/{CANARY}/v2"},
        {CANARY: 1},
        {"deep": {"list": [(CANARY,), {CANARY}]}},
        {"deep": {CANARY: CANARY}},
        {"error": RuntimeError(f"refused {CANARY}")},
        {"api_key": "another-canary-4711"},
        {"deep": {"private_key": "another-canary-4711"}},
        {"bot_token": b"another-canary-4711"},
        {"note": f"signing with 0x{KEY} now"},
        {"note": KEY.upper()},
        {"raw": bytes.fromhex(KEY)},
        {"raw": bytearray.fromhex(KEY)},
        {"keys": [f"0x{KEY}"]},
        {"wallet_tx": KEY + KEY[:2], "hash": CANARY},
    ],
)
def test_log_secret_is_taken_out(log: Log, as_json: bool, fields: dict[str, object]) -> None:
    """Revealed secrets, values of telling keys and what looks like a private key never appear."""
    line = log("something", as_json=as_json, **fields)

    assert [False, False, "wallet_tx" in fields] == [CANARY in line, "another-canary" in line, KEY in line.lower()]


def test_log_secret_in_the_event_is_taken_out(log: Log) -> None:
    """The sentence itself is cleaned too."""
    assert "connected to [redacted] with [redacted]" in log(f"connected to {CANARY} with {KEY}")


def test_log_secret_value_shows_its_reference(log: Log) -> None:
    """A Secret is shown by where it is kept, whatever the key."""
    line = log("x", one=Secret("env:MY_KEY"), api_key=Secret("env:OTHER"), password=None)

    assert ["api_key=[secret env:OTHER]", "one=[secret env:MY_KEY]", "password=None"] == line.strip().split(" x ")[1].replace(
        " env", "§"
    ).replace(" ", "\n").replace("§", " env").splitlines()


def test_log_hash_stays_readable(log: Log) -> None:
    """A hash has the form of a key: where its name says hash, topic or tx, it stays."""
    line = log("x", block_hash=f"0x{KEY}", tx=KEY, topic=bytes.fromhex(KEY))

    assert 3 == line.count(KEY)


def test_log_exception_is_cleaned(log: Log) -> None:
    """A traceback is written after its line, cleaned."""
    try:
        raise RuntimeError(f"cannot reach {CANARY}")
    except RuntimeError:
        text = log("failed", method="exception")

    assert (True, False) == ("RuntimeError: cannot reach [redacted]" in text, CANARY in text)
    assert "failed\nTraceback" in text


def test_log_of_libraries_is_cleaned(log: Log) -> None:
    """Records of the standard library pass the same scrubber; below warnings they are left out."""
    stream = io.StringIO()
    configure_logging(stream=stream, as_json=True)

    logging.getLogger("some.library").warning("connecting to %s", CANARY)
    logging.getLogger("some.library").info("chatter")

    (line,) = stream.getvalue().splitlines()
    assert "connecting to [redacted]" == json.loads(line)["event"]


def test_log_below_the_level_is_left_out(log: Log) -> None:
    """The level is the least that is written."""
    assert "" == log("quiet", level="warning")
    assert "loud" in log("loud", level="debug", method="debug")


def test_log_short_secret_is_not_looked_for(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret of three signs would blacken every line: it is only hidden under telling keys."""
    monkeypatch.setenv("CANARY_SHORT", "abc")
    Secret("env:CANARY_SHORT").reveal()

    assert "word=abcdef" in log("x", word="abcdef")


def test_log_goes_to_stderr() -> None:
    """Output is for answers: records go to stderr."""
    code = "import structlog\nfrom tidemill.cli.log import configure_logging\nconfigure_logging()\nstructlog.get_logger().info('head')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ("", True) == (done.stdout, "info head" in done.stderr)
