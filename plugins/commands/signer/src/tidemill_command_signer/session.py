"""One life of a signer: lock, trail, keys, socket, and their end in the opposite order."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

import anyio

from tidemill import SigningSetup, __version__
from tidemill.errors import SignerError
from tidemill.signing.place import SignerPlace
from tidemill.signing.protocol import Hello, hello_value
from tidemill_command_signer.audit import AuditTrail
from tidemill_command_signer.desk import SigningDesk
from tidemill_command_signer.enforced import enforced_lines
from tidemill_command_signer.keystore import HeldKeys, Keystore, SecretBytes
from tidemill_command_signer.keystore.files import check_folder
from tidemill_command_signer.leases import Leases
from tidemill_command_signer.server import SignerServer
from tidemill_command_signer.used import Signatures

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Session:
    """A signer from its lock to its end; whatever goes wrong after the trail is open stands in it."""

    def __init__(self, setup: SigningSetup) -> None:
        self._setup = setup
        self._place = SignerPlace(setup.keystore, setup.socket)
        self._signatures = Signatures()
        self._trail = AuditTrail(setup.keystore, settles=True)
        self._desk: SigningDesk | None = None
        self._end = ExitStack()

    def __enter__(self) -> Self:
        """Become the only signer on the keystore and follow its trail.

        Raises:
            SignerError: another signer runs, others can look into the keystore, or the trail is not as it was written.
        """
        with ExitStack() as begun:
            check_folder(self._setup.keystore)
            begun.callback(self._place.close)
            self._place.lock()
            begun.callback(self._trail.close)
            self._trail.open(self._signatures.note)
            self._end = begun.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.close()

    def unlock(self, passphrase: SecretBytes) -> None:
        """Open the keys that the policy names; the passphrase is kept for those that take their place, and wiped at the end.

        Raises:
            SignerError: one of them cannot be opened, or has no account on its chain.
        """
        names = sorted({key for chain in self._setup.policy.chains.values() for key in chain.keys})
        try:
            self._end.enter_context(passphrase)
            keys = HeldKeys(Keystore(self._setup.keystore, self._trail), names, passphrase)
            self._end.enter_context(keys.ring)
            leases = Leases(self._setup.keystore, self._signatures.tokens)
            self._desk = SigningDesk(self._setup, keys, self._trail, self._signatures, leases)
        except SignerError as error:
            self._trail.append("refused", rule="keystore", reason=str(error))
            raise

    def serve(self, say: Callable[[str], None], warn: Callable[[str], None]) -> None:
        """Serve until SIGINT, SIGTERM, or SIGHUP where it is not ignored (``nohup``).

        Args:
            say: is told what is enforced, and where the signer listens.
            warn: is told what keeps it from signing.

        Raises:
            SignerError: there can be no socket, or its beginning or end cannot be written in the trail.
        """
        assert self._desk is not None  # noqa: S101 unlocked before
        anyio.run(self._serve, self._desk, say, warn)

    async def _serve(self, desk: SigningDesk, say: Callable[[str], None], warn: Callable[[str], None]) -> None:
        ends = [number for number in _ENDS if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN]
        with anyio.open_signal_receiver(*ends) as signals:
            listener = await self._place.listen()
            try:
                policy = self._setup.policy.digest
                self._trail.append("opened", version=__version__, process=os.getpid(), live=self._setup.policy.live, policy=policy)
                for line in self._told(desk):
                    say(line)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(SignerServer(desk, self._hello(desk, policy), warn).serve, listener)
                    received = await anext(aiter(signals))
                    tasks.cancel_scope.cancel()
            finally:
                await self._place.leave()
        self._trail.append("closed", reason=signal.Signals(received).name)
        # The terminal may be what has ended
        with suppress(OSError):
            say("ended: nothing is signed any more")

    def _told(self, desk: SigningDesk) -> Iterator[str]:
        yield from enforced_lines(self._setup.policy, desk.accounts)
        yield f"audit {self._trail.path}: {self._trail.count} entries, the last is {self._trail.last}"
        yield f"listens at {self._setup.socket}, for user {os.geteuid()} alone; Ctrl-C ends it"

    def _hello(self, desk: SigningDesk, policy: str) -> Mapping[str, object]:
        accounts = tuple(dict.fromkeys((account.key, account.address) for account in desk.accounts))
        chains = tuple(self._setup.policy.chains)
        return hello_value(Hello(__version__, os.getpid(), self._setup.policy.live, policy, accounts, chains, self._trail.last))
