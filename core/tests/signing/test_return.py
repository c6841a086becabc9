"""A signer that went away in the middle of a run: it is asked again, as what it was, or not at all."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from attrs import evolve

from tidemill.errors import SignerError, SignerRefused
from tidemill.signing import client as client_module
from tidemill.signing import connection as connection_module
from tidemill.signing.client import SignerClient
from tidemill.signing.protocol import (
    HEAD,
    Ask,
    Hello,
    HelloAsk,
    LeaseAsk,
    SignAsk,
    encode_refusal,
    encode_value,
    hello_value,
)
from tidemill_testing.fake_signer import ACCOUNT, HELLO, UNSIGNED, Plain, faked

pytestmark = pytest.mark.anyio
AGAIN_S = 0.05


class Signer:
    """A signer whose answers can be changed; leases count up, and what it says of itself can be another."""

    def __init__(self, hello: Hello) -> None:
        self.hello = hello
        self.token = 0
        self.asks: list[Ask] = []
        self.instead: Callable[[Ask], bytes | None] | None = None

    def answer(self, ask: Ask) -> bytes | None:
        self.asks.append(ask)
        if self.instead is not None:
            found = self.instead(ask)
            if found != b"as ever":
                return found
        match ask:
            case HelloAsk():
                return encode_value(hello_value(self.hello))
            case LeaseAsk():
                self.token += 1
                return encode_value({"token": self.token})
            case SignAsk():
                raw = ask.account.encode() + b"|" + ask.payload + b"|ok"
                return encode_value({"raw": raw.hex(), "tx": "tx-1"})
            case _:
                return encode_value({})

    @property
    def kinds(self) -> list[str]:
        return [type(ask).__name__ for ask in self.asks]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are short."""
    monkeypatch.setattr(client_module, "AGAIN_S", AGAIN_S)
    monkeypatch.setattr(client_module, "RETURN_S", 0.5)
    monkeypatch.setattr(client_module, "PAUSE_S", 0.01)
    monkeypatch.setattr(connection_module, "ANSWER_S", 0.3)


@pytest.fixture
def signer() -> Signer:
    """One that answers as it should."""
    return Signer(HELLO)


class Desk:
    """A client that holds an account, and what its run was told."""

    def __init__(self, client: SignerClient, told: list[str]) -> None:
        self.client = client
        self.told = told

    async def sign(self) -> bytes:
        return (await self.client.sign(UNSIGNED, ACCOUNT, 1)).raw

    async def fails(self, words: str) -> SignerError:
        with pytest.raises(SignerError) as caught:
            await self.sign()
        assert words in str(caught.value)
        return caught.value


AtDesk = Callable[[], AbstractAsyncContextManager[Desk]]


@pytest.fixture
def at_desk(tmp_path: Path, signer: Signer) -> AtDesk:
    """Serve the signer and hold its account."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Desk]:
        told: list[str] = []
        async with (
            faked(tmp_path, signer.answer),
            SignerClient(tmp_path / "signer.sock", {"plain": Plain()}, on_taken=told.append) as client,
        ):
            await client.hello()
            await client.lease(ACCOUNT, "a run")
            yield Desk(client, told)

    return opened


def closes(ask: Ask) -> bytes | None:
    return None if isinstance(ask, SignAsk) else b"as ever"


async def test_signer_that_went_away_is_asked_again_with_the_next_plan(at_desk: AtDesk, signer: Signer) -> None:
    """The plan of the moment is refused at once; the next one after a second is signed, over a new connection with a new lease."""
    async with at_desk() as desk:
        signer.instead = closes
        await desk.fails("went away")
        signer.instead = None
        asked = len(signer.asks)
        await desk.fails(f"went away: it is tried again {AGAIN_S} s later")
        assert asked == len(signer.asks)
        await anyio.sleep(AGAIN_S * 2)

        assert b"anna|pay|ok" == await desk.sign()
    assert ["HelloAsk", "LeaseAsk", "SignAsk", "HelloAsk", "LeaseAsk", "SignAsk"] == signer.kinds
    assert [1, 2] == [ask.token for ask in signer.asks if isinstance(ask, SignAsk)]
    assert [] == desk.told


@pytest.mark.parametrize(
    "half",
    [
        b"\0",
        HEAD.pack(40),
        encode_value({"raw": b"anna|pay twice|ok".hex(), "tx": "tx-9"})[:-3],
        HEAD.pack(3) + b"{]}",
        HEAD.pack(10 << 20) + b"x" * 64,
    ],
)
async def test_what_was_half_read_is_no_part_of_the_next_answer(half: bytes, at_desk: AtDesk, signer: Signer) -> None:
    """Cut frames, frames that are too long, and garbage end with their connection: over the next one everything begins anew."""
    async with at_desk() as desk:
        signer.instead = lambda ask: half if isinstance(ask, SignAsk) else b"as ever"
        await desk.fails("")
        signer.instead = None
        await anyio.sleep(AGAIN_S * 2)

        assert [b"anna|pay|ok"] * 3 == [await desk.sign() for _ in range(3)]


async def test_signer_that_hangs_on_its_return_costs_one_plan(at_desk: AtDesk, signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for once for a short time; for long after that plans are refused without being asked for."""
    monkeypatch.setattr(client_module, "RETURN_S", 0.1)
    async with at_desk() as desk:
        signer.instead = closes
        await desk.fails("went away")
        signer.instead = lambda ask: b""
        await anyio.sleep(AGAIN_S * 2)
        before = anyio.current_time()
        await desk.fails("did not come back within 0.1 s")
        assert 0.1 <= anyio.current_time() - before < 0.3
        await anyio.sleep(AGAIN_S * 2)
        asked = len(signer.asks)
        await desk.fails(f"went away: it is tried again {client_module.SLOW_S} s later")

    assert asked == len(signer.asks)


@pytest.mark.parametrize(
    ("another", "words"),
    [
        (evolve(HELLO, live=False), "the signer came back with its own switch off: set live = true"),
        (evolve(HELLO, chains=()), "the signer came back and signs nothing on plain:1: start it with the policy of this run"),
    ],
)
async def test_signer_that_came_back_as_another_signs_nothing(another: Hello, words: str, at_desk: AtDesk, signer: Signer) -> None:
    """It is left alone until it is what was agreed when the run began; then it signs again."""
    whole = signer.hello
    async with at_desk() as desk:
        signer.instead = closes
        await desk.fails("went away")
        signer.instead, signer.hello = None, another
        await anyio.sleep(AGAIN_S * 2)
        await desk.fails(words)
        assert 1 == signer.token
        signer.hello = whole
        await anyio.sleep(AGAIN_S * 2)

        assert b"anna|pay|ok" == await desk.sign()


async def test_signer_that_came_back_with_another_policy_is_told_of(
    at_desk: AtDesk, signer: Signer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A newer policy may be what the operator wanted: both are logged in short, which no log hides, and it decides what it signs."""
    async with at_desk() as desk:
        signer.instead = closes
        await desk.fails("went away")
        signer.instead, signer.hello = None, evolve(signer.hello, policy="c5" * 32, chains=("plain:1", "plain:2"))
        await anyio.sleep(AGAIN_S * 2)
        assert b"anna|pay|ok" == await desk.sign()
    shown = capsys.readouterr().out

    assert "the signer came back with another policy" in shown
    assert "before=ab" in shown
    assert f"now={'c5' * 6}" in shown
    assert "c5" * 7 not in shown


async def test_account_that_another_run_holds_ends_all_sending(at_desk: AtDesk, signer: Signer) -> None:
    """There are never two signers of one nonce: the run is told once, and asks the signer nothing more."""
    async with at_desk() as desk:
        signer.instead = closes
        await desk.fails("went away")
        signer.instead = lambda ask: encode_refusal("lease", "anna signs for 'another'") if isinstance(ask, LeaseAsk) else b"as ever"
        await anyio.sleep(AGAIN_S * 2)
        await desk.fails("this run signs nothing any more, start it again: anna signs for 'another'")
        signer.instead = None
        await anyio.sleep(AGAIN_S * 2)
        asked = len(signer.asks)
        await desk.fails("this run signs nothing any more")

    assert ["this run signs nothing any more, start it again: anna signs for 'another'"] == desk.told
    assert asked == len(signer.asks)


async def test_account_that_another_run_held_meanwhile_ends_all_sending(at_desk: AtDesk, signer: Signer) -> None:
    """Its number shows it, also when the other has gone: what it sent stands in no ledger of this run."""
    async with at_desk() as desk:
        signer.instead = closes
        await desk.fails("went away")
        signer.instead, signer.token = None, signer.token + 1
        await anyio.sleep(AGAIN_S * 2)
        await desk.fails("this run signs nothing any more, start it again: another run held anna while the signer was away")

    assert 1 == len(desk.told)


async def test_old_connection_that_the_signer_still_sees_is_waited_out(at_desk: AtDesk, signer: Signer) -> None:
    """A signer may need a moment to see that its client is gone: that is nobody else."""
    refusals = [encode_refusal("lease", "anna signs for 'a run'")] * 3

    def held(ask: Ask) -> bytes | None:
        return refusals.pop() if isinstance(ask, LeaseAsk) and refusals else b"as ever"

    async with at_desk() as desk:
        signer.instead = closes
        await desk.fails("went away")
        signer.instead = held
        await anyio.sleep(AGAIN_S * 2)
        assert b"anna|pay|ok" == await desk.sign()

    assert [] == desk.told


async def test_account_that_the_signer_has_no_more_is_asked_for_again(at_desk: AtDesk, signer: Signer) -> None:
    """A refusal by another rule is nobody else's hold: it is tried again."""
    async with at_desk() as desk:
        signer.instead = closes
        await desk.fails("went away")
        signer.instead = lambda ask: encode_refusal("account", "no key of it") if isinstance(ask, LeaseAsk) else b"as ever"
        await anyio.sleep(AGAIN_S * 2)
        assert isinstance(await desk.fails("no key of it"), SignerRefused)
        signer.instead = None
        await anyio.sleep(AGAIN_S * 2)

        assert b"anna|pay|ok" == await desk.sign()


async def test_client_that_never_held_an_account_does_not_come_back(tmp_path: Path, signer: Signer) -> None:
    """Only what was agreed can be agreed again."""
    async with faked(tmp_path, signer.answer), SignerClient(tmp_path / "signer.sock", {"plain": Plain()}) as client:
        signer.instead = lambda ask: None
        with pytest.raises(SignerError, match="went away"):
            await client.hello()
        signer.instead = None
        await anyio.sleep(AGAIN_S * 2)
        with pytest.raises(SignerError, match="is closed"):
            await client.sign(UNSIGNED, ACCOUNT, 1)
