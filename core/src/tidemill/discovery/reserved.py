"""The commands that ``tidemill`` has itself: a plugin's command may not be called like one of them."""

RESERVED_COMMANDS = frozenset({
    "check",
    "config",
    "doctor",
    "explain",
    "exposure",
    "ledger",
    "new",
    "pause",
    "plugins",
    "positions",
    "quote",
    "reconcile",
    "replay",
    "resume",
    "run",
    "scan",
    "status",
    "stop",
    "tape",
    "warmup",
    "why",
})  # fmt: skip
"""Equal to the table of the command line, which a test holds: what decides about plugins may not import the command line."""


def command_name(name: str) -> str:
    """Return how a command plugin's command is typed: underscores of the entry point's name are dashes."""
    return name.replace("_", "-")


def clash(name: str) -> str:
    """Return why a plugin's command may not be typed like this, or "" where tidemill has none of that name itself."""
    return f"tidemill has a command {name} of its own: this one needs another name" if name in RESERVED_COMMANDS else ""
