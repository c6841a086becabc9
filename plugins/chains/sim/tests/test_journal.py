"""What keeps a node's chain: lines that are read back, and lines that are not what was written."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tidemill.errors import Unavailable, UsageError
from tidemill_chain_sim.client import NodeClient
from tidemill_chain_sim.engine import Engine
from tidemill_chain_sim.node import __main__ as command
from tidemill_chain_sim.node.asks import HelloAsk
from tidemill_chain_sim.node.chain import SimNode
from tidemill_chain_sim.node.journal import Journal, resume
from tidemill_chain_sim.node.server import clear_socket

MakeEngine = Callable[..., Engine]
BACK = {"reorganisation_ppm": 1, "reorganisation_depth": 4}


def _resumed(engine: Engine, path: Path) -> tuple[SimNode, Journal]:
    node = SimNode(engine)
    return node, resume(node, path, node.answer(HelloAsk()))


@pytest.fixture
def kept(make_engine: MakeEngine, tmp_path: Path) -> Path:
    """The journal of a chain of four blocks, one of them mined again."""
    node, journal = _resumed(make_engine(**BACK), tmp_path / "chain")
    for _ in range(4):
        node.mine()
    node.go_back(1)
    node.mine()
    journal.close()
    return tmp_path / "chain"


def test_journal_brings_the_chain_back_and_goes_on(kept: Path, make_engine: MakeEngine) -> None:
    """Each line is one step; a further one is appended."""
    node, journal = _resumed(make_engine(**BACK), kept)
    assert 4 == node.engine.head.height
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    assert ["mined"] * 4 + ["dropped", "mined"] == [line["step"] for line in lines[1:]]
    assert lines[-1]["hash"] == node.engine.head.block_hash
    node.mine()
    journal.close()
    again, journal = _resumed(make_engine(**BACK), kept)
    assert node.engine.head.block_hash == again.engine.head.block_hash
    journal.close()


def test_journal_keeps_a_step_before_it_is_told(kept: Path, make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file cannot take is not answered."""
    node, journal = _resumed(make_engine(**BACK), kept)

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        node.mine()
    journal.close()


@pytest.mark.parametrize("cut", [1, 20])
def test_journal_with_half_a_line_at_its_end_is_cut_there(kept: Path, make_engine: MakeEngine, cut: int) -> None:
    """That step was told to nobody."""
    kept.write_bytes(kept.read_bytes()[:-cut])
    node, journal = _resumed(make_engine(**BACK), kept)
    journal.close()
    assert 3 == node.engine.head.height
    assert kept.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize(
    ("number", "line", "what"),
    [
        (2, "nonsense", ":3: this is no JSON"),
        (2, "[1]", ":3: expected a step, found b"),
        (2, '{"step":"other"}', ":3: expected a step, found"),
        (2, '{"step":"mined","hash":"0x12"}', ":3: block 2 was 0x12 and is 0x"),
        (2, '{"step":"broadcast","raw":"00"}', ":3: these bytes were no transaction"),
        (2, '{"step":"broadcast","raw":"zz"}', ":3: these bytes were no transaction"),
        (2, '{"step":"dropped","depth":9}', "is final"),
        (0, '{"v":2,"seed":1,"settings":{}}', ":1: this is another chain"),
    ],
)
def test_journal_with_a_wrong_line_says_where(kept: Path, make_engine: MakeEngine, number: int, line: str, what: str) -> None:
    """A damaged file is never taken for a chain."""
    lines = kept.read_text().splitlines()
    lines[number] = line
    kept.write_text("\n".join(lines) + "\n")
    with pytest.raises(UsageError, match=what):
        _resumed(make_engine(**BACK), kept)


def test_journal_of_another_seed_or_other_settings_is_refused(kept: Path, make_engine: MakeEngine) -> None:
    """The first line says which chain it is."""
    for engine in (make_engine(2, **BACK), make_engine(**BACK, retail_per_block=3)):
        with pytest.raises(UsageError, match="this is another chain, of seed 1"):
            _resumed(engine, kept)


def test_journal_where_nothing_can_be_written_is_refused(tmp_path: Path, make_engine: MakeEngine) -> None:
    """The operator reads which file it is."""
    with pytest.raises(UsageError, match=r"none/chain cannot keep the chain: No such file"):
        _resumed(make_engine(), tmp_path / "none" / "chain")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "expected a JSON object"),
        ("[]", "expected a JSON object of settings"),
        ('{"tokns": 1}', "expected a JSON object of settings"),
        ('{"tokens": 1}', "expected a whole number"),
        ('{"node": 1}', "--settings: "),
        ('{"tokens": 12, "pools": 500}', "pools: expected at most six pools a token"),
    ],
)
def test_command_with_wrong_settings_says_what_is_expected(
    text: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with code 2, and nothing is made."""
    assert 2 == command.main(["--socket", str(tmp_path / "s"), "--settings", text])
    assert what in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


def test_socket_of_a_killed_node_is_cleared_and_anything_else_is_not(tmp_path: Path) -> None:
    """Only where nobody listens any more."""
    path = tmp_path / "s"
    clear_socket(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(os.fspath(path))
    clear_socket(path)
    assert not path.exists()
    path.write_text("a file")
    with pytest.raises(UsageError, match="is there and is no socket"):
        clear_socket(path)
    assert path.exists()


def test_command_serves_until_a_signal_comes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says where it listens, keeps its chain, and leaves no socket behind."""
    path, state = tmp_path / "s", tmp_path / "chain"
    found: list[Any] = []

    def ask() -> None:
        client = NodeClient(os.fspath(path))
        until = time.monotonic() + 30
        try:
            while not found and time.monotonic() < until:
                time.sleep(0.01)
                # A socket is there a moment before anybody listens on it
                with suppress(Unavailable):
                    found.append(client.mine(2))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    asking = threading.Thread(target=ask)
    asking.start()
    settings = json.dumps({"tokens": 12, "pools": 30, "warmup_blocks": 1})
    assert 0 == command.main(["--socket", str(path), "--settings", settings, "--state", str(state)])
    asking.join()
    said = json.loads(capsys.readouterr().out)
    assert (str(path), 0, 2) == (said["socket"], said["height"], found[0].height)
    assert 3 == len(state.read_text().splitlines())
    assert not path.exists()


def test_command_that_cannot_listen_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is not there is named."""
    settings = json.dumps({"tokens": 12, "pools": 30, "warmup_blocks": 1})
    assert 2 == command.main(["--socket", str(tmp_path / "none" / "s"), "--settings", settings])
    assert "nobody can listen at" in capsys.readouterr().err
