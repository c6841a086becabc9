"""Whether the signer is there, as an operator sees it: noticed without a plan, and asked without touching the lease."""

from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from attrs import evolve
from structlog.testing import capture_logs

from tidemill.errors import SignerError
from tidemill.signing import client as client_module
from tidemill.signing.client import SignerClient
from tidemill.signing.protocol import Ask, Hello, HelloAsk, LeaseAsk, SignAsk, encode_value, hello_value
from tidemill_testing.fake_signer import ACCOUNT, HELLO, UNSIGNED, Plain, faked

pytestmark = pytest.mark.anyio
LOOK_S = 0.01


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks come soon after one another."""
    monkeypatch.setattr(client_module, "LOOK_S", LOOK_S)
    monkeypatch.setattr(client_module, "AGAIN_S", LOOK_S)


@pytest.fixture
def client(tmp_path: Path) -> SignerClient:
    """A client that nothing has connected yet."""
    return SignerClient(tmp_path / "signer.sock", {"plain": Plain()})


class Leasing:
    """A signer whose leases count up."""

    def __init__(self) -> None:
        self.tokens = 0
        self.hello = HELLO

    def __call__(self, ask: Ask) -> bytes:
        match ask:
            case HelloAsk():
                return encode_value(hello_value(self.hello))
            case LeaseAsk():
                self.tokens += 1
                return encode_value({"token": self.tokens})
            case SignAsk():
                return encode_value({"raw": (ask.account.encode() + b"|" + ask.payload + b"|ok").hex(), "tx": "tx-1"})
            case _:
                return encode_value({})


def later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    clock = anyio.current_time
    monkeypatch.setattr(anyio, "current_time", lambda: clock() + seconds)


async def test_signer_that_is_there_is_seen_over_a_connection_of_its_own(client: SignerClient, tmp_path: Path) -> None:
    """The lease stays, and the next plan is signed under it."""
    answer = Leasing()
    async with faked(tmp_path, answer) as fake, client:
        await client.lease(ACCOUNT, "a run")
        seen = await client.seen()
        signed = await client.sign(UNSIGNED, ACCOUNT, 1)

    assert ("there", 0, "") == (seen.state, seen.silent_s, seen.reason)
    assert (1, b"anna|pay|ok") == (answer.tokens, signed.raw)
    assert [LeaseAsk, HelloAsk, SignAsk] == [type(ask) for ask in fake.asks]


async def test_signer_that_went_away_is_noticed_without_a_plan(
    client: SignerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once; whoever looks later is told since when, why, and what to do."""
    with capture_logs() as logs:
        async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
            async with faked(tmp_path, Leasing()):
                await stack.enter_async_context(client)
                tasks.start_soon(client.watch)
                await anyio.sleep(5 * LOOK_S)
                early = list(logs)
            await anyio.sleep(5 * LOOK_S)
            later(monkeypatch, 75)
            seen = await client.seen()
            tasks.cancel_scope.cancel()

    assert ([], ["the signer does not answer: nothing can be signed until it does, and what is out is still followed"]) == (
        early, [entry["event"] for entry in logs]
    )  # fmt: skip
    assert ("gone", 75, True) == (seen.state, seen.silent_s, "start one with `tidemill signer`" in seen.reason)


async def test_signer_that_came_back_is_there_again(client: SignerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as one listens; the next time it goes counts from then, once a plan has been signed by it."""
    answer = Leasing()
    async with AsyncExitStack() as stack:
        async with faked(tmp_path, answer):
            await stack.enter_async_context(client)
            await client.lease(ACCOUNT, "a run")
        with pytest.raises(SignerError, match="went away"):
            await client.sign(UNSIGNED, ACCOUNT, 1)
        gone = await client.seen()
        await anyio.sleep(2 * LOOK_S)
        async with faked(tmp_path, answer):
            again = await client.seen()
            await client.sign(UNSIGNED, ACCOUNT, 1)
            later(monkeypatch, 75)
        last = await client.seen()

    assert (["gone", "there", "gone"], 0) == ([gone.state, again.state, last.state], last.silent_s)


async def test_signer_that_hangs_is_seen_as_gone(client: SignerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who greets nobody signs nothing either."""
    monkeypatch.setattr(client_module, "SEEN_S", 0.05)
    async with await anyio.create_unix_listener(tmp_path / "signer.sock"):
        seen = await client.seen()

    assert ("gone", True) == (seen.state, "does not answer within 0.05 s: look at its process, or start it again" in seen.reason)


@pytest.mark.parametrize(
    ("hello", "reason"),
    [
        (evolve(HELLO, live=False), "the signer came back with its own switch off: "),
        (evolve(HELLO, chains=()), "the signer came back and signs nothing on plain:1: "),
    ],
)
async def test_signer_that_came_back_as_another_one_is_unfit(client: SignerClient, tmp_path: Path, hello: Hello, reason: str) -> None:
    """It answers, and every plan is refused: an operator sees why without a plan."""
    answer = Leasing()
    async with AsyncExitStack() as stack:
        async with faked(tmp_path, answer):
            await stack.enter_async_context(client)
            await client.hello()
            await client.lease(ACCOUNT, "a run")
        answer.hello = hello
        async with faked(tmp_path, answer):
            seen = await client.seen()

    assert ("unfit", 0, True) == (seen.state, seen.silent_s, seen.reason.startswith(reason))


async def test_signer_whose_account_another_run_took_is_lost(client: SignerClient, tmp_path: Path) -> None:
    """It is there, and signs nothing for this run: starting it again would change nothing."""
    answer = Leasing()
    async with AsyncExitStack() as stack:
        async with faked(tmp_path, answer):
            await stack.enter_async_context(client)
            await client.lease(ACCOUNT, "a run")
        with pytest.raises(SignerError, match="went away"):
            await client.sign(UNSIGNED, ACCOUNT, 1)
        await anyio.sleep(2 * LOOK_S)
        answer.tokens += 1
        async with faked(tmp_path, answer):
            with pytest.raises(SignerError, match="signs nothing any more"):
                await client.sign(UNSIGNED, ACCOUNT, 1)
            seen = await client.seen()

    assert ("lost", True) == (seen.state, seen.reason.startswith("this run signs nothing any more, start it again: another run held"))
