"""What a transaction does to the account that signs it, as far as its bytes say so."""

from collections.abc import Sequence
from typing import Final

from tidemill.domain.ids import AssetId, ChainId, erc20
from tidemill.domain.signing import Action
from tidemill_codec_evm.program import inputs_of
from tidemill_evm.abi import decode_call, selector
from tidemill_evm.errors import MalformedBytes
from tidemill_evm.executor import SELECTOR, decode_flow
from tidemill_evm.transactions import Transaction

Spends = tuple[tuple[AssetId, int], ...]

_SELECTOR_SIZE: Final = 4
_WHAT: Final = "call"
_AMOUNT_SECOND: Final = ("transfer(address,uint256)", "approve(address,uint256)", "increaseAllowance(address,uint256)")
_TRANSFER_FROM: Final = "transferFrom(address,address,uint256)"
_TOKEN_CALLS: Final = {selector(signature): signature for signature in (*_AMOUNT_SECOND, _TRANSFER_FROM)}


def action_of(chain: ChainId, sender: str, transaction: Transaction) -> Action:
    """Return the one call of a transaction.

    Raises:
        MalformedBytes: it makes a contract, its calldata is shorter than a selector, or it calls a function of ERC-20 or a program of the
            executor with other bytes than the one encoding of its arguments.
    """
    target, calldata = transaction.to, transaction.calldata
    if not target:
        raise MalformedBytes(_WHAT, 0, "it makes a contract: expected the address of one that is there")
    if not calldata:
        return Action(target, "", transaction.value)
    method = calldata[:_SELECTOR_SIZE]
    if len(method) < _SELECTOR_SIZE:
        raise MalformedBytes(_WHAT, 0, f"expected no calldata or a selector of {_SELECTOR_SIZE} bytes, found {len(method)}")
    return Action(target, f"0x{method.hex()}", transaction.value, _spends(chain, sender, target, calldata))


def _spends(chain: ChainId, sender: str, target: str, calldata: bytes) -> Spends:
    method = calldata[:_SELECTOR_SIZE]
    if method == SELECTOR:
        return tuple((erc20(chain, token), amount) for token, amount in inputs_of(decode_flow(calldata)))
    signature = _TOKEN_CALLS.get(method)
    if signature is None:
        return ()
    values: Sequence[object] = decode_call(signature, calldata)
    if signature == _TRANSFER_FROM and values[0] != sender:
        return ()
    amount = values[-1]
    assert isinstance(amount, int)  # noqa: S101 the last argument of each of them is a uint256
    return ((erc20(chain, target), amount),) if amount else ()
