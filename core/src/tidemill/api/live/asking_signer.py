"""What a signer and its keystore must be before real money moves. Nothing is leased, nothing is signed."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tidemill.api.signing import SigningSetup
from tidemill.domain.finding import Finding
from tidemill.domain.ids import normal_address
from tidemill.errors import SignerError
from tidemill.pipeline.assemble import Pipeline
from tidemill.signing.client import SignerClient
from tidemill.signing.protocol import Hello

_FOLDER, _FILE = 0o700, 0o600


async def greeting(setup: SigningSetup) -> Hello | SignerError:
    """Return what the signer says of itself, or why nobody knows."""
    try:
        async with SignerClient(setup.socket, setup.codecs) as client:
            return await client.hello()
    except SignerError as error:
        return error


def keystore_findings(setup: SigningSetup) -> Iterator[Finding]:
    """Say who else than their owner can look at the keys."""
    open_to = [_open_to(setup.keystore, _FOLDER)]
    try:
        names = sorted(path for path in setup.keystore.iterdir() if path.suffix in (".json", ".log", ".head"))
    except OSError:
        names = []
    open_to += [_open_to(path, _FILE) for path in names]
    found = [finding for finding in open_to if finding is not None]
    yield from found or [Finding("keystore", "ok", f"{setup.keystore}, its owner's alone")]


def _open_to(path: Path, mode: int) -> Finding | None:
    try:
        found = path.stat(follow_symlinks=False)
    except OSError as error:
        remedy = "`tidemill keys add NAME --scheme …` makes a keystore, [signer] keystore names another"
        return Finding("keystore", "error", f"{path} cannot be looked at: {error.strerror}", remedy)
    if found.st_uid != os.geteuid():
        return Finding("keystore", "error", f"{path} belongs to user {found.st_uid}, and you are user {os.geteuid()}", "run as its owner")
    if stat.S_IMODE(found.st_mode) & ~mode:
        said = f"others may use {path} (mode {stat.S_IMODE(found.st_mode):04o})"
        return Finding("keystore", "error", said, f"chmod {mode:o} {path}, and rotate the keys that they may have read")
    return None


def signer_findings(pipeline: Pipeline, setup: SigningSetup, hello: Hello | SignerError) -> Iterator[Finding]:
    """Say what of a signer stands in the way."""
    if isinstance(hello, SignerError):
        yield Finding("signer", "error", str(hello), "look at socket in [signer] where one runs already")
        return
    again = f"start the signer again (process {hello.process})"
    found = list(_differences(pipeline, setup, hello, again))
    if hello.policy != setup.policy.digest and not found:
        said = f"the signer enforces policy {hello.policy}, the configuration says {setup.policy.digest}"
        found.append(Finding("signer", "error", said, f"{again}: it reads its policy at its start alone; or give it the same file"))
    yield from found or [Finding("signer", "ok", f"process {hello.process} at {setup.socket}, live, policy {hello.policy}")]


def _differences(pipeline: Pipeline, setup: SigningSetup, hello: Hello, again: str) -> Iterator[Finding]:
    if not hello.live:
        said = f"the signer at {setup.socket} has its own switch off"
        yield Finding("signer", "error", said, f"set live = true in [signer], and {again}")
    addresses = {normal_address(address) for _, address in hello.accounts}
    for chain in pipeline.chains:
        if chain not in hello.chains:
            said = f"the signer signs nothing on {chain}"
            yield Finding("signer", "error", said, f'add [signer.chains."{chain}"], and {again}')
    for book in pipeline.books:
        for chain, account in book.accounts.items():
            if chain in pipeline.chains and account not in addresses:
                said = f"the signer has no key of {account}, which book {book.id} pays from on {chain}"
                yield Finding(
                    "signer", "error", said, f"`tidemill keys list` shows them; name one in [signer], or its address in [books.{book.id}]"
                )
