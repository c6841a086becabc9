"""What a run sees of its signer; apart from the client, so that who only reads a status loads nothing else."""

from typing import Literal

from attrs import frozen


@frozen
class SignerStatus:
    """Whether a signer answers at its socket, for how many seconds it has not (as far as the run noticed), and why not.

    ``unfit``: it answers and signs nothing for this run, because it came back as another one. ``lost``: another run has got our accounts,
    and this one signs nothing any more.
    """

    socket: str
    state: Literal["there", "gone", "unfit", "lost"]
    silent_s: int = 0
    reason: str = ""
