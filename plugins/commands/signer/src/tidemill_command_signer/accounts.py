"""The accounts that the opened keys of a policy have on its chains."""

from attrs import frozen

from tidemill import SigningSetup, UsageError
from tidemill.domain.ids import ChainId
from tidemill.errors import SignerError
from tidemill_command_signer.keystore import KeyRing


@frozen
class Account:
    """An address that the policy lets sign on a chain, and the key behind it."""

    chain: ChainId
    address: str
    key: str


class AccountError(SignerError):
    """A key has no account on one of its chains; ``key`` is its name."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def accounts_of(setup: SigningSetup, ring: KeyRing) -> tuple[Account, ...]:
    """Return the accounts of a policy, in its order; those of keys that are opened.

    Raises:
        SignerError: a chain has no accounts of the scheme of one of its keys.
    """
    found = []
    for chain, policy in setup.policy.chains.items():
        codec = setup.codecs[chain.partition(":")[0]]
        for key in (name for name in policy.keys if name in ring.names()):
            try:
                found.append(Account(chain, codec.account(ring.scheme(key), ring.public_key(key)), key))
            except UsageError as error:
                raise AccountError(key, f"key {key} ({ring.scheme(key)}) cannot sign on {chain}: {error}") from error
    return tuple(found)
