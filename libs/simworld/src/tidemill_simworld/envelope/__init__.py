"""Transactions of the simulated chain as bytes, for all who make, sign, read or carry them out.

A *call* is what a plan composes to, a *sealed* transaction is a call with what is known only at sending, a *signed* one is sealed bytes
with their signature behind them. Reading is strict: bytes that mean a transaction mean it in this one way, to the last bit.
"""

from tidemill_simworld.envelope.accounts import account_of, account_of_key, scheme_of
from tidemill_simworld.envelope.call import Call, Funds, decode_call, encode_call
from tidemill_simworld.envelope.sealed import Sealed, blockhash_slot, call_of, nonce_slot, read_sealed, seal
from tidemill_simworld.envelope.signed import SignedTransaction, join, message_of, open_signed

__all__ = [
    "Call",
    "Funds",
    "Sealed",
    "SignedTransaction",
    "account_of",
    "account_of_key",
    "blockhash_slot",
    "call_of",
    "decode_call",
    "encode_call",
    "join",
    "message_of",
    "nonce_slot",
    "open_signed",
    "read_sealed",
    "scheme_of",
    "seal",
]
