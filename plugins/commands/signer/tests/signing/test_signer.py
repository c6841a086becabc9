"""A real signer over a real socket: what it signs, refuses, writes down, and what it does when it is killed."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill.domain.ids import ChainId, PlanId
from tidemill.domain.transaction import Unsigned
from tidemill.errors import SignerError, SignerRefused
from tidemill.signing.client import SignerClient
from tidemill.signing.protocol import HEAD, SignAsk, encode_ask
from tidemill_command_signer.audit import verify

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The signer is a process: which loop its clients run on does not matter to it."""
    return "asyncio"


async def rule_of(client: SignerClient, unsigned: Unsigned, account: str) -> str:
    try:
        await client.sign(unsigned, account, 1)
    except SignerRefused as refused:
        return refused.rule
    return ""


@pytest.mark.parametrize("key", ["main", "sol"])
async def test_sign_gives_bytes_that_open_to_what_was_asked(world: Any, names: Any, key: str) -> None:
    """Both schemes; the entry holds what was signed, for whom, and what it may take."""
    signer = world.start()
    unsigned = world.unsigned(key, value=7, spends=[(names.token, 5)])
    async with SignerClient(world.socket, world.codecs) as client:
        await client.lease(world.accounts[key], "a run")
        signed = await client.sign(unsigned, world.accounts[key], 1)

    assert (0, "ended: nothing is signed any more\n", "") == signer.end()
    opened = world.codecs["tiny"].open(names.chain, signed.raw)
    assert (unsigned.payload, world.accounts[key], signed.ref.tx) == (opened.payload, opened.account, opened.tx)
    (entry,) = world.entries("signed")
    assert ("7", "1", {names.token: "5"}, key) == tuple(entry["fields"][name] for name in ("value", "fee", "spends", "key"))
    assert ["opened", "lease", "signed", "closed"] == [one["event"] for one in world.entries()][-4:]
    assert verify(world.log).sound


async def test_signer_says_what_it_enforces_and_greets_with_it(world: Any, names: Any) -> None:
    """A person can check every limit before anything is signed; a run sees the same policy by its digest."""
    signer = world.start()
    async with SignerClient(world.socket, world.codecs) as client:
        hello = await client.hello()
    digest = world.setup().policy.digest

    assert [
        f"live: yes · policy {digest}",
        "tiny:1",
        f"  key main signs for {world.accounts['main']}",
        f"  key sol signs for {world.accounts['sol']}",
        "  hands over at most 1 coins a transaction and 2 a day; inclusion may cost at most 0.5 coins a transaction and 10 a day",
        f"  calls {names.target}: 0x01020304, a bare transfer",
        "  calls program: any method",
        f"  spends at most 100 {names.token} a transaction and 150 a day",
    ] == signer.lines[:-2]
    assert signer.lines[-1] == f"listens at keys/signer.sock, for user {os.geteuid()} alone; Ctrl-C ends it"
    assert (True, digest, signer.process.pid, ("tiny:1",)) == (hello.live, hello.policy, hello.process, hello.chains)
    assert tuple(world.accounts.items()) == hello.accounts
    assert world.entries()[-1]["hash"] == hello.audit
    assert 0o600 == stat.S_IMODE(world.socket.stat().st_mode)


async def test_every_rule_refuses_its_example_and_stands_in_the_trail(world: Any, names: Any) -> None:
    """Over the socket, in the order of the rules; after all of them the signer still signs what it may."""
    signer = world.start()
    me, sol = world.accounts["main"], world.accounts["sol"]
    other = Unsigned(PlanId("p"), ChainId("tiny:2"), world.payload(), 0, 0, "", 0)
    asked = {
        "chain": (other, me),
        "account": (world.unsigned(), "0xsomebody"),
        "lease": (world.unsigned("sol"), sol),
        "unreadable": (Unsigned(PlanId("p"), names.chain, b"garbage", 0, 0, "", 0), me),
        "unreadable, its codec fails": (Unsigned(PlanId("p"), names.chain, b"crash", 0, 0, "", 0), me),
        "payload": (world.unsigned("sol"), me),
        "payload, another chain's": (world.unsigned(chain="tiny:9"), me),
        "target": (world.unsigned(target=names.target.replace("c", "d")), me),
        "method": (world.unsigned(method="0x99999999"), me),
        "value": (world.unsigned(value=1_001), me),
        "fee": (world.unsigned(fee=501), me),
        "spend": (world.unsigned(spends=[(names.token, 10_001)]), me),
        "asset": (world.unsigned(spends=[(names.other, 1)]), me),
    }
    found = {}
    async with SignerClient(world.socket, world.codecs) as client:
        await client.lease(me, "a run")
        for name, (unsigned, account) in asked.items():
            found[name] = await rule_of(client, unsigned, account)
        assert "" == await rule_of(client, world.unsigned(slot="nonce:2", spends=[(names.token, 9_000)]), me)
        found["per_day"] = await rule_of(client, world.unsigned(slot="nonce:3", spends=[(names.token, 6_001)]), me)

    signer.end()
    assert {name: name.partition(",")[0] for name in [*asked, "per_day"]} == found
    refused = [entry["fields"]["rule"] for entry in world.entries("refused")]
    assert list(found.values()) == refused
    assert 1 == len(world.entries("signed"))


async def test_signer_whose_switch_is_off_signs_nothing(world: Any) -> None:
    """The configuration of a run, and what it says on its command line, do not reach it."""
    world.configure(("live = true", "live = false"))
    signer = world.start()
    async with SignerClient(world.socket, world.codecs) as client:
        await client.lease(world.accounts["main"], "a run")
        assert "live" == await rule_of(client, world.unsigned(), world.accounts["main"])

    assert signer.lines[0].startswith("live: no, nothing is signed · policy ")


async def test_second_client_is_refused_the_account_until_the_first_has_left(world: Any) -> None:
    """Two clients and one lease; the number of the first counts no more once the second has the account."""
    world.start()
    me = world.accounts["main"]
    async with SignerClient(world.socket, world.codecs) as second:
        async with SignerClient(world.socket, world.codecs) as first:
            await first.lease(me, "the first run")
            with pytest.raises(SignerRefused, match="signs for 'the first run' until that connection closes"):
                await second.lease(me, "the second run")
            assert "lease" == await rule_of(second, world.unsigned(), me)
            assert "" == await rule_of(first, world.unsigned(), me)
        for _ in range(50):
            try:
                await second.lease(me, "the second run")
                break
            except SignerRefused:
                continue
        assert "" == await rule_of(second, world.unsigned(slot="nonce:2"), me)

    assert [1, 2] == [entry["fields"]["token"] for entry in world.entries("lease")]


async def test_same_payload_gets_the_same_bytes_and_counts_once(world: Any) -> None:
    """Also after a restart, and in the name of another run: 1.2 of 2 coins a day would not go twice."""
    unsigned, me = world.unsigned(value=1_000), world.accounts["main"]
    raws = []
    for run in ("one", "two"):
        signer = world.start()
        async with SignerClient(world.socket, world.codecs) as client:
            await client.lease(me, run)
            raws += [(await client.sign(unsigned, me, 1)).raw for _ in range(3)]
        signer.end()

    assert 1 == len(set(raws))
    assert (1, 5) == (len(world.entries("signed")), len(world.entries("repeated")))


async def test_killed_between_entry_and_answer_gives_the_same_again_and_counts_it_once(world: Any, names: Any) -> None:
    """Nobody got the signature, and the trail has it: the next signer gives it, and charges nothing more."""
    me = world.accounts["main"]
    unsigned = world.unsigned(value=1_000)
    killed = world.start(before=names.killed)
    async with SignerClient(world.socket, world.codecs) as client:
        await client.lease(me, "a run")
        with pytest.raises(SignerError, match="went away"):
            await client.sign(unsigned, me, 1)
    assert -signal.SIGKILL == killed.process.wait(10)
    (entry,) = world.entries("signed")
    signer = world.start()
    async with SignerClient(world.socket, world.codecs) as client:
        await client.lease(me, "the run, again")
        signed = await client.sign(unsigned, me, 1)
        assert "" == await rule_of(client, world.unsigned(slot="nonce:2", value=1_000), me)
        assert "per_day" == await rule_of(client, world.unsigned(slot="nonce:3", value=1), me)
    signer.end()

    assert world.codecs["tiny"].join(unsigned.payload, bytes.fromhex(entry["fields"]["signature"])) == signed.raw
    assert [1, 2] == [one["fields"]["token"] for one in world.entries("lease")]
    assert verify(world.log).sound


async def test_sums_of_the_day_are_rebuilt_after_every_kill(world: Any) -> None:
    """Killed again and again in the middle of its work, the signer never lets a day's sum be exceeded."""
    me, done = world.accounts["main"], 0
    for life in range(4):
        signer = world.start()
        async with SignerClient(world.socket, world.codecs) as client:
            await client.lease(me, f"life {life}")
            for number in range(3):
                done += "" == await rule_of(client, world.unsigned(slot=f"nonce:{life}.{number}", value=300), me)
        signer.end(signal.SIGKILL)

    assert 6 == done == len(world.entries("signed"))
    assert verify(world.log).sound


def talk(path: Path, sent: bytes, *, shut: bool = True) -> dict[str, Any]:
    """Send bytes and return the one answer, {} where the connection is closed without any."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        try:
            client.sendall(sent)
            if shut:
                client.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        found = b""
        try:
            while part := client.recv(65_536):
                found += part
        except ConnectionResetError:
            pass
    return dict(json.loads(found[HEAD.size :])) if found else {}


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "a message of 1195725856 bytes: at most 1048576 are allowed"),
        (HEAD.pack(10 << 20) + bytes(10 << 20), "a message of 10485760 bytes: at most 1048576 are allowed"),
        (HEAD.pack(3) + b"abc", "3 bytes that are no JSON: expected a request"),
        (HEAD.pack(2) + b"{}", "version None of the signer's protocol: this side speaks version 1"),
        (HEAD.pack(0), "0 bytes that are no JSON: expected a request"),
        (encode_ask(SignAsk(ChainId("c"), "a", b"", 1, PlanId("p"), 1))[:-9], ""),
        (b"\0\0", ""),
        (b"", ""),
    ],
)
def test_garbage_ends_its_own_connection_and_nothing_else(world: Any, sent: bytes, words: str) -> None:
    """One clear error, in the trail as well; half a frame and nothing more is no request. The next client is served."""
    world.start()
    answer = talk(world.socket, sent)
    again = talk(world.socket, encode_ask(SignAsk(ChainId("c"), "a", b"", 1, PlanId("p"), 1)))

    assert words == answer.get("error", "")
    assert "chain" == again["rule"]
    assert [("message", words)] * bool(words) == [
        (entry["fields"]["rule"], entry["fields"]["reason"]) for entry in world.entries("refused") if entry["fields"]["rule"] == "message"
    ]


def test_process_of_another_user_is_refused(world: Any) -> None:
    """Even one that may open the socket: root gives up its rights here and asks as somebody else."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    world.start()
    for path in (world.socket, world.keys, world.folder, *world.folder.parents):
        if path.stat().st_uid == 0 and str(path).startswith("/tmp/pytest"):
            path.chmod(0o777)
    ask = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "print(s.recv(4096)[4:].decode())"
    )
    found = subprocess.run([sys.executable, "-c", ask, str(world.socket)], capture_output=True, text=True, check=True, timeout=20)

    assert {"rule": "peer", "reason": "this signer belongs to user 0: user 65534 is refused"}.items() <= json.loads(found.stdout).items()
    (entry,) = world.entries("refused")
    assert ("peer", 65534) == (entry["fields"]["rule"], entry["fields"]["user"])


def test_seventeenth_client_is_told_and_the_others_are_served(world: Any) -> None:
    """Sixteen may hold a connection for as long as they like."""
    world.start()
    held = [socket.socket(socket.AF_UNIX) for _ in range(16)]
    for client in held:
        client.connect(str(world.socket))
    answer = talk(world.socket, b"")
    for client in held:
        client.close()

    assert "the signer serves 16 connections already: close one of them" == answer["error"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda world: (world.folder / "passphrase").write_text("another one altogether\n"), "passphrase"),
        (lambda world: (world.keys / "main.json").write_text((world.keys / "main.json").read_text()[:-40]), "cut short"),
        (lambda world: _edit(world.keys / "main.json"), "main"),
        (lambda world: (world.keys / "main.json").chmod(0o644), "type `chmod 600"),
        (lambda world: (world.keys / "main.json").unlink(), "main"),
        (lambda world: (world.keys / "leases.json").mkdir(), "leases.json"),
    ],
)
def test_keystore_that_cannot_be_used_is_refused_and_stands_in_the_trail(world: Any, spoil: Callable[[Any], object], words: str) -> None:
    """Wrong passphrase, cut or edited file, one that others can read: clear, written down, and nothing is listened to."""
    spoil(world)
    code, out, err = world.start().end()
    (entry,) = world.entries("refused")

    assert (1, "", True) == (code, out, words in err)
    assert ("keystore", True) == (entry["fields"]["rule"], words in entry["fields"]["reason"])
    assert "Traceback" not in err
    assert "correct horse" not in world.log.read_text() + err
    assert not world.socket.exists()


def _edit(path: Path) -> None:
    path.write_text(path.read_text().replace('"secp256k1"', '"ed25519"', 1))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda world: world.keys.chmod(0o750), "type `chmod 700"),
        (lambda world: _gap(world.log), "entry 2 is missing, entry 3 stands in its place"),
        (lambda world: world.log.write_bytes(b""), "the trail was cut"),
        (lambda world: world.log.with_name("audit.head").unlink(), "audit.head is missing"),
    ],
)
def test_trail_with_a_gap_and_an_open_keystore_start_no_signer(world: Any, spoil: Callable[[Any], object], words: str) -> None:
    """Whoever could have changed what was signed today could have what is left of the day as well."""
    world.start().end()
    world.start().end()
    spoil(world)
    code, out, err = world.start().end()

    assert (1, "", True) == (code, out, words in err)
    assert "Traceback" not in err


def _gap(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:1] + lines[2:]))


def test_second_signer_on_the_keystore_is_refused(world: Any) -> None:
    """Two would charge a day twice."""
    world.start()
    code, _, err = world.start().end()

    assert (1, True) == (code, "another signer runs on this keystore" in err)


def test_signer_leaves_no_core_and_lets_nobody_look_into_it(world: Any) -> None:
    """The limit of core files is 0, and Linux does not give its memory to others of its user."""
    signer = world.start()
    limits = Path(f"/proc/{signer.process.pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))

    assert ["0", "0"] == core.split()[4:6]
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            Path(f"/proc/{signer.process.pid}/environ").read_text()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_interrupted_signer_says_so_and_leaves_no_socket(how: signal.Signals, world: Any) -> None:
    """Ctrl-C is SIGINT, a terminal that is closed SIGHUP, which whoever runs these tests may ignore."""
    held = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        signer = world.start()
    finally:
        signal.signal(signal.SIGHUP, held)
    code, out, _ = signer.end(how)

    assert (0, "ended: nothing is signed any more\n", False) == (code, out, world.socket.exists())
    assert how.name == world.entries("closed")[-1]["fields"]["reason"]
