"""The codec: sealed transactions of the simulated chain as a policy judges them."""

from typing import ClassVar

from tidemill import ChainId, Codec, Opened, Reading, Unreadable, UsageError
from tidemill.domain.signing import Action, Scheme
from tidemill.errors import DecodeError
from tidemill_codec_sim.actions import actions_of
from tidemill_simworld.envelope import account_of_key, join, message_of, open_signed, read_sealed

_LONGEST = 200
_PUBLIC_SIZES = {"secp256k1": 64, "ed25519": 32}


class SimCodec(Codec):
    """Reads the two forms of ``tidemill_simworld.envelope``, of ``evm`` and of ``svm`` accounts."""

    name: ClassVar[str] = "sim"
    namespace: ClassVar[str] = "sim"

    def read(self, chain: ChainId, payload: bytes) -> Reading | Unreadable:
        try:
            sealed = read_sealed(payload)
            actions: tuple[Action, ...] = actions_of(sealed.call)
        except DecodeError as error:
            return Unreadable(str(error)[:_LONGEST])
        if sealed.chain != chain:
            return Unreadable(f"expected a transaction of {chain:.60}, found one of {sealed.chain}")
        return Reading(chain, sealed.account, sealed.scheme, sealed.slot, actions, sealed.most_cost)

    def message(self, payload: bytes) -> bytes:
        return message_of(payload)

    def join(self, payload: bytes, signature: bytes) -> bytes:
        return join(payload, signature)

    def open(self, chain: ChainId, raw: bytes) -> Opened | Unreadable:
        try:
            signed = open_signed(raw)
        except DecodeError as error:
            return Unreadable(str(error)[:_LONGEST])
        found = self.read(chain, signed.payload)
        return found if isinstance(found, Unreadable) else Opened(signed.payload, signed.account, signed.tx)

    def account(self, scheme: Scheme, public_key: bytes) -> str:
        if len(public_key) != _PUBLIC_SIZES.get(scheme):
            raise UsageError(f"expected {_PUBLIC_SIZES.get(scheme)} bytes of a {scheme} key, found {len(public_key)}")
        return account_of_key(public_key)
