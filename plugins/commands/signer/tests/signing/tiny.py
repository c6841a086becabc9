"""A codec of the namespace ``tiny``: transactions are JSON, real signatures of both schemes are checked."""

import hashlib
import json
from collections.abc import Sequence

from coincurve import PublicKey
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tidemill import hookimpl
from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.signing import Action, Opened, Reading, Scheme, Unreadable
from tidemill.hookspecs.codec import Codec


class Tiny(Codec):
    """Reads what the tests write."""

    name = "tiny"
    namespace = "tiny"

    def read(self, chain: ChainId, payload: bytes) -> Reading | Unreadable:
        if payload == b"crash":
            raise ZeroDivisionError("a fault of the codec")
        try:
            found = json.loads(payload)
            actions = tuple(
                Action(one["target"], one["method"], one["value"], tuple((AssetId(asset), amount) for asset, amount in one["spends"]))
                for one in found["actions"]
            )
        except (ValueError, KeyError) as error:
            return Unreadable(f"no transaction: {type(error).__name__}")
        return Reading(ChainId(found["chain"]), found["account"], found["scheme"], found["slot"], actions, found["fee"])

    def message(self, payload: bytes) -> bytes:
        scheme = json.loads(payload)["scheme"]
        return hashlib.sha256(payload).digest() if scheme == "secp256k1" else payload

    def join(self, payload: bytes, signature: bytes) -> bytes:
        return len(signature).to_bytes(1, "big") + signature + payload

    def open(self, chain: ChainId, raw: bytes) -> Opened | Unreadable:
        signature, payload = raw[1 : 1 + raw[0]], raw[1 + raw[0] :]
        found = json.loads(payload)
        if found["scheme"] == "secp256k1":
            public = PublicKey.from_signature_and_message(signature, self.message(payload), hasher=None).format(compressed=False)[1:]
            account = self.account("secp256k1", public)
        else:
            account = found["account"]
            try:
                Ed25519PublicKey.from_public_bytes(bytes.fromhex(account[2:])).verify(signature, payload)
            except InvalidSignature:
                return Unreadable("the signature is another's")
        return Opened(payload, account, hashlib.sha256(raw).hexdigest())

    def account(self, scheme: Scheme, public_key: bytes) -> str:
        return f"0x{hashlib.sha256(public_key).hexdigest()[:40]}" if scheme == "secp256k1" else f"ed{public_key.hex()}"


@hookimpl
def tidemill_register_codecs() -> Sequence[type[Codec]]:
    """Register the codec."""
    return (Tiny,)
