"""From a request to a signature: every rule in its order, the trail before the answer."""

from collections.abc import Mapping

from tidemill import SigningSetup
from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Opened, Reading
from tidemill.errors import PluginError, SignerRefused
from tidemill.hookspecs.codec import Codec
from tidemill.signing.protocol import LeaseAsk, NoteAsk, SignAsk
from tidemill_command_signer.accounts import AccountError, accounts_of
from tidemill_command_signer.audit import AuditTrail
from tidemill_command_signer.keystore import HeldKeys, KeyChange, KeystoreError
from tidemill_command_signer.leases import Leases
from tidemill_command_signer.policy import judge, use_of
from tidemill_command_signer.used import Signatures, digest_of, fields_of

_SHOWN_ACTIONS = 16


class SigningDesk:
    """Signs what the policy allows, for whoever holds the account; says in the trail what it did and what it refused."""

    def __init__(self, setup: SigningSetup, keys: HeldKeys, trail: AuditTrail, signatures: Signatures, leases: Leases) -> None:
        self.accounts = accounts_of(setup, keys.ring)
        self._setup = setup
        self._held = keys
        self._ring = keys.ring
        self._trail = trail
        self._signatures = signatures
        self._leases = leases
        self._keys = self._by_address()
        self._former: dict[tuple[ChainId, str], str] = {}

    def greeting(self) -> Mapping[str, object]:
        """Return what of a greeting changes while the signer runs: its accounts, and the hash of the trail's last entry.

        Raises:
            SignerError: a key changed, and the trail cannot be written.
        """
        self._look()
        accounts = dict.fromkeys((account.key, account.address) for account in self.accounts)
        return {"accounts": [list(pair) for pair in accounts], "audit": self._trail.last}

    def settle(self) -> None:
        """Do what need not be done before an answer."""
        self._trail.settle()

    def release(self, connection: int) -> None:
        """Give free what a connection that closed held."""
        self._leases.release(connection)

    def lease(self, ask: LeaseAsk, connection: int) -> Mapping[str, object]:
        """Follow a request for a lease.

        Raises:
            SignerRefused: another connection holds the account, or there is none. SignerError: the lease cannot be kept.
        """
        self._look()
        try:
            if ask.account not in {account.address for account in self.accounts}:
                raise SignerRefused("account", f"no key of the policy has the account {ask.account!r}")
            token = self._leases.take(ask.account, ask.owner, connection)
        except SignerRefused as refused:
            self.refused(refused, ask="lease", account=ask.account, owner=ask.owner)
            raise
        self._append("lease", account=ask.account, owner=ask.owner, token=token)
        return {"token": token}

    def sign(self, ask: SignAsk, connection: int) -> Mapping[str, object]:
        """Follow a request for a signature: it is in the trail, on disk, before this returns.

        Raises:
            SignerRefused: a rule says no. SignerError: the trail cannot be written; what was signed is dropped.
        """
        self._look()
        try:
            return self._signed(ask, connection)
        except SignerRefused as refused:
            payload = digest_of(ask.payload)
            self.refused(refused, ask="sign", chain=ask.chain, account=ask.account, payload=payload, intent=ask.intent, plan=ask.plan)
            raise

    def note(self, ask: NoteAsk) -> Mapping[str, object]:
        """Write down what an operator decided.

        Raises:
            SignerError: the trail cannot be written.
        """
        self._append(ask.event, owner=ask.owner, text=ask.text)
        return {}

    def refused(self, refused: SignerRefused, **fields: object) -> None:
        """Say in the trail what was refused."""
        self._append("refused", rule=refused.rule, reason=refused.reason, **fields)

    def _signed(self, ask: SignAsk, connection: int) -> Mapping[str, object]:
        if not self._setup.policy.live:
            raise SignerRefused("live", "the signer's own switch is off: [signer] live = true turns it on, at its next start")
        policy = self._setup.policy.chains.get(ask.chain)
        if policy is None:
            raise SignerRefused("chain", f"the policy has no chain {ask.chain!r}")
        key = self._keys.get((ask.chain, ask.account))
        if key is None:
            raise SignerRefused("account", self._stranger(ask.chain, ask.account))
        owner = self._leases.owner(ask.account, ask.token, connection)
        codec = self._setup.codecs[ask.chain.partition(":")[0]]
        given = self._signatures.given(ask.chain, ask.account, ask.payload)
        asked: dict[str, object] = {"chain": ask.chain, "account": ask.account, "key": key, "payload": digest_of(ask.payload)}
        asked |= {"intent": ask.intent, "plan": ask.plan, "owner": owner, "token": ask.token}
        if given is not None:
            raw, opened = joined(codec, ask, given)
            self._append("repeated", **asked, tx=opened.tx)
            return {"raw": raw.hex(), "tx": opened.tx}
        reading = self._read(codec, ask, key)
        day = self._signatures.day()
        refusal = judge(policy, reading, self._signatures.today(ask.chain))
        if refusal is not None:
            raise SignerRefused(refusal.rule, refusal.reason)
        signature = self._signature(codec, key, ask.payload)
        raw, opened = joined(codec, ask, signature)
        actions = [f"{action.target} {action.method}".rstrip() for action in reading.actions[:_SHOWN_ACTIONS]]
        done = {"tx": opened.tx, "slot": reading.slot, "day": day, **fields_of(use_of(reading)), "actions": actions}
        self._append("signed", **asked, **done, signature=signature.hex())
        return {"raw": raw.hex(), "tx": opened.tx}

    def _look(self) -> None:
        """Follow keys that were rotated, put back or removed: from here on their old accounts sign nothing."""
        changes = self._held.look()
        if not changes:
            return
        before = self._keys
        faults: list[KeyChange] = []
        while True:
            try:
                self.accounts = accounts_of(self._setup, self._ring)
                break
            except AccountError as error:
                self._ring.drop(error.key)
                faults.append(KeyChange(error.key, None, str(error)))
        self._keys = self._by_address()
        self._former |= {account: key for account, key in before.items() if account not in self._keys}
        for change in (*changes, *faults):
            if change.facts is not None:
                public = change.facts.public_key.hex()
                self._append("key-opened", name=change.name, public_key=public, version=change.facts.version)
            else:
                self._append("key-dropped", name=change.name, reason=change.reason)

    def _by_address(self) -> dict[tuple[ChainId, str], str]:
        return {(account.chain, account.address): account.key for account in self.accounts}

    def _stranger(self, chain: ChainId, address: str) -> str:
        """Return why nothing is signed for an account: no key has it, or its key has another one since it was rotated."""
        name = self._former.get((chain, address))
        if name is None:
            return f"no key of {chain} has the account {address!r}"
        now = next((account.address for account in self.accounts if (account.chain, account.key) == (chain, name)), "")
        if not now:
            return f"key {name} of {chain} is gone or does not open since its file changed: {address} signs nothing more"
        return f"key {name} of {chain} was rotated: {address} signs nothing more, its account is {now} now"

    def _read(self, codec: Codec, ask: SignAsk, key: str) -> Reading:
        try:
            reading = codec.read(ask.chain, ask.payload)
        except PluginError as error:
            raise SignerRefused("unreadable", f"its codec failed: {error}") from error
        if not isinstance(reading, Reading):
            raise SignerRefused("unreadable", reading.reason)
        asked, found = (ask.chain, ask.account, self._ring.scheme(key)), (reading.chain, reading.account, reading.scheme)
        if asked != found:
            raise SignerRefused("payload", f"its bytes are for {', '.join(found)}; asked was for {', '.join(asked)}")
        return reading

    def _signature(self, codec: Codec, key: str, payload: bytes) -> bytes:
        try:
            return self._ring.sign(key, codec.message(payload))
        except (PluginError, KeystoreError) as error:
            raise SignerRefused("payload", f"it cannot be signed: {error}") from error

    def _append(self, event: str, **fields: object) -> None:
        self._signatures.note(self._trail.append(event, **fields))


def joined(codec: Codec, ask: SignAsk, signature: bytes) -> tuple[bytes, Opened]:
    """Return signed bytes, opened again: a signature that is not that of the account, by whatever fault, leaves nobody's hands.

    Raises:
        SignerRefused: it is not.
    """
    try:
        raw = codec.join(ask.payload, signature)
        opened = codec.open(ask.chain, raw)
    except PluginError as error:
        raise SignerRefused("payload", f"its codec failed: {error}") from error
    if not isinstance(opened, Opened) or (opened.account, opened.payload) != (ask.account, ask.payload):
        raise SignerRefused("payload", "its signed bytes do not open to what was asked for")
    return raw, opened
