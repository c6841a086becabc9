"""The codec: messages of Solana as a policy judges them, and their signatures."""

import re
from typing import ClassVar

from tidemill import ChainId, Codec, Opened, Reading, Unreadable, UsageError
from tidemill.domain.signing import Scheme
from tidemill_codec_solana.base58 import base58
from tidemill_codec_solana.errors import MalformedMessage
from tidemill_codec_solana.fees import max_fee
from tidemill_codec_solana.message import KEY, LONGEST, SIGNATURE, read_message, split_signature
from tidemill_codec_solana.programs import action_of

_CHAIN = re.compile(r"solana:[1-9A-HJ-NP-Za-km-z]{32}")


class SolanaCodec(Codec):
    """Reads messages of one required signature; they do not name their chain, so that every ``solana:…`` reads them alike."""

    name: ClassVar[str] = "solana"
    namespace: ClassVar[str] = "solana"

    def read(self, chain: ChainId, payload: bytes) -> Reading | Unreadable:
        if not _CHAIN.fullmatch(chain):
            return Unreadable(f"expected a chain solana:<32 characters of the genesis hash>, found {chain!r:.60}")
        if len(payload) > LONGEST - SIGNATURE - 1:
            return Unreadable(f"expected a message of at most {LONGEST - SIGNATURE - 1} bytes, found {len(payload)}")
        try:
            message = read_message(payload)
            actions = tuple(action_of(chain, instruction) for instruction in message.instructions)
            fee = max_fee(message.instructions)
        except MalformedMessage as error:
            return Unreadable(str(error))
        return Reading(chain, message.payer, "ed25519", f"blockhash:{message.blockhash}", actions, fee)

    def message(self, payload: bytes) -> bytes:
        return payload

    def join(self, payload: bytes, signature: bytes) -> bytes:
        return b"\1" + signature + payload

    def open(self, chain: ChainId, raw: bytes) -> Opened | Unreadable:
        try:
            payload, signature = split_signature(raw)
        except MalformedMessage as error:
            return Unreadable(str(error))
        found = self.read(chain, payload)
        if isinstance(found, Unreadable):
            return found
        if not _holds(read_message(payload).payer_key, signature, payload):
            return Unreadable(f"the signature is not that of {found.account}")
        return Opened(payload, found.account, base58(signature))

    def account(self, scheme: Scheme, public_key: bytes) -> str:
        if scheme != "ed25519" or len(public_key) != KEY:
            raise UsageError(f"accounts of Solana are ed25519 keys of {KEY} bytes, found {len(public_key)} of {scheme}")
        return base58(public_key)


def _holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ModuleNotFoundError as error:
        raise UsageError("checking signatures needs cryptography, which is not installed: pip install cryptography") from error
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True
