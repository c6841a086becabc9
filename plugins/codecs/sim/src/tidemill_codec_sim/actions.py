"""What a call of the simulated chain does, as far as its bytes say so."""

from tidemill.domain.ids import AssetId, erc20
from tidemill.domain.signing import Action
from tidemill_evm.executor import SELECTOR, decode_flow
from tidemill_simworld import CHAIN, EXECUTOR
from tidemill_simworld.envelope import decode_call


def actions_of(call: bytes) -> tuple[Action, ...]:
    """Return the one action of a call, or none of an empty call, which only takes its slot.

    What it spends are its funds: the executor holds nothing but them and what its program brings in, and gives back what is left, so that
    the account cannot lose more.

    Raises:
        MalformedBytes: it is no call, or its program is not the one encoding of a plan.
    """
    found = decode_call(call)
    if found.is_empty:
        return ()
    decode_flow(found.program)
    spends: dict[AssetId, int] = {}
    for token, amount in found.funds:
        asset = erc20(CHAIN, token)
        spends[asset] = spends.get(asset, 0) + amount
    return (Action(EXECUTOR, f"0x{SELECTOR.hex()}", 0, tuple(sorted(spends.items()))),)
