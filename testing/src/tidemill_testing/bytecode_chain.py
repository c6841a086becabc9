"""An Ethereum virtual machine in this process, for tests that compare with real contracts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from eth_abi.abi import decode, encode
from eth_abi.grammar import parse
from pyrevm import EVM, AccountInfo, BlockEnv

from tidemill_testing.bytecode_npm import creation_code

OWNER: Final = "0x" + "a1" * 20
"""The account that deploys and calls unless another sender is named; it has no code."""

_HASHER: Final = "0x" + "fe" * 20
# calldatacopy(0, 0, calldatasize); return(keccak256(0, calldatasize)): the hash comes from the machine itself.
_HASHER_CODE: Final = bytes.fromhex("3660006000373660002060005260206000f3")
_ERROR_STRING: Final = bytes.fromhex("08c379a0")
# CamelCase matters: pyrevm takes a name it does not know, "SHANGHAI" among them, for the latest rules.
_RULES: Final = "Shanghai"


class Reverted(RuntimeError):
    """A call reverted or ran out of gas; the state is as before it.

    Attributes:
        reason: the contract's message, such as ``UniswapV2: K`` or ``SPL``; otherwise the machine's own words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the contract reverted: {reason}")
        self.reason = reason


@frozen
class Log:
    """One event as the contract emitted it: its address in lower case, its topics and its data."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes


class Chain:
    """A chain without blocks: every call executes at once on the state that the call before it left.

    Gas is not that of a real chain, since storage stays warm from call to call.

    Attributes:
        node_modules: the npm packages that ``deploy`` takes contracts from.
        logs: events of the last call.
        gas_used: gas of the last call.
    """

    def __init__(self, node_modules: Path, timestamp: int = 1_700_000_000) -> None:
        self.node_modules = node_modules
        self.logs: tuple[Log, ...] = ()
        self.gas_used = 0
        self._evm = EVM(spec_id=_RULES)
        self._selectors: dict[str, bytes] = {}
        self._undo: list[tuple[str, int, int]] = []
        self._nested = 0
        self._evm.set_balance(OWNER, 1 << 128)
        self.put_code(_HASHER, _HASHER_CODE)
        self.set_time(timestamp)

    def set_time(self, timestamp: int) -> None:
        """Set the unix time that following calls see as ``block.timestamp``."""
        self.timestamp = timestamp
        self._evm.set_block_env(BlockEnv(number=1, timestamp=timestamp))

    def deploy(self, package: str, contract: str, types: Sequence[str] = (), arguments: Sequence[Any] = ()) -> str:
        """Deploy a contract of an npm package and return its address, in lower case.

        Args:
            package: such as ``@uniswap/v3-core``.
            contract: name of the contract.
            types: ABI types of the constructor.
            arguments: values of the constructor.
        """
        code = creation_code(self.node_modules, package, contract) + encode(types, arguments)
        return self._evm.deploy(OWNER, code).lower()

    def put_code(self, address: str, code: bytes) -> None:
        """Put runtime code at an address, without a constructor."""
        self._evm.insert_account_info(address, AccountInfo(code=code))

    def call(
        self,
        to: str,
        signature: str,
        arguments: Sequence[Any] = (),
        returns: Sequence[str] = (),
        sender: str = OWNER,
    ) -> tuple[Any, ...]:
        """Call a function and return its decoded results; its events are then in ``logs``.

        Args:
            to: address of the contract.
            signature: as in the ABI, such as ``transfer(address,uint256)``; a struct is its types in parentheses.
            arguments: one value a parameter.
            returns: ABI types of the results to decode.
            sender: an account without code.

        Raises:
            Reverted: the call failed; the state is unchanged.
        """
        return decode(returns, self.send(to, self.calldata(signature, arguments), sender))

    def calldata(self, signature: str, arguments: Sequence[Any] = ()) -> bytes:
        """Return the bytes of a call: selector and encoded arguments."""
        return self._selector(signature) + encode(_parameter_types(signature), arguments)

    def send(self, to: str, calldata: bytes, sender: str = OWNER) -> bytes:
        """Call a contract with ready bytes and return what it returns; its events are then in ``logs``.

        Raises:
            Reverted: the call failed; the state is unchanged.
        """
        self.logs = ()
        try:
            returned = bytes(self._evm.message_call(sender, to, calldata=calldata))
        except RuntimeError as error:
            raise Reverted(_reason(str(error))) from error
        result = self._evm.result
        assert result is not None, "a call that returned has a result"
        self.gas_used = result.gas_used
        self.logs = tuple(_log(entry) for entry in result.logs)
        return returned

    def keccak(self, preimage: bytes) -> bytes:
        """Return the keccak-256 hash of ``preimage``; leaves ``logs`` alone."""
        return bytes(self._evm.message_call(OWNER, _HASHER, calldata=preimage))

    def mapping_slot(self, key: int, base: int) -> int:
        """Return the storage slot of ``key`` in the mapping at slot ``base``; a negative key is sign-extended."""
        words = (key % (1 << 256)).to_bytes(32, "big") + base.to_bytes(32, "big")
        return int.from_bytes(self.keccak(words), "big")

    def storage(self, address: str, slot: int) -> int:
        """Return the storage word of a contract, as the chain keeps it."""
        return self._evm.storage(address, slot)

    def set_storage(self, address: str, slot: int, word: int) -> None:
        """Overwrite a storage word of a contract."""
        if self._nested:
            self._undo.append((address, slot, self._evm.storage(address, slot)))
        self._evm.insert_account_storage(address, slot, word)

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Undo all calls and storage writes of the block at its end; may be nested."""
        checkpoint, written = self._evm.snapshot(), len(self._undo)
        self._nested += 1
        try:
            yield
        finally:
            self._nested -= 1
            self._evm.revert(checkpoint)
            # A slot the machine had not touched is written beneath its journal, where reverting does not reach.
            for address, slot, word in reversed(self._undo[written:]):
                self._evm.insert_account_storage(address, slot, word)
            del self._undo[written:]

    def _selector(self, signature: str) -> bytes:
        selector = self._selectors.get(signature)
        if selector is None:
            selector = self._selectors[signature] = self.keccak(signature.encode())[:4]
        return selector


def _parameter_types(signature: str) -> list[str]:
    _, _, listed = signature.partition("(")
    return [each.to_type_str() for each in parse(f"({listed}").components] if listed != ")" else []


def _log(entry: Any) -> Log:
    topics, payload = entry.data
    return Log(entry.address.lower(), tuple(bytes(topic) for topic in topics), bytes(payload))


def _reason(text: str) -> str:
    _, marker, output = text.partition("output: 0x")
    returned = bytes.fromhex(output.rstrip(" }")) if marker else b""
    if returned[:4] == _ERROR_STRING:
        return str(decode(["string"], returned[4:])[0])
    return text
