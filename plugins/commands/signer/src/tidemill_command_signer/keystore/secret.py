"""Bytes that must not be seen: not printed, not pickled, not copied by accident, and overwritten when they are done with."""

import hmac
from types import TracebackType
from typing import NoReturn, Self


class SecretBytes:
    """Holds a key, a passphrase, or a text with one in it.

    Functions pass these around and never the bytes themselves, so that no traceback with local variables shows one. ``wipe`` overwrites
    what is held here; copies that a library made meanwhile are out of reach and go with the process.
    """

    __slots__ = ("_held",)

    def __init__(self, raw: bytes | bytearray) -> None:
        self._held = bytearray(raw)

    def reveal(self) -> bytes:
        """Return the bytes. Use them inside one expression: whatever has a name is in a traceback."""
        return bytes(self._held)

    def wipe(self) -> None:
        """Overwrite the bytes with zeros and forget how many there were."""
        self._held[:] = bytes(len(self._held))
        self._held.clear()

    def __len__(self) -> int:
        return len(self._held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.wipe()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretBytes) and hmac.compare_digest(self._held, other._held)

    def __hash__(self) -> NoReturn:
        raise TypeError("a secret has no hash: it would tell something of it")

    def __repr__(self) -> str:
        return "SecretBytes(…)"

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret gives its content to nobody who does not ask for it by name")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not copied or pickled")
