"""What was revealed in this process, and texts without it."""

REDACTED = "[redacted]"
SHORTEST = 4
"""Shorter secrets are left in: they stand in any text by chance, and taking them out would spoil it without hiding them."""

_revealed: set[str] = set()


def remember_secret(secret: str) -> None:
    """Note a secret that code now knows: from here on it must reach no output."""
    _revealed.add(secret)


def revealed() -> tuple[str, ...]:
    """Return every secret that was revealed in this process, longest first."""
    return tuple(sorted(_revealed, key=lambda text: (-len(text), text)))


def without_secrets(text: str) -> str:
    """Return a text with every secret that was revealed in this process taken out."""
    for secret in revealed():
        if len(secret) >= SHORTEST:
            text = text.replace(secret, REDACTED)
    return text
