"""The server inside this process: what time, faults of a codec and a full disk do to it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tidemill import SigningSetup, UsageError
from tidemill.domain.ids import ChainId, PlanId
from tidemill.domain.signing import Opened, Scheme, Unreadable
from tidemill.errors import PluginContractError, SignerError, SignerRefused
from tidemill.signing.client import SignerClient
from tidemill.signing.place import Peer, SignerPlace, accept, connect
from tidemill.signing.protocol import HEAD, HelloAsk, LeaseAsk, SignAsk, decode_answer, encode_ask
from tidemill_command_signer import server as server_module
from tidemill_command_signer.accounts import accounts_of
from tidemill_command_signer.audit import AuditError, AuditTrail
from tidemill_command_signer.desk import SigningDesk
from tidemill_command_signer.enforced import enforced_lines
from tidemill_command_signer.keystore import HeldKeys, Keystore, SecretBytes
from tidemill_command_signer.leases import Leases
from tidemill_command_signer.server import SignerServer
from tidemill_command_signer.used import Signatures

pytestmark = pytest.mark.anyio


class Bench:
    """A desk, its server and what the server warned of."""

    def __init__(self, world: Any, keys: HeldKeys, setup: SigningSetup) -> None:
        self.world = world
        self.trail = AuditTrail(world.keys)
        self.desk = SigningDesk(setup, keys, self.trail, Signatures(), Leases(world.keys, {}))
        self.warned: list[str] = []

    @asynccontextmanager
    async def served(self) -> AsyncIterator[SignerClient]:
        place = SignerPlace(self.world.keys, self.world.socket)
        listener = await place.listen()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(SignerServer(self.desk, {"version": "0"}, self.warned.append).serve, listener)
            async with SignerClient(self.world.socket, self.world.codecs) as client:
                yield client
            tasks.cancel_scope.cancel()
        await place.leave()
        place.close()


@pytest.fixture
def held(world: Any) -> Iterator[HeldKeys]:
    """The two keys, opened."""
    keys = HeldKeys(Keystore(world.keys), ["main", "sol"], SecretBytes(b"correct horse battery staple"))
    with keys.ring:
        yield keys


@pytest.fixture
def bench(world: Any, held: HeldKeys) -> Bench:
    """A desk with the world's policy."""
    return Bench(world, held, world.setup())


async def answer(path: Path, sent: bytes) -> dict[str, Any]:
    async with await connect(path) as stream:
        await stream.send(sent)
        found = await stream.receive(65_536)
    return dict(decode_answer(found[HEAD.size :]))


async def test_half_a_request_is_not_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two requests a client may be silent; within one it may not."""
    monkeypatch.setattr(server_module, "PATIENCE_S", 0.2)
    async with bench.served() as client:
        await client.lease(bench.world.accounts["main"], "a run")
        for half in (b"\0", HEAD.pack(9) + b"{"):
            with pytest.raises(SignerError, match=r"^no whole request within 0\.2 s: nothing was done$"):
                await answer(bench.world.socket, half)
        await client.sign(bench.world.unsigned(), bench.world.accounts["main"], 1)


async def test_client_that_takes_no_answer_is_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may fill its own socket, and nobody else's."""
    monkeypatch.setattr(server_module, "PATIENCE_S", 0.2)
    monkeypatch.setattr(server_module, "encode_refusal", lambda rule, reason: b"x" * 4_000_000)
    ask = encode_ask(LeaseAsk("nobody", "a run"))
    async with bench.served() as client, await connect(bench.world.socket) as deaf:
        await deaf.send(ask)
        await anyio.sleep(0.4)
        await client.lease(bench.world.accounts["main"], "a run")
        await client.sign(bench.world.unsigned(), bench.world.accounts["main"], 1)


async def test_other_user_is_refused_before_anything_is_heard(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel says who it is; the trail has it."""
    monkeypatch.setattr(server_module, "peer_of", lambda raw: Peer(77, 12_345))
    async with bench.served() as client:
        with pytest.raises(SignerRefused, match="user 12345 is refused"):
            await client.hello()
    (entry,) = bench.world.entries("refused")

    assert ("peer", 12_345, 77) == tuple(entry["fields"][name] for name in ("rule", "user", "process"))


async def test_signature_that_cannot_be_written_down_leaves_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the operator is told, the client gets an error, and once there is room the same payload is signed and counted once."""
    me = bench.world.accounts["main"]

    def full(event: str, /, **fields: object) -> None:
        raise AuditError("audit.log cannot be written: No space left on device; nothing is signed without it")

    async with bench.served() as client:
        await client.lease(me, "a run")
        with monkeypatch.context() as patched:
            patched.setattr(bench.trail, "append", full)
            with pytest.raises(SignerError, match="No space left on device") as caught:
                await client.sign(bench.world.unsigned(), me, 1)
            with pytest.raises(SignerError, match="No space left on device"):
                await answer(bench.world.socket, HEAD.pack(1) + b"x")
        assert not isinstance(caught.value, SignerRefused)
        async with SignerClient(bench.world.socket, bench.world.codecs) as again:
            await again.lease(me, "a run")
            await again.sign(bench.world.unsigned(), me, 1)

    assert ["audit.log cannot be written: No space left on device; nothing is signed without it"] * 2 == bench.warned
    assert 1 == len(bench.world.entries("signed"))


async def test_no_more_open_files_is_waited_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who are served go on, and the next is taken once it can be."""
    monkeypatch.setattr(server_module, "PAUSE_S", 0.01)
    failures = [OSError(24, "Too many open files")] * 3

    async def failing(listener: Any) -> Any:
        if failures:
            raise failures.pop()
        return await accept(listener)

    monkeypatch.setattr(server_module, "accept", failing)
    async with bench.served() as client:
        assert bench.trail.last == (await client._ask(HelloAsk()))["audit"]


def signing(bench: Bench, **changes: Any) -> SignAsk:
    me = bench.world.accounts["main"]
    token = bench.desk.lease(LeaseAsk(me, "a run"), 1)["token"]
    assert isinstance(token, int)
    return SignAsk(ChainId("tiny:1"), me, bench.world.payload(**changes), 1, PlanId("p"), token)


@pytest.mark.parametrize(
    ("method", "gives", "words"),
    [
        ("open", Opened(b"another", "0xme", "tx"), "its signed bytes do not open to what was asked for"),
        ("open", Unreadable("no"), "its signed bytes do not open to what was asked for"),
        ("join", PluginContractError("codecs.tiny", "join() raised"), "its codec failed: plugin codecs.tiny: join() raised"),
        ("message", PluginContractError("codecs.tiny", "message() raised"), "it cannot be signed: plugin codecs.tiny: message() raised"),
        ("message", b"no digest", "it cannot be signed: secp256k1 signs a digest of 32 bytes, not 9"),
    ],
)
def test_codec_that_fails_after_reading_signs_nothing(
    bench: Bench, method: str, gives: object, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not open to what was asked for leaves nobody's hands, by whatever fault."""

    def fails(*arguments: object) -> object:
        if isinstance(gives, Exception):
            raise gives
        return gives

    codec = bench.desk._setup.codecs["tiny"]
    monkeypatch.setattr(codec, method, fails)
    with pytest.raises(SignerRefused) as caught:
        bench.desk.sign(signing(bench), 1)

    assert ("payload", words) == (caught.value.rule, caught.value.reason)
    assert [] == bench.world.entries("signed")
    assert [("payload", words)] == [(entry["fields"]["rule"], entry["fields"]["reason"]) for entry in bench.world.entries("refused")]


def test_lease_of_an_account_that_is_no_key_of_the_policy_is_refused(bench: Bench) -> None:
    """Whatever it is called."""
    with pytest.raises(SignerRefused, match="no key of the policy has the account 'x'"):
        bench.desk.lease(LeaseAsk("x", "a run"), 1)

    assert ["account"] == [entry["fields"]["rule"] for entry in bench.world.entries("refused")]


def test_key_of_a_scheme_that_its_chain_has_no_accounts_of_is_said(world: Any, held: HeldKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found when the signer starts, by the names of key and chain."""
    setup = world.setup()

    def none(scheme: Scheme, public_key: bytes) -> str:
        raise UsageError(f"no accounts of {scheme} here")

    monkeypatch.setattr(setup.codecs["tiny"], "account", none)
    with pytest.raises(SignerError, match=r"^key main \(secp256k1\) cannot sign on tiny:1: no accounts of secp256k1 here$"):
        accounts_of(setup, held.ring)


def test_policy_without_chains_targets_or_assets_says_so(world: Any) -> None:
    """What is not allowed is as important to read as what is."""
    text = (world.folder / "tidemill.toml").read_text()
    bare = text[: text.index('[signer.chains."tiny:1".targets]')]
    (world.folder / "tidemill.toml").write_text(bare)
    assert ["  calls nothing", "  spends no other asset"] == list(enforced_lines(world.setup().policy, ()))[-2:]
    (world.folder / "tidemill.toml").write_text(bare[: bare.index('[signer.chains."tiny:1"]')])

    assert "no chain: nothing can be signed" == list(enforced_lines(world.setup().policy, ()))[-1]
