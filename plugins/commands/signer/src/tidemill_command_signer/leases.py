"""Whom each account signs for: one connection at a time, by a number that only grows."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from tidemill.errors import SignerError, SignerRefused
from tidemill_command_signer.keystore.files import read_private, write_private

FILE: Final = "leases.json"
_LONGEST: Final = 1 << 20
_FORMAT: Final = 1


@frozen
class _Holder:
    connection: int
    owner: str
    token: int


class Leases:
    """The newest number of each account is on disk before anybody gets it, so that an old one is known as such after a restart too."""

    def __init__(self, folder: Path, known: Mapping[str, int]) -> None:
        """Read what was given out before.

        Args:
            folder: the keystore.
            known: what the audit trail tells of it; the higher number of each account counts.

        Raises:
            SignerError: the file cannot be read, or is damaged.
        """
        self._path = folder / FILE
        self._tokens = dict(known)
        for account, token in _read(self._path).items():
            self._tokens[account] = max(token, self._tokens.get(account, 0))
        self._held: dict[str, _Holder] = {}

    def take(self, account: str, owner: str, connection: int) -> int:
        """Return a new number for an account, from now on the only one that counts.

        Raises:
            SignerRefused: another connection holds the account. SignerError: the number cannot be kept.
        """
        held = self._held.get(account)
        if held is not None and held.connection != connection:
            raise SignerRefused("lease", f"{account} signs for {held.owner!r} until that connection closes")
        token = self._tokens.get(account, 0) + 1
        tokens = {**self._tokens, account: token}
        content = {"version": _FORMAT, "tokens": {name: tokens[name] for name in sorted(tokens)}}
        write_private(self._path, f"{json.dumps(content, separators=(',', ':'))}\n".encode())
        self._tokens = tokens
        self._held[account] = _Holder(connection, owner, token)
        return token

    def owner(self, account: str, token: int, connection: int) -> str:
        """Return for whom an account signs.

        Raises:
            SignerRefused: not for this connection, or not by this number.
        """
        held = self._held.get(account)
        if held is None:
            raise SignerRefused("lease", f"nobody holds {account}: ask for a lease first")
        if held.connection != connection:
            raise SignerRefused("lease", f"{account} signs for {held.owner!r} until that connection closes")
        if held.token != token:
            raise SignerRefused("lease", f"lease {token} of {account} is over, {held.token} is the newest")
        return held.owner

    def release(self, connection: int) -> tuple[str, ...]:
        """Give free what a connection held, and return it."""
        freed = tuple(account for account, held in self._held.items() if held.connection == connection)
        for account in freed:
            del self._held[account]
        return freed


def _read(path: Path) -> Mapping[str, int]:
    try:
        raw = read_private(path, _LONGEST)
    except FileNotFoundError:
        return {}
    try:
        found = json.loads(raw)
        tokens = {str(account): token for account, token in found["tokens"].items()}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path) from error
    if found.get("version") != _FORMAT or not all(type(token) is int and token >= 0 for token in tokens.values()):
        raise _damaged(path)
    return tokens


def _damaged(path: Path) -> SignerError:
    return SignerError(f"{path} is damaged: remove it, the audit trail knows the newest leases as well")
