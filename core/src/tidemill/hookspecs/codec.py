"""Codecs: how the bytes of a chain family are read before they are signed, and joined with their signature."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Opened, Reading, Scheme, Unreadable
from tidemill.hookspecs.markers import hookspec
from tidemill.hookspecs.plugin import Plugin


class Codec(Plugin):
    """Reads the transactions of the chains of one CAIP-2 namespace. Pure: no socket, no clock, no file, no key.

    The signer reads what it signs with it, the run checks with it what the signer gave back; neither trusts the other. What a codec reads
    decides what a policy judges: it must understand every byte, or say ``Unreadable``.

    Attributes:
        namespace: the CAIP-2 namespace of its chains, for example ``eip155``; one codec serves it.
    """

    interface_version: ClassVar[int] = 1
    namespace: ClassVar[str]

    @abstractmethod
    def read(self, chain: ChainId, payload: bytes) -> Reading | Unreadable:
        """Return what unsigned bytes would do on this chain; ``Unreadable`` where they are of another chain or not understood whole."""

    @abstractmethod
    def message(self, payload: bytes) -> bytes:
        """Return what the key signs: the digest of 32 bytes for secp256k1, the message itself for ed25519. The payload was read before."""

    @abstractmethod
    def join(self, payload: bytes, signature: bytes) -> bytes:
        """Return the bytes to broadcast. Equal input gives equal bytes."""

    @abstractmethod
    def open(self, chain: ChainId, raw: bytes) -> Opened | Unreadable:
        """Return the payload, the signer and the name of signed bytes; ``Unreadable`` where the signature is not that of its account."""

    @abstractmethod
    def account(self, scheme: Scheme, public_key: bytes) -> str:
        """Return the address of a public key: 64 bytes (x, y) for secp256k1, 32 for ed25519.

        Raises:
            UsageError: chains of this namespace have no accounts of this scheme.
        """


@hookspec
def tidemill_register_codecs() -> Sequence[type[Codec]]:  # type: ignore[empty-body]
    """Return the codec classes this plugin provides.

    What to return: classes derived from Codec, each with a name of its own and a namespace that no other enabled codec serves.
    When: once, when a signer or a live run starts.
    Must not: do I/O, read the environment, import what opens a socket, or return a name already taken.
    Raises: nothing; bad settings are found when the configuration is read.
    Example: plugins/codecs/sim/src/tidemill_codec_sim/__init__.py
    """
