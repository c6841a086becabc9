"""What bytes that wait for a signature would do, as a policy can judge it."""

from typing import Literal

from attrs import field, frozen

from tidemill.domain.ids import AssetId, ChainId

Scheme = Literal["secp256k1", "ed25519"]
"""How a chain family signs: secp256k1 gives 65 bytes (r, s, recovery 0 or 1; low s), ed25519 gives 64."""


@frozen
class Action:
    """One call of a transaction.

    ``target`` is the contract or program, as the chain spells it; ``method`` is what is called there (``0x`` and the four bytes of a
    selector, the first bytes of an instruction, "" for a bare transfer), as a policy names it. ``value`` is the native coins that it hands
    over, ``spends`` the most of other assets that it takes from the account, as far as the bytes say so.
    """

    target: str
    method: str = ""
    value: int = 0
    spends: tuple[tuple[AssetId, int], ...] = ()


@frozen
class Reading:
    """Bytes that a codec understood whole.

    ``account`` is the one address that must sign. ``slot`` is what lets the transaction happen once: ``nonce:<number>`` or
    ``blockhash:<hash>``. ``max_fee`` is the most that inclusion can cost, native base units, ``value`` of the actions left out.
    """

    chain: ChainId
    account: str
    scheme: Scheme
    slot: str
    actions: tuple[Action, ...]
    max_fee: int

    @property
    def value(self) -> int:
        """Native coins that all actions hand over."""
        return sum(action.value for action in self.actions)


@frozen
class Unreadable:
    """Bytes that a codec cannot read, or not to their end: what was expected, what was found. Nobody signs them."""

    reason: str


@frozen
class Opened:
    """Signed bytes taken apart: the payload that was signed, by whom, and the name of the transaction.

    The signature was checked: ``account`` has signed ``payload``.
    """

    payload: bytes = field(repr=False)
    account: str
    tx: str
