"""ERC-20 tokens: balances in storage, and transfers."""

from attrs import frozen

from tidemill.domain.ids import Key
from tidemill_evm.logs import Event, event
from tidemill_evm.storage import mapping_slot, storage_key


def balance_key(token: str, owner: str, balances_slot: int) -> Key:
    """Return the key of an owner's balance, a word in base units.

    ``balances_slot`` is where that token keeps its mapping of balances: it differs from token to token (0 in OpenZeppelin's, 9 in
    USDC, 3 in WETH9), so that whoever reads must know it.
    """
    return storage_key(token, mapping_slot(int(owner, 16), balances_slot))


@event("Transfer(address indexed from, address indexed to, uint256 value)")
@frozen
class Transfer(Event):
    """``value`` base units moved."""

    sender: str
    recipient: str
    value: int
