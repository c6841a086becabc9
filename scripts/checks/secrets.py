"""No key lies in the tree: nothing that looks like a private key, a mnemonic or an access token."""

import re
from pathlib import Path

from scripts.checks.report import Finding, Report, files, text_of

PATTERNS = {
    "private key block": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "private key in hex": re.compile(
        r"(?i)(?:priv(?:ate)?[_ -]?key|secret|sign(?:er|ing)[_ -]?key|wallet[_ -]?key)"
        r"[^\n]{0,40}?\b(?:0x)?[0-9a-f]{64}\b"
    ),
    "keypair in base58": re.compile(r"(?i)(?:key|secret|wallet)[^\n]{0,40}?[\"'][1-9A-HJ-NP-Za-km-z]{86,88}[\"']"),
    "keypair as bytes": re.compile(r"\[\s*(?:\d{1,3}\s*,\s*){63}\d{1,3}\s*\]"),
    "mnemonic": re.compile(r"(?i)(?:mnemonic|seed[_ ]phrase)\W{1,8}(?:[a-z]{3,8} ){11}[a-z]{3,8}"),
    "access token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16}|xox[abp]-[A-Za-z0-9-]{20,})\b"),
}
# Published with development nodes, known to everybody, never funded: the only keys that tests may use
PUBLISHED = (
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",  # first account of Anvil and Hardhat
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",  # their second
)


def keys(text: str) -> list[tuple[int, str]]:
    """Gives line and kind of everything in a text that looks like a key, published test keys apart."""
    return sorted(
        (text.count("\n", 0, match.start()) + 1, kind)
        for kind, pattern in PATTERNS.items()
        for match in pattern.finditer(text)
        if not any(key in match.group() for key in PUBLISHED)
    )


def check(root: Path) -> Report:
    """Reads every text file of the tree; never prints what it found, only where."""
    found, seen = [], 0
    remedy = "remove it, and if it ever held money or access, rotate it: history keeps it"
    for path in files(root, "**"):
        text = text_of(path)
        if text is None:
            continue
        seen += 1
        place = path.relative_to(root).as_posix()
        found += [Finding(f"{place}:{line}", f"looks like a {kind}", remedy) for line, kind in keys(text)]
    return Report(seen, found)
