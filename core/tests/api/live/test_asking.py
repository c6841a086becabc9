"""What a live run asks of disk, signer and chains: every no has its remedy, and nothing is changed by asking."""

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from tidemill.api.live import answering, asking_disk
from tidemill.api.live.asking_chains import chain_findings
from tidemill.api.live.asking_disk import disk_findings
from tidemill.api.live.asking_history import Past
from tidemill.api.live.asking_signer import greeting, keystore_findings, signer_findings
from tidemill.api.live.asking_stop import stop_findings
from tidemill.api.running import RunningInstance
from tidemill.api.signing import SigningSetup
from tidemill.domain.finding import Finding
from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.errors import SignerError, Unavailable
from tidemill.pipeline.assemble import Pipeline
from tidemill.pipeline.brake import ASKED, Brake
from tidemill.signing.protocol import Hello

Made = Callable[..., Pipeline]
NOW_S = 1_800_000_000
SIM = ChainId("sim:1")


def told(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    assert all(bool(one.remedy) == (one.severity != "ok") for one in findings)
    return [(one.severity, one.message) for one in findings]


# --- the disk -------------------------------------------------------------------------------------------------------------------------


def test_disk_that_keeps_what_is_written_is_fine_and_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real write, synced; also where the folder is not there yet."""
    monkeypatch.setattr(asking_disk, "SLOW_MS", 10_000)
    (found,) = disk_findings(tmp_path / "data" / "deep")

    assert ("ok", f"a write to {tmp_path} was on disk after") == (found.severity, found.message.rpartition(" after")[0] + " after")
    assert [] == list(tmp_path.iterdir())


def test_slow_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan waits for it."""
    monkeypatch.setattr(asking_disk, "SLOW_MS", -1)
    (found,) = disk_findings(tmp_path)

    assert ("warning", "plans wait for it: expected -1 ms at most; use a local disk") == (found.severity, found.remedy)


def test_disk_that_keeps_nothing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Full when it is synced: nothing that was signed could be kept."""

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    assert [("error", f"what is written to {tmp_path} is not kept: No space left on device")] == told(list(disk_findings(tmp_path)))
    assert [] == list(tmp_path.iterdir())


def test_emergency_stop_is_seen_and_not_acted_on(tmp_path: Path) -> None:
    """A file STOP, and a stop that was kept, each with what lets trading go on."""
    assert [("ok", "none holds")] == told(list(stop_findings(tmp_path)))
    (tmp_path / ASKED).touch()
    assert [("error", f"stopped by file: there is a file STOP in {tmp_path}")] == told(list(stop_findings(tmp_path)))
    assert [ASKED] == [path.name for path in tmp_path.iterdir()]
    (tmp_path / ASKED).unlink()
    Brake(tmp_path).pull("a drill", "command")
    (found,) = stop_findings(tmp_path)

    assert found.message.startswith("stopped by command at 2")
    assert found.message.endswith(": a drill")
    assert "`tidemill resume --cause TEXT` lets trading go on" == found.remedy


# --- the signer -----------------------------------------------------------------------------------------------------------------------


def setup_of(pipeline: Pipeline, folder: Path) -> SigningSetup:
    assert pipeline.config.signer is not None
    return SigningSetup(pipeline.config.signer, {}, folder / "keys" / "signer.sock", folder / "keys")


def open_to(path: Path, mode: int) -> None:
    path.chmod(mode)


def test_keystore_that_others_can_look_into_is_an_error(made: Made, tmp_path: Path) -> None:
    """Folder and files, each with the command that mends it."""
    setup = setup_of(made(), tmp_path)
    (missing,) = keystore_findings(setup)
    assert ("error", f"{setup.keystore} cannot be looked at: No such file or directory") == (missing.severity, missing.message)
    setup.keystore.mkdir(mode=0o700)
    (setup.keystore / "main.json").touch(0o600)
    assert [("ok", f"{setup.keystore}, its owner's alone")] == told(list(keystore_findings(setup)))
    open_to(setup.keystore, 0o750)
    open_to(setup.keystore / "main.json", 0o644)
    found = list(keystore_findings(setup))

    assert [f"chmod {mode} {path}" for mode, path in ((700, setup.keystore), (600, setup.keystore / "main.json"))] == [
        one.remedy.partition(",")[0] for one in found
    ]
    assert {"error"} == {one.severity for one in found}


def test_keystore_of_another_user_is_an_error(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose keys they are is said."""
    setup, me = setup_of(made(), tmp_path), os.geteuid()
    setup.keystore.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)

    assert [("error", f"{setup.keystore} belongs to user {me}, and you are user {me + 1}")] == told(list(keystore_findings(setup)))


def test_signer_that_is_what_the_configuration_says_is_fine(made: Made, named: SimpleNamespace, tmp_path: Path) -> None:
    """Its process and its policy are named."""
    pipeline = made()
    setup = setup_of(pipeline, tmp_path)
    hello = Hello("0.1", 77, True, setup.policy.digest, (("main", named.account),), (SIM,), "ab")

    assert [("ok", f"process 77 at {setup.socket}, live, policy {setup.policy.digest}")] == told(
        list(signer_findings(pipeline, setup, hello))
    )


@pytest.mark.parametrize(
    ("change", "words", "remedy"),
    [
        ({"live": False}, "has its own switch off", "set live = true in [signer], and start the signer again (process 77)"),
        ({"chains": ()}, "the signer signs nothing on sim:1", 'add [signer.chains."sim:1"], and start the signer again (process 77)'),
        ({"accounts": (("main", "0xbb"),)}, "the signer has no key of", "`tidemill keys list` shows them"),
        ({"policy": "older"}, "the signer enforces policy older, the configuration says", "start the signer again (process 77): it reads"),
    ],
)
def test_signer_that_is_another_says_which_to_restart(
    change: dict[str, Any], words: str, remedy: str, made: Made, named: SimpleNamespace, tmp_path: Path
) -> None:
    """Switch, chains, keys, and what it enforces beside the file."""
    pipeline = made()
    setup = setup_of(pipeline, tmp_path)
    same_account = named.account.upper().replace("X", "x")
    fields: dict[str, Any] = {
        "live": True,
        "policy": setup.policy.digest,
        "accounts": (("main", same_account),),
        "chains": (SIM,),
        **change,
    }
    hello = Hello("0.1", 77, fields["live"], fields["policy"], fields["accounts"], fields["chains"], "ab")
    (found,) = signer_findings(pipeline, setup, hello)

    assert "error" == found.severity
    assert words in found.message
    assert remedy in found.remedy


def test_signer_that_is_not_there_is_an_error(made: Made, tmp_path: Path) -> None:
    """Nobody listens at its socket."""
    pipeline = made()
    setup = setup_of(pipeline, tmp_path)
    hello = anyio.run(greeting, setup)
    assert isinstance(hello, SignerError)
    (found,) = signer_findings(pipeline, setup, hello)

    assert ("error", "look at socket in [signer] where one runs already") == (found.severity, found.remedy)
    assert "no signer listens at" in found.message


# --- the chains -----------------------------------------------------------------------------------------------------------------------


class Link:
    """A link that says where it stands, and what is held, as it is told."""

    def __init__(self, rules: object, head: object, held: object = 10**18, busy: int = 0, *, begins_anew: bool = False) -> None:
        self._busy = busy
        self.rules = rules
        self._head = head
        self._held = held
        self.where = ""
        self.begins_anew = begins_anew

    async def newest(self) -> ChainTime:
        if self._busy:
            self._busy -= 1
            raise Unavailable("busy")
        if self._head == "hang":
            await anyio.sleep(60)
        if isinstance(self._head, Exception):
            raise self._head
        assert isinstance(self._head, ChainTime)
        return self._head

    async def holdings(self, wallet: Wallet, assets: Sequence[AssetId], height: int) -> tuple[tuple[AssetId, int], ...]:
        assert (1_000, list(assets)) == (height, ["sim:1/slip44:60"])
        if isinstance(self._held, Exception):
            raise self._held
        assert isinstance(self._held, int)
        return ((assets[0], self._held),)


def nothing_past() -> Past:
    """A ledger without transactions."""
    return Past(Path("data"), (), lambda plan: ())


def asked(
    pipeline: Pipeline,
    head: object,
    held: object = 10**18,
    *,
    play_money: bool = False,
    busy: int = 0,
    begins_anew: bool = False,
    beside: RunningInstance | None = None,
) -> list[Finding]:
    """Ask a chain; where it is of worth its clock counts."""
    rules: Any = dict(pipeline.parts.market.rules)
    rules[SIM].play_money = play_money
    link: Any = Link(rules[SIM], head, held, busy, begins_anew=begins_anew)
    assert pipeline.config.signer is not None
    signer = pipeline.config.signer

    async def ask() -> list[Finding]:
        asking = chain_findings(rules, {SIM: link}, pipeline.parts.tools.wallets, signer, nothing_past(), beside, lambda: NOW_S)
        return [finding async for finding in asking]

    return anyio.run(ask)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes are asked again at once."""
    monkeypatch.setattr(answering, "PAUSE_S", 0.001)


def at(seconds: int, chain: str = SIM) -> ChainTime:
    return ChainTime(ChainId(chain), 1_000, NOW_S + seconds)


def test_chain_that_is_fresh_and_pays_for_fees_is_fine(made: Made, named: SimpleNamespace) -> None:
    """Its newest block, how old it is, and the coins of each account."""
    held = f"{named.account} of book main holds 1 native coins"

    assert [("ok", "at block 1,000, 3 s old"), ("ok", held)] == told(asked(made(), at(-3)))
    assert [("ok", "at block 1,000, 3 s old"), ("ok", held)] == told(asked(made(), at(-3), busy=9))
    assert [("error", "busy")] == told(asked(made(), at(-3), busy=10))
    assert [("ok", "at block 1,000, 0 s old"), ("ok", held)] == told(asked(made(), at(20)))
    assert [("ok", "at block 1,000; play money: its clock is its own"), ("ok", held)] == told(asked(made(), at(-9_999), play_money=True))


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (at(-3, "eip155:1"), "the node says that it is eip155:1"),
        (at(-31), "at block 1,000, which is 31 s old: expected 30 s at most"),
        (at(31), "at block 1,000, which lies 31 s ahead of this machine's clock"),
        (Unavailable("no route"), "no route"),
        (Unavailable(""), "its node does not answer"),
        (ZeroDivisionError("a fault"), "plugin chains.sim: newest raised ZeroDivisionError: a fault"),
        ("hang", "its node did not answer within 0.1 s"),
    ],
)
def test_chain_that_cannot_be_traded_on_is_an_error(head: object, expected: str, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another chain, a stale one, a clock that differs, a node that is silent, one whose plugin fails."""
    monkeypatch.setattr(answering, "ANSWER_S", 0.1)
    found = asked(made(), head)

    assert ("error", expected) == told(found)[0]


@pytest.mark.parametrize(("process", "who"), [("77", "process 77"), ("", "the run that is on")])
def test_chain_that_a_run_has_to_itself_is_not_asked_beside_it(process: str, who: str, made: Made) -> None:
    """What could be asked from another process is another chain, at its beginning; a chain of a node is asked as always."""
    beside = RunningInstance(Path("data"), process, "live", 5)
    told_so = [("ok", f"{who} has it to itself while it runs: `tidemill status` says where it stands")]

    assert told_so == told(asked(made(), at(-3), begins_anew=True, beside=beside))
    assert ("ok", "at block 1,000, 3 s old") == told(asked(made(), at(-3), beside=beside))[0]
    assert ("ok", "at block 1,000, 3 s old") == told(asked(made(), at(-3), begins_anew=True))[0]


def test_chain_that_is_not_reached_says_once_what_to_do(made: Made) -> None:
    """What the link says names its own remedy: where its node is named is all that is left to say."""
    (found,) = asked(made(), Unavailable("no node listens at node.sock: start one"))

    assert ("no node listens at node.sock: start one", "[chains.sim] says whom to ask") == (found.message, found.remedy)


def test_chain_with_slow_blocks_is_stale_later(made: Made) -> None:
    """A newest block may be as old as some blocks take."""
    pipeline = made(("[chains.sim]", "[chains.sim]\nblock_time_s = 20"))

    assert ("ok", "at block 1,000, 100 s old") == told(asked(pipeline, at(-100)))[0]
    assert ("error", "at block 1,000, which is 101 s old: expected 100 s at most") == told(asked(pipeline, at(-101)))[0]


@pytest.mark.parametrize(
    ("held", "severity", "words"),
    [
        (0, "error", "holds no native coins: nothing can be included"),
        (49 * 10**15, "warning", "holds 0.049 native coins, one transaction may cost 0.05"),
        (50 * 10**15, "ok", "holds 0.05 native coins"),
        (Unavailable("not for this block"), "error", "holds cannot be read: not for this block"),
    ],
)
def test_account_that_cannot_pay_for_fees_is_told(held: object, severity: str, words: str, made: Made) -> None:
    """Nothing at all is an error, less than one transaction may cost is worth knowing."""
    found = told(asked(made(), at(0), held))[1]

    assert severity == found[0]
    assert words in found[1]
