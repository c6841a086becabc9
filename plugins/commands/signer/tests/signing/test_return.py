"""A run's client and real signers that end and begin again: what was agreed holds on, or nothing is signed."""

import signal
from pathlib import Path
from typing import Any

import anyio
import pytest

from tidemill.errors import SignerError, SignerRefused
from tidemill.signing import client as client_module
from tidemill.signing import connection as connection_module
from tidemill.signing.client import SignerClient
from tidemill_command_signer.audit import verify

pytestmark = pytest.mark.anyio
AGAIN_S = 0.1


@pytest.fixture
def anyio_backend() -> str:
    """The signer is a process: which loop its clients run on does not matter to it."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are short."""
    monkeypatch.setattr(client_module, "AGAIN_S", AGAIN_S)


def told_client(world: Any) -> tuple[SignerClient, list[str]]:
    told: list[str] = []
    return SignerClient(world.socket, world.codecs, on_taken=told.append), told


async def hold(client: SignerClient, account: str) -> None:
    await client.hello()
    await client.lease(account, "a run")


async def test_signer_that_was_killed_and_started_again_signs_on(world: Any) -> None:
    """Plans in between are refused at once; then the same run signs with a new lease, and gives again what it gave before."""
    first, me = world.start(), world.accounts["main"]
    client, told = told_client(world)
    async with client:
        await hold(client, me)
        before = await client.sign(world.unsigned(), me, 1)
        first.end(signal.SIGKILL)
        for words in ("went away", "it is tried again"):
            with pytest.raises(SignerError, match=words):
                await client.sign(world.unsigned(slot="nonce:2"), me, 2)
        await anyio.sleep(AGAIN_S * 2)
        with pytest.raises(SignerError, match="start one with `tidemill signer`"):
            await client.sign(world.unsigned(slot="nonce:2"), me, 2)
        world.start()
        await anyio.sleep(AGAIN_S * 2)
        after = await client.sign(world.unsigned(slot="nonce:2"), me, 2)
        again = await client.sign(world.unsigned(), me, 1)

    assert (before.raw, []) == (again.raw, told)
    assert before.raw != after.raw
    assert [1, 2] == [entry["fields"]["token"] for entry in world.entries("lease")]
    assert [(1, 1), (2, 2)] == [(entry["fields"]["intent"], entry["fields"]["token"]) for entry in world.entries("signed")]
    assert verify(world.log).sound


async def test_signer_that_stood_still_is_left_and_found_again(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it answers after it goes on reaches nobody: it was asked over a connection that is gone."""
    monkeypatch.setattr(connection_module, "ANSWER_S", 0.3)
    monkeypatch.setattr(client_module, "RETURN_S", 0.3)
    monkeypatch.setattr(client_module, "SLOW_S", 0.2)
    signer, me = world.start(), world.accounts["main"]
    client, told = told_client(world)
    async with client:
        await hold(client, me)
        signer.process.send_signal(signal.SIGSTOP)
        with pytest.raises(SignerError, match=r"did not answer within 0\.3 s"):
            await client.sign(world.unsigned(), me, 1)
        await anyio.sleep(AGAIN_S * 2)
        with pytest.raises(SignerError, match=r"did not come back within 0\.3 s"):
            await client.sign(world.unsigned(slot="nonce:2"), me, 2)
        signer.process.send_signal(signal.SIGCONT)
        await anyio.sleep(0.4)
        signed = await client.sign(world.unsigned(slot="nonce:3"), me, 3)
    opened = world.codecs["tiny"].open("tiny:1", signed.raw)

    assert (world.unsigned(slot="nonce:3").payload, []) == (opened.payload, told)
    # The first request lay in the old connection, and was followed: it counts, and is given again to whoever asks for it
    assert [1, 3] == [entry["fields"]["intent"] for entry in world.entries("signed")]


async def test_run_whose_account_another_took_meanwhile_signs_nothing_more(world: Any) -> None:
    """While the other is there, and also once it has gone: two runs must never sign for one nonce."""
    first, me = world.start(), world.accounts["main"]
    client, told = told_client(world)
    gone, told_too = told_client(world)
    async with client, gone:
        await hold(client, me)
        await hold(gone, world.accounts["sol"])
        first.end(signal.SIGKILL)
        for one, account, key in ((client, me, "main"), (gone, world.accounts["sol"], "sol")):
            with pytest.raises(SignerError, match="went away"):
                await one.sign(world.unsigned(key), account, 1)
        world.start()
        await anyio.sleep(AGAIN_S * 2)
        async with SignerClient(world.socket, world.codecs) as other:
            await other.lease(me, "another run")
            async with SignerClient(world.socket, world.codecs) as brief:
                await brief.lease(world.accounts["sol"], "a brief run")
            await anyio.sleep(AGAIN_S)
            with pytest.raises(SignerError, match=r"signs nothing any more, start it again: 0x[0-9a-f]+ signs for 'another run'"):
                await client.sign(world.unsigned(), me, 1)
            await other.sign(world.unsigned(slot="nonce:5"), me, 1)
        with pytest.raises(SignerError, match=r"another run held ed[0-9a-f]+ while the signer was away"):
            await gone.sign(world.unsigned("sol"), world.accounts["sol"], 1)
        await anyio.sleep(AGAIN_S * 2)
        with pytest.raises(SignerError, match="signs nothing any more"):
            await client.sign(world.unsigned(), me, 1)

    assert (1, 1) == (len(told), len(told_too))
    assert ["another run"] == [entry["fields"]["owner"] for entry in world.entries("signed")]


async def test_signer_that_came_back_with_its_switch_off_signs_nothing(world: Any) -> None:
    """Nor with another policy than it allows; with a newer one that has the chain it decides for itself."""
    first, me = world.start(), world.accounts["main"]
    client, told = told_client(world)
    async with client:
        await hold(client, me)
        first.end()
        with pytest.raises(SignerError, match="went away"):
            await client.sign(world.unsigned(), me, 1)
        world.configure(("live = true", "live = false"))
        second = world.start()
        await anyio.sleep(AGAIN_S * 2)
        with pytest.raises(SignerError, match="came back with its own switch off"):
            await client.sign(world.unsigned(), me, 1)
        second.end()
        world.configure(('max_fee = "0.5"', 'max_fee = "0.4"'))
        world.start()
        await anyio.sleep(AGAIN_S * 2)
        with pytest.raises(SignerRefused, match=r"at most 0\.4 are allowed"):
            await client.sign(world.unsigned(fee=450), me, 1)
        await client.sign(world.unsigned(), me, 1)

    assert [] == told


async def test_note_of_an_operators_decision_stands_in_the_trail(world: Any) -> None:
    """Who went without hours on paper, and with how many; no client can write what only the signer knows."""
    world.start()
    async with SignerClient(world.socket, world.codecs) as client:
        await client.note("gate-overridden", "a run", "--without-paper-hours: 3.5 h in 1 run of 24 h on paper")
        with pytest.raises(SignerError, match=r"event 'signed': a run may note gate-overridden, stopped, resumed, resume-refused alone"):
            await client.note("signed", "a run", "7 coins")
    (entry,) = world.entries("gate-overridden")

    assert {"owner": "a run", "text": "--without-paper-hours: 3.5 h in 1 run of 24 h on paper"} == entry["fields"]
    assert [] == world.entries("signed")
    assert verify(Path(world.log)).sound
