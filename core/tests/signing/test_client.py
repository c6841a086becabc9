"""The run's side against signers that lie, leave, or say nothing."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from tidemill.domain.ids import ChainId, PlanId
from tidemill.domain.transaction import Unsigned
from tidemill.errors import SignerError, SignerRefused
from tidemill.local_socket import Peer
from tidemill.signing import connection as connection_module
from tidemill.signing import place
from tidemill.signing.client import SignerClient
from tidemill.signing.protocol import (
    HEAD,
    MOST_BYTES,
    Ask,
    HelloAsk,
    LeaseAsk,
    NoteAsk,
    SignAsk,
    encode_error,
    encode_refusal,
    encode_value,
    hello_value,
)
from tidemill_testing.fake_signer import ACCOUNT, CHAIN, HELLO, UNSIGNED, Plain, faked

pytestmark = pytest.mark.anyio


def signed(raw: bytes) -> bytes:
    return encode_value({"raw": raw.hex(), "tx": "tx-1"})


def honest(ask: Ask) -> bytes:
    match ask:
        case HelloAsk():
            return encode_value(hello_value(HELLO))
        case LeaseAsk():
            return encode_value({"token": 4})
        case NoteAsk():
            return encode_value({})
        case SignAsk():
            return signed(ask.account.encode() + b"|" + ask.payload + b"|ok")


def client(folder: Path) -> SignerClient:
    return SignerClient(folder / "signer.sock", {"plain": Plain()})


async def fails(words: str, call: Callable[[], Awaitable[object]]) -> SignerError:
    with pytest.raises(SignerError) as caught:
        await call()
    assert words in str(caught.value)
    return caught.value


async def test_sign_with_the_token_of_its_lease_gives_the_bytes(tmp_path: Path) -> None:
    """Asked in order over one connection: greeting, lease, signature."""
    async with faked(tmp_path, honest) as fake, client(tmp_path) as signer:
        assert HELLO == await signer.hello()
        await signer.lease(ACCOUNT, "a run")
        found = await signer.sign(UNSIGNED, ACCOUNT, 9)

    assert (b"anna|pay|ok", "tx-1", PlanId("p")) == (found.raw, found.ref.tx, found.plan)
    assert [HelloAsk(), LeaseAsk(ACCOUNT, "a run"), SignAsk(CHAIN, ACCOUNT, b"pay", 9, PlanId("p"), 4)] == fake.asks


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (signed(b"anna|pay twice|ok"), "bytes that were not asked for: another payload than was sent"),
        (signed(b"bert|pay|ok"), "bytes that were not asked for: signed by bert, expected anna"),
        (signed(b"anna|pay|no"), "bytes that were not asked for: the signature is another's"),
        (encode_value({"raw": "xyz"}), "the signer's answer holds no signed bytes"),
        (encode_value({"raw": 7}), "the signer's answer holds no signed bytes"),
        (encode_value({}), "the signer's answer holds no signed bytes"),
        (encode_error("what?"), "what?"),
        (HEAD.pack(3) + b"{]}", "3 bytes that are no JSON: expected an answer"),
        (HEAD.pack(0), "0 bytes that are no JSON"),
        (HEAD.pack(10 << 20), "a message of 10485760 bytes: at most 1048576 are allowed"),
        (None, "went away"),
    ],
)
async def test_lying_signer_is_found_out_and_left(tmp_path: Path, answer: bytes | None, words: str) -> None:
    """Bytes that were not asked for never reach a node, and nothing more is asked over that connection."""
    async with faked(tmp_path, lambda ask: answer if isinstance(ask, SignAsk) else honest(ask)), client(tmp_path) as signer:
        await signer.lease(ACCOUNT, "a run")
        await fails(words, lambda: signer.sign(UNSIGNED, ACCOUNT, 1))
        await fails("is closed", signer.hello)


async def test_refusal_leaves_the_connection_and_the_lease(tmp_path: Path) -> None:
    """A refusal is an answer: the next transaction is asked for over the same connection."""
    answers = [encode_refusal("value", "too much"), signed(b"anna|pay|ok")]
    async with faked(tmp_path, lambda ask: answers.pop(0) if isinstance(ask, SignAsk) else honest(ask)) as fake, client(tmp_path) as signer:
        await signer.lease(ACCOUNT, "a run")
        with pytest.raises(SignerRefused) as caught:
            await signer.sign(UNSIGNED, ACCOUNT, 1)
        await signer.sign(UNSIGNED, ACCOUNT, 1)

    assert ("value", "too much") == (caught.value.rule, caught.value.reason)
    assert [4, 4] == [ask.token for ask in fake.asks if isinstance(ask, SignAsk)]


@pytest.mark.parametrize("token", ["4", None, True])
async def test_lease_without_a_number_is_an_error(tmp_path: Path, token: object) -> None:
    """A token is a whole number."""
    async with faked(tmp_path, lambda ask: encode_value({"token": token})), client(tmp_path) as signer:
        await fails("as token: expected a whole number", lambda: signer.lease(ACCOUNT, "a run"))


async def test_silent_signer_is_left_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that never answers holds nobody up for ever."""
    monkeypatch.setattr(connection_module, "ANSWER_S", 0.1)
    async with faked(tmp_path, lambda ask: b""), client(tmp_path) as signer:
        await fails("did not answer within 0.1 s", signer.hello)
        await fails("is closed", signer.hello)


async def test_late_answer_is_never_taken_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a timeout the connection is closed, so that what comes late comes nowhere."""
    monkeypatch.setattr(connection_module, "ANSWER_S", 0.2)
    whole = honest(HelloAsk())
    async with faked(tmp_path, lambda ask: whole[:9]), client(tmp_path) as signer:
        await fails("did not answer", signer.hello)
        await fails("is closed", lambda: signer.lease(ACCOUNT, "a run"))


async def test_cancelled_ask_closes_the_connection(tmp_path: Path) -> None:
    """Whoever stops waiting for an answer does not leave it to the next question."""
    async with faked(tmp_path, lambda ask: b""), client(tmp_path) as signer:
        with anyio.move_on_after(0.1):
            await signer.hello()
        await fails("is closed", signer.hello)


async def test_chain_without_a_codec_is_not_even_asked_for(tmp_path: Path) -> None:
    """What could not be checked is not signed."""
    other = Unsigned(PlanId("p"), ChainId("acme:1"), b"pay", 0, 0, "", 0)
    async with faked(tmp_path, honest) as fake, client(tmp_path) as signer:
        await fails("no codec of namespace acme is enabled (there are: plain)", lambda: signer.sign(other, ACCOUNT, 1))
        assert HELLO == await signer.hello()

    assert [HelloAsk()] == fake.asks


async def test_payload_that_fits_no_frame_is_not_sent(tmp_path: Path) -> None:
    """Nothing was sent, so that the connection stays."""
    huge = Unsigned(PlanId("p"), CHAIN, bytes(MOST_BYTES), 0, 0, "", 0)
    async with faked(tmp_path, honest), client(tmp_path) as signer:
        await fails("at most 1048576 are allowed", lambda: signer.sign(huge, ACCOUNT, 1))
        assert HELLO == await signer.hello()


async def test_nobody_listening_is_said_with_what_to_do(tmp_path: Path) -> None:
    """No folder, no socket, a plain file: one message."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none" / "signer.sock", tmp_path / "signer.sock", tmp_path / "file"):
        await fails("start one with `tidemill signer`", SignerClient(path, {}).__aenter__)


async def test_socket_of_another_user_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever could put a socket there might be anybody."""
    monkeypatch.setattr(place, "peer_of", lambda raw: Peer(1, os.geteuid() + 1))
    async with faked(tmp_path, honest) as fake:
        await fails("nothing is asked of it", client(tmp_path).__aenter__)

    assert [] == fake.asks


async def test_platform_that_tells_no_peer_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without knowing who is there nothing is asked."""

    def nobody(raw: object) -> Peer:
        raise OSError("this platform does not tell")

    monkeypatch.setattr(place, "peer_of", nobody)
    async with faked(tmp_path, honest):
        await fails("this platform does not tell", client(tmp_path).__aenter__)
