"""Keys that are rotated, damaged or removed under a signer that runs: it follows, and never signs with what is gone."""

import signal
from typing import Any

import pytest

from tidemill import UsageError
from tidemill.domain.signing import Scheme
from tidemill.errors import SignerRefused
from tidemill.signing.client import SignerClient
from tidemill.signing.protocol import LeaseAsk
from tidemill_command_signer.audit import AuditTrail, verify
from tidemill_command_signer.desk import SigningDesk
from tidemill_command_signer.keystore import HeldKeys, Keystore, SecretBytes, WrongPassphrase
from tidemill_command_signer.keystore.sealing import Cost
from tidemill_command_signer.leases import Leases
from tidemill_command_signer.used import Signatures

pytestmark = pytest.mark.anyio
WORDS = b"correct horse battery staple"
CHEAP = Cost(8 << 10, 1, 1)


@pytest.fixture
def anyio_backend() -> str:
    """The signer is a process: which loop its clients run on does not matter to it."""
    return "asyncio"


def rotated(world: Any, name: str = "main") -> str:
    """Rotate a key as `tidemill keys rotate` does, and return its new address."""
    new, _ = Keystore(world.keys, cost=CHEAP).rotate(name, SecretBytes(WORDS))
    return str(world.codecs["tiny"].account(new.scheme, new.public_key))


async def refusal(client: SignerClient, world: Any, account: str, **changes: Any) -> SignerRefused:
    with pytest.raises(SignerRefused) as caught:
        await client.sign(world.unsigned(account=account, **changes), account, 1)
    return caught.value


async def test_rotated_key_signs_with_the_next_request_and_the_old_one_nothing_more(world: Any) -> None:
    """Without a restart; what was signed before has left already, and the run that holds the old account is told where to go."""
    signer, old = world.start(), world.accounts["main"]
    async with SignerClient(world.socket, world.codecs) as client:
        await client.lease(old, "a run")
        await client.sign(world.unsigned(), old, 1)
        new = rotated(world)
        refused = await refusal(client, world, old, slot="nonce:2")
        hello = await client.hello()
        await client.lease(new, "the next run")
        signed = await client.sign(world.unsigned(account=new, slot="nonce:3"), new, 2)
    opened = world.codecs["tiny"].open("tiny:1", signed.raw)

    assert ("account", f"key main of tiny:1 was rotated: {old} signs nothing more, its account is {new} now") == (
        refused.rule,
        refused.reason,
    )
    assert (("main", new), ("sol", world.accounts["sol"])) == hello.accounts
    assert new == opened.account
    events = [entry["event"] for entry in world.entries()]
    assert ["opened", "lease", "signed", "key-rotated", "key-opened", "refused", "lease", "signed"] == events[-8:]
    assert (0, "ended: nothing is signed any more\n", "") == signer.end()
    assert verify(world.log).sound


async def test_key_that_is_damaged_or_removed_signs_nothing_until_it_is_put_back(world: Any) -> None:
    """The signer goes on with its other keys, says why in the trail, and takes the file up again once it is whole."""
    world.start()
    me, sol, path = world.accounts["main"], world.accounts["sol"], world.keys / "main.json"
    whole = path.read_bytes()
    async with SignerClient(world.socket, world.codecs) as client:
        await client.lease(me, "a run")
        await client.lease(sol, "a run")
        path.write_bytes(whole[: len(whole) // 2])
        gone = await refusal(client, world, me)
        path.unlink()
        removed = await refusal(client, world, me)
        await client.sign(world.unsigned("sol"), sol, 1)
        path.touch(0o600)
        path.write_bytes(whole)
        await client.sign(world.unsigned(), me, 1)

    said = f"key main of tiny:1 is gone or does not open since its file changed: {me} signs nothing more"
    assert [("account", said)] * 2 == [(one.rule, one.reason) for one in (gone, removed)]
    damaged, missing = (entry["fields"]["reason"] for entry in world.entries("key-dropped"))
    assert "is cut short" in damaged
    assert "there is no key 'main'" in missing
    assert 1 == len(world.entries("key-opened"))


async def test_signer_killed_after_a_rotation_starts_with_the_new_key(world: Any) -> None:
    """What the trail says of the old account stays: the day is counted on."""
    first = world.start()
    async with SignerClient(world.socket, world.codecs) as client:
        await client.lease(world.accounts["main"], "a run")
        await client.sign(world.unsigned(value=900), world.accounts["main"], 1)
    new = rotated(world)
    first.end(signal.SIGKILL)
    world.start()
    async with SignerClient(world.socket, world.codecs) as client:
        await client.lease(new, "a run")
        await client.sign(world.unsigned(account=new, value=1_000, slot="nonce:1"), new, 1)
        refused = await refusal(client, world, new, value=101, slot="nonce:2")

    assert "per_day" == refused.rule


@pytest.fixture
def held(world: Any) -> HeldKeys:
    """The two keys, opened."""
    return HeldKeys(Keystore(world.keys), ["main", "sol"], SecretBytes(WORDS))


def test_key_whose_successor_has_no_account_on_its_chain_is_dropped(world: Any, held: HeldKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of another scheme was put in its place: it is said, and the other keys sign on."""
    setup, trail = world.setup(), AuditTrail(world.keys)
    desk = SigningDesk(setup, held, trail, Signatures(), Leases(world.keys, {}))
    account, me = setup.codecs["tiny"].account, world.accounts["main"]

    def only_ed25519(scheme: Scheme, public_key: bytes) -> str:
        if scheme == "secp256k1":
            raise UsageError("no accounts of secp256k1 here")
        return str(account(scheme, public_key))

    monkeypatch.setattr(setup.codecs["tiny"], "account", only_ed25519)
    rotated(world)
    with pytest.raises(SignerRefused, match="no key of the policy has the account"):
        desk.lease(LeaseAsk(me, "a run"), 1)
    desk.lease(LeaseAsk(world.accounts["sol"], "a run"), 1)

    assert ("sol",) == held.ring.names()
    assert ["key main (secp256k1) cannot sign on tiny:1: no accounts of secp256k1 here"] == [
        entry["fields"]["reason"] for entry in world.entries("key-dropped")
    ]


def test_held_keys_say_nothing_while_nothing_changes(world: Any, held: HeldKeys) -> None:
    """A look costs one question to the file system for each key; a change is told once."""
    assert () == held.look()
    new = rotated(world)
    (change,) = held.look()

    assert ("main", 2, "") == (change.name, change.facts.version if change.facts else 0, change.reason)
    assert new == world.codecs["tiny"].account("secp256k1", held.ring.public_key("main"))
    assert () == held.look()


def test_key_under_another_passphrase_is_dropped_and_told(world: Any, held: HeldKeys, tmp_path: Any) -> None:
    """Only a key that was put there by hand can have another: the signer must be started with it."""
    other = Keystore(tmp_path / "other", cost=CHEAP)
    other.add("main", "secp256k1", SecretBytes(b"another passphrase"))
    (world.keys / "main.json").unlink()
    (world.keys / "main.json").touch(0o600)
    (world.keys / "main.json").write_bytes((tmp_path / "other" / "main.json").read_bytes())
    (change,) = held.look()

    assert (None, "the passphrase is wrong: it does not open key main") == (change.facts, change.reason)
    assert ("sol",) == held.ring.names()
    with pytest.raises(WrongPassphrase):
        HeldKeys(Keystore(world.keys), ["main"], SecretBytes(WORDS))
