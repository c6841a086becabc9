"""The codec: payloads of EIP-1559 as a policy judges them, and their signatures."""

import re
from typing import ClassVar

from tidemill import ChainId, Codec, Opened, Reading, Unreadable, UsageError
from tidemill.domain.signing import Scheme
from tidemill.errors import DecodeError
from tidemill_codec_evm.calls import action_of
from tidemill_evm.address import address_bytes
from tidemill_evm.errors import EncodeError
from tidemill_evm.keccak import keccak256
from tidemill_evm.secp256k1 import address_of_key, signer_of
from tidemill_evm.transactions import SENDER, add_signature, decode_payload, split_signature

_CHAIN = re.compile(r"eip155:([1-9][0-9]{0,31})")
_LONGEST = 200


class EvmCodec(Codec):
    """Reads what ``tidemill_evm.transactions`` says a payload is: the sender, and behind it a transaction of EIP-1559."""

    name: ClassVar[str] = "evm"
    namespace: ClassVar[str] = "eip155"

    def read(self, chain: ChainId, payload: bytes) -> Reading | Unreadable:
        number = _CHAIN.fullmatch(chain)
        if number is None:
            return Unreadable(f"expected a chain eip155:<number>, found {chain!r:.60}")
        try:
            sender, transaction = decode_payload(payload)
            if transaction.chain_id != int(number[1]):
                return Unreadable(f"expected a transaction of chain {number[1]}, found one of chain {transaction.chain_id}"[:_LONGEST])
            action = action_of(chain, sender, transaction)
        except DecodeError as error:
            return Unreadable(str(error)[:_LONGEST])
        return Reading(chain, sender, "secp256k1", f"nonce:{transaction.nonce}", (action,), transaction.most_cost)

    def message(self, payload: bytes) -> bytes:
        return keccak256(payload[SENDER:])

    def join(self, payload: bytes, signature: bytes) -> bytes:
        return add_signature(payload[SENDER:], signature)

    def open(self, chain: ChainId, raw: bytes) -> Opened | Unreadable:
        try:
            unsigned, signature = split_signature(raw)
            signer = signer_of(keccak256(unsigned), signature)
        except DecodeError as error:
            return Unreadable(str(error)[:_LONGEST])
        payload = address_bytes(signer) + unsigned
        found = self.read(chain, payload)
        return found if isinstance(found, Unreadable) else Opened(payload, signer, f"0x{keccak256(raw).hex()}")

    def account(self, scheme: Scheme, public_key: bytes) -> str:
        if scheme != "secp256k1":
            raise UsageError(f"accounts of EVM chains sign with secp256k1, not with {scheme}")
        try:
            return address_of_key(public_key)
        except EncodeError as error:
            raise UsageError(str(error)) from error
