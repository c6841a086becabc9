"""Reading the byte program of the executor contract; what its parts mean stands in ``tidemill_evm.executor``."""

import re
from typing import Final

from tidemill_evm.errors import MalformedBytes

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}")
"""What a lender's name may be."""
PROGRAM: Final = "executor program"
"""What errors call it."""


class ProgramReader:
    """Reads a program from its beginning, and knows where it is and which tokens and callees it has read."""

    def __init__(self, program: bytes) -> None:
        self.at = 0
        self._program = program
        self._addresses: tuple[str, ...] = ()
        self._used = 0
        self._tokens: set[str] = set()
        self._callees: list[tuple[int, str]] = []

    def take(self, count: int, what: str) -> bytes:
        """Return the next ``count`` bytes.

        Raises:
            MalformedBytes: the program ends before, as in every method here; ``what`` names what was read.
        """
        raw = self._program[self.at : self.at + count]
        if len(raw) != count:
            raise MalformedBytes(
                PROGRAM, len(self._program), f"cut inside {what}: expected {count} bytes from {self.at} on, found {len(raw)}"
            )
        self.at += count
        return raw

    def byte(self, what: str) -> int:
        """Return the next byte as a number."""
        return self.take(1, what)[0]

    def number(self, what: str) -> int:
        """Return the next number, whose length stands before it."""
        start, length = self.at, self.byte(what)
        if length > 32:
            raise MalformedBytes(PROGRAM, start, f"expected a {what} of at most 32 bytes, found {length}")
        raw = self.take(length, what)
        if raw[:1] == b"\0":
            raise MalformedBytes(PROGRAM, start + 1, f"{what} has a leading zero")
        return int.from_bytes(raw, "big")

    def positive(self, what: str) -> int:
        """Return the next number, which is not 0."""
        start, value = self.at, self.number(what)
        if not value:
            raise MalformedBytes(PROGRAM, start, f"expected a {what} above 0")
        return value

    def name(self) -> str:
        """Return the next name."""
        start, length = self.at, self.byte("name")
        text = self.take(length, "name").decode("latin-1")
        if not NAME.fullmatch(text):
            raise MalformedBytes(PROGRAM, start, f"{text!r} is no provider's name")
        return text

    def read_addresses(self) -> None:
        """Read the table of addresses."""
        count, start = self.byte("count of addresses"), self.at
        self._addresses = tuple("0x" + self.take(20, "address").hex() for _ in range(count))
        for place, address in enumerate(self._addresses):
            if address in self._addresses[:place]:
                raise MalformedBytes(PROGRAM, start + 20 * place, f"address {address} stands there twice")

    def address(self, what: str) -> str:
        """Return the address whose place comes next; new ones come in the order of the table."""
        start, place = self.at, self.byte(what)
        if place > self._used or place >= len(self._addresses):
            known = min(self._used + 1, len(self._addresses))
            raise MalformedBytes(PROGRAM, start, f"expected one of the first {known} addresses as {what}, found number {place}")
        self._used = max(self._used, place + 1)
        return self._addresses[place]

    def token(self, what: str) -> str:
        """Return the next address, which is a token of the plan."""
        found = self.address(what)
        self._tokens.add(found)
        return found

    def callee(self, what: str) -> str:
        """Return the next address, which no token of the plan may have."""
        self._callees.append((self.at, self.address(what)))
        return self._callees[-1][1]

    def finish(self) -> None:
        """Check that the program ends here, has used all its addresses, and calls no token of its own."""
        if self.at != len(self._program):
            raise MalformedBytes(PROGRAM, self.at, f"expected the end, found {len(self._program) - self.at} bytes more")
        if self._used != len(self._addresses):
            raise MalformedBytes(PROGRAM, self.at, f"expected {self._used} addresses, found {len(self._addresses) - self._used} unused")
        for at, address in self._callees:
            if address in self._tokens:
                raise MalformedBytes(PROGRAM, at, f"{address} is a token of the plan: it may not be called, nor take others by allowance")
