"""The run's side of the signer's socket. It believes nothing: what comes back is opened, and must be what was asked for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import anyio
import structlog
from attrs import evolve

from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Opened
from tidemill.domain.transaction import Signed, TxRef, Unsigned
from tidemill.errors import SignerError, SignerRefused
from tidemill.hookspecs.codec import Codec
from tidemill.signing.connection import SignerConnection
from tidemill.signing.protocol import Ask, Hello, HelloAsk, LeaseAsk, NoteAsk, SignAsk, hello_of
from tidemill.signing.seen import SignerStatus

AGAIN_S = 1
"""So long after a signer went away, and after each try to reach it again, plans are refused at once."""
RETURN_S = 2
"""A signer that came back has so long to greet and to lease: a plan waits for it."""
SLOW_S = 20
"""So long is waited after a try that took all of ``RETURN_S``: a signer that hangs costs one plan, not every plan."""
TRIES, PAUSE_S = 5, 0.1
"""How often a lease is asked for again where the signer still sees the old connection, and the pause between."""
LOOK_S = 1
"""Between two looks at whether the connection is still there."""
DIGITS = 12
"""So many first digits of their digests tell two policies apart."""
SEEN_S = 1
"""A signer that does not greet for so long does not answer."""


class SignerClient:
    """Asks a signer over one connection, for one task at a time.

    After an error the connection is closed. The next signature that is asked for ``AGAIN_S`` later or more connects anew, where the
    signer is what it was and nobody else held the accounts meanwhile.
    """

    def __init__(self, path: Path, codecs: Mapping[str, Codec], *, on_taken: Callable[[str], None] | None = None) -> None:
        """Name a signer; ``async with`` connects to it.

        Args:
            path: its socket.
            codecs: open what it gives, by CAIP-2 namespace.
            on_taken: told once, in a sentence, when another run got an account that this one held: it must send nothing any more.
        """
        self._line = SignerConnection(path)
        self._codecs = dict(codecs)
        self._on_taken = on_taken
        self._met: Hello | None = None
        self._owners: dict[str, str] = {}
        self._tokens: dict[str, int] = {}
        self._taken = ""
        self._not_before, self._pause_s = 0.0, 0.0
        self._gone_at: float | None = None
        self._log = structlog.get_logger("tidemill.signing")

    @property
    def socket(self) -> Path:
        """Where the signer listens."""
        return self._line.path

    async def __aenter__(self) -> Self:
        await self._line.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._line.close()

    async def hello(self) -> Hello:
        """Return what the signer says of itself.

        Raises:
            SignerError: it does not answer, or not as expected.
        """
        hello = hello_of(await self._ask(HelloAsk()))
        self._met = self._met or hello
        return hello

    async def lease(self, account: str, owner: str) -> None:
        """Become the only one whom an account signs for, until this connection closes.

        Raises:
            SignerRefused: another run holds it, or the signer has no such account. SignerError: it does not answer.
        """
        self._tokens[account] = await self._leased(account, owner)
        self._owners[account] = owner

    async def note(self, event: str, owner: str, text: str) -> None:
        """Have a line written into the audit trail; ``event`` is one that the protocol names.

        Raises:
            SignerError: it does not answer, or cannot write it.
        """
        await self._ask(NoteAsk(event, owner, text))

    async def sign(self, unsigned: Unsigned, account: str, intent: int) -> Signed:
        """Return the bytes to broadcast, checked to be these very bytes signed by this account.

        Raises:
            SignerRefused: the signer's policy says no. SignerError: it does not answer, or what it gave is something else; or it went away,
                and is not back as it was.
        """
        codec = self._codec(unsigned.chain)
        if self._taken:
            raise SignerError(self._taken)
        if not self._line.is_open and self._owners:
            await self._come_back()
        ask = SignAsk(unsigned.chain, account, unsigned.payload, intent, unsigned.plan, self._tokens.get(account, 0))
        value = await self._ask(ask)
        try:
            raw = bytes.fromhex(value["raw"])
        except (KeyError, TypeError, ValueError) as error:
            await self._leave()
            raise SignerError("the signer's answer holds no signed bytes") from error
        opened = codec.open(unsigned.chain, raw)
        wrong = _difference(opened, unsigned, account) if isinstance(opened, Opened) else opened.reason
        if wrong or not isinstance(opened, Opened):
            await self._leave()
            raise SignerError(f"the signer gave bytes that were not asked for: {wrong}")
        return Signed(unsigned.plan, TxRef(unsigned.chain, opened.tx), raw)

    # --- whether it is there ----------------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Notice when the signer goes away, for as long as this is awaited, also while nothing is to be signed; it is told once."""
        told = False
        while True:
            if self._line.is_cut:
                self._went()
            if self._gone_at is not None and not told:
                said = "the signer does not answer: nothing can be signed until it does, and what is out is still followed"
                self._log.warning(said, socket=str(self._line.path))
            told = self._gone_at is not None
            await anyio.sleep(LOOK_S)

    async def seen(self) -> SignerStatus:
        """Ask over a connection of its own whether the signer answers, and say since when it does not."""
        reason = unfit = ""
        line = SignerConnection(self._line.path)
        with anyio.move_on_after(SEEN_S) as patience:
            try:
                await line.open()
                unfit = self._unfit(hello_of(await line.ask(HelloAsk())))
            except SignerError as error:
                reason = str(error)
            finally:
                await line.close()
        if patience.cancelled_caught:
            reason = f"the signer at {self._line.path} does not answer within {SEEN_S} s: look at its process, or start it again"
        if reason:
            self._went()
        elif self._line.is_open and not self._line.is_cut:
            self._gone_at = None
        since = 0 if self._gone_at is None else int(anyio.current_time() - self._gone_at)
        state: Literal["there", "gone", "unfit", "lost"] = "lost" if self._taken else "gone" if reason else "unfit" if unfit else "there"
        return SignerStatus(str(self._line.path), state, since if state == "gone" else 0, self._taken or reason or unfit)

    def _went(self) -> None:
        self._gone_at = anyio.current_time() if self._gone_at is None else self._gone_at

    def _codec(self, chain: ChainId) -> Codec:
        namespace = chain.partition(":")[0]
        codec = self._codecs.get(namespace)
        if codec is None:
            known = ", ".join(sorted(self._codecs)) or "none"
            raise SignerError(f"no codec of namespace {namespace} is enabled (there are: {known}): what is signed cannot be checked")
        return codec

    async def _leased(self, account: str, owner: str) -> int:
        token = (await self._ask(LeaseAsk(account, owner))).get("token")
        if not isinstance(token, int) or isinstance(token, bool):
            await self._leave()
            raise SignerError(f"the signer gave {token!r} as token: expected a whole number")
        return token

    # --- a signer that went away ------------------------------------------------------------------------------------------------------

    async def _come_back(self) -> None:
        """Connect anew, and hold the accounts again.

        Raises:
            SignerError: it is too early for another try, nobody answers, or the signer is not what it was.
        """
        if anyio.current_time() < self._not_before:
            # The ledger has these words: how much of the pause has passed is nothing that a run comes to again
            raise SignerError(f"the signer at {self._line.path} went away: it is tried again {self._pause_s} s later at the earliest")
        try:
            with anyio.move_on_after(RETURN_S) as patience:
                await self._line.open()
                self._compare(await self.hello())
                await self._hold_again()
        except BaseException:
            await self._leave()
            raise
        if patience.cancelled_caught:
            await self._leave()
            self._wait(SLOW_S)
            raise SignerError(f"the signer at {self._line.path} did not come back within {RETURN_S} s")
        self._gone_at = None
        self._log.warning("the signer is back, and holds our accounts again", socket=str(self._line.path))

    def _compare(self, hello: Hello) -> None:
        """Hold that a signer that came back still signs what was agreed when the run began.

        Raises:
            SignerError: it does not.
        """
        unfit = self._unfit(hello)
        if unfit:
            raise SignerError(unfit)
        before = self._met or hello
        if hello.policy != before.policy:
            # A whole digest looks like a key, and no log shows those
            digests = {"before": before.policy[:DIGITS], "now": hello.policy[:DIGITS]}
            self._log.warning("the signer came back with another policy", **digests)
            self._met = evolve(before, policy=hello.policy)

    def _unfit(self, hello: Hello) -> str:
        """Return why a signer signs nothing of what was agreed when the run began, "" where it does."""
        before = self._met or hello
        if not hello.live:
            return "the signer came back with its own switch off: set live = true in [signer], and start it again"
        missing = sorted({*before.chains} - {*hello.chains})
        return f"the signer came back and signs nothing on {', '.join(missing)}: start it with the policy of this run" if missing else ""

    async def _hold_again(self) -> None:
        for account, owner in sorted(self._owners.items()):
            token = await self._patiently_leased(account, owner)
            before, self._tokens[account] = self._tokens[account], token
            # Each lease takes the next number: one that is missing was somebody else's
            if token != before + 1:
                raise self._lost(f"another run held {account} while the signer was away")

    async def _patiently_leased(self, account: str, owner: str) -> int:
        """Return the new lease; a signer may need a moment to see that the old connection is gone."""
        tries = TRIES
        while True:
            tries -= 1
            try:
                return await self._leased(account, owner)
            except SignerRefused as refused:
                if refused.rule != "lease":
                    raise
                if not tries:
                    raise self._lost(refused.reason) from refused
            await anyio.sleep(PAUSE_S)

    def _lost(self, reason: str) -> SignerError:
        """Take note that somebody else may have signed for an account of ours: two signers of one nonce must never be."""
        self._taken = f"this run signs nothing any more, start it again: {reason}"
        if self._on_taken is not None:
            self._on_taken(self._taken)
        return SignerError(self._taken)

    async def _ask(self, ask: Ask) -> Mapping[str, Any]:
        try:
            return await self._line.ask(ask)
        finally:
            if not self._line.is_open:
                self._went()
                self._wait(AGAIN_S)

    async def _leave(self) -> None:
        await self._line.close()
        self._went()
        self._wait(AGAIN_S)

    def _wait(self, wait_s: float) -> None:
        until = anyio.current_time() + wait_s
        if until > self._not_before:
            self._not_before, self._pause_s = until, wait_s


def _difference(opened: Opened, unsigned: Unsigned, account: str) -> str:
    """Return what of signed bytes is not what was asked for, "" where all of it is."""
    if opened.account != account:
        return f"signed by {opened.account}, expected {account}"
    return "" if opened.payload == unsigned.payload else "another payload than was sent"
