"""What passes between the pure half of a chain, the signer and the I/O half."""

from typing import Literal

from attrs import field, frozen

from tidemill.domain.ids import AssetId, ChainId, PlanId


@frozen
class Wallet:
    """Public addresses of one book on one chain; never a key.

    ``owner`` signs, ``executor`` is the contract that acts for it where the chain uses one, ``accounts`` are further named addresses
    (token accounts) as sorted pairs.
    """

    chain: ChainId
    owner: str
    executor: str = ""
    accounts: tuple[tuple[str, str], ...] = ()


@frozen
class TxRef:
    """Names a transaction on its chain: its hash or signature."""

    chain: ChainId
    tx: str


@frozen
class Unsigned:
    """A composed plan: the bytes to sign, the most compute it may use and the height after which it is void.

    ``compute_limit`` is gas or compute units and ``compute`` what is expected of it: some chains charge for what was used, some for the
    limit. ``digest`` names the content for people and logs.
    """

    plan: PlanId
    chain: ChainId
    payload: bytes
    compute_limit: int
    expires: int
    digest: str = ""
    compute: int = 0


@frozen
class Signed:
    """Signed bytes, ready for broadcast; the same bytes may go out more than once."""

    plan: PlanId
    ref: TxRef
    raw: bytes = field(repr=False)


@frozen
class Simulated:
    """A chain's answer to a dry run: balance changes in base units (sorted by asset) and compute used, or why it failed."""

    ok: bool
    changes: tuple[tuple[AssetId, int], ...] = ()
    compute: int = 0
    reason: str = ""


@frozen
class Refused:
    """Proof that nothing happened: a simulation, the signer, the node or the venue said no."""

    by: Literal["simulation", "signer", "node", "venue"]
    reason: str
