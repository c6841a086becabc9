"""What is known of a key without its passphrase, and which names keys may have."""

import re
from typing import Final, Literal, get_args

from attrs import frozen

from tidemill.domain.signing import Scheme
from tidemill.errors import UsageError

Role = Literal["signing", "retired"]
"""A retired key was rotated out: it signs nothing more, and is kept until it is removed."""

SCHEMES: Final[tuple[Scheme, ...]] = get_args(Scheme)
ROLES: Final[tuple[Role, ...]] = get_args(Role)
PUBLIC_LENGTHS: Final = {"secp256k1": 64, "ed25519": 32}
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
FILE_NAME: Final = re.compile(rf"{NAME.pattern}(?:\.old-[1-9][0-9]{{0,8}})?")
OTHER_FILES: Final = frozenset({"leases"})
"""Names of what else lies in a keystore as ``<name>.json``."""


@frozen
class KeyFacts:
    """What stands in a key's file in the open, bound to the key: none of it can be changed without being noticed.

    ``public_key`` is 64 bytes (x, y) for secp256k1, 32 for ed25519. ``created`` is UTC, ISO 8601. ``version`` counts the keys of one
    name, from 1; after a rotation the new key has the name and the next version, the old one ``<name>.old-<its version>``.
    """

    name: str
    scheme: Scheme
    public_key: bytes
    created: str
    role: Role
    version: int


def check_name(name: str) -> str:
    """Return a name that a new key may have.

    Raises:
        UsageError: it is none.
    """
    if not NAME.fullmatch(name) or name in OTHER_FILES:
        taken = " and not leases" if name in OTHER_FILES else ""
        raise UsageError(
            f"a key cannot be called {name!r}: expected 1 to 48 lower case letters, digits, - or _, a letter or digit first{taken}"
        )
    return name


def retired_name(facts: KeyFacts) -> str:
    """Return the name under which a key is kept once another has taken its place."""
    return f"{facts.name}.old-{facts.version}"
