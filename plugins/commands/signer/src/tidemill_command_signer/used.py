"""What was signed, rebuilt from the trail: today's sums, and the signatures that were given."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tidemill.domain.ids import AssetId, ChainId
from tidemill_command_signer.audit import AuditError, Entry
from tidemill_command_signer.audit.entry import now
from tidemill_command_signer.policy import Used

REMEMBERED: Final = 4_096
"""So many signatures are given again without being counted again; of an older payload the day would be charged once more.

Who was not answered asks again at once, or when its process is started again.
"""


def digest_of(payload: bytes) -> str:
    """Return what the trail calls a payload: its sha256."""
    return hashlib.sha256(payload).hexdigest()


class Signatures:
    """Follows the entries of a trail, those that were there and those that come.

    A day is that of UTC by this machine's clock, and never before the newest on which something was signed: a clock that steps back frees
    nothing.
    """

    def __init__(self, clock: Callable[[], datetime] = now) -> None:
        self._clock = clock
        self._day = ""
        self._used: dict[ChainId, Used] = {}
        self._given: OrderedDict[bytes, bytes] = OrderedDict()
        self.tokens: dict[str, int] = {}
        """The newest lease of each account."""

    def note(self, entry: Entry) -> None:
        """Follow one entry.

        Raises:
            AuditError: it says of a signature, or a lease, what no signer writes.
        """
        try:
            if entry.event == "lease":
                account, token = str(entry.fields["account"]), int(entry.fields["token"])
                self.tokens[account] = max(self.tokens.get(account, 0), token)
            elif entry.event == "signed":
                self._note_signed(entry.fields)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise AuditError(f"entry {entry.seq} of the trail, {entry.event}, has other fields than a signer writes") from error

    def _note_signed(self, fields: Mapping[str, Any]) -> None:
        self._turn(fields["day"])
        if fields["day"] == self._day:
            chain = ChainId(fields["chain"])
            self._used[chain] = self.today(chain).plus(used_of(fields))
        self._given[_name_of(fields["chain"], fields["account"], fields["payload"])] = bytes.fromhex(fields["signature"])
        if len(self._given) > REMEMBERED:
            self._given.popitem(last=False)

    def day(self) -> str:
        """Return the day that is charged now, as in ISO 8601."""
        self._turn(self._clock().astimezone(UTC).date().isoformat())
        return self._day

    def today(self, chain: ChainId) -> Used:
        """Return what a chain's transactions took on the day that is charged."""
        return self._used.get(chain, Used())

    def given(self, chain: ChainId, account: str, payload: bytes) -> bytes | None:
        """Return the signature that a payload got before, None where there is none."""
        return self._given.get(_name_of(chain, account, digest_of(payload)))

    def _turn(self, day: str) -> None:
        if day > self._day:
            self._day = day
            self._used = {}


def _name_of(chain: str, account: str, digest: str) -> bytes:
    """Return a name for what was signed for whom: thousands of them are held, texts would take several times as much."""
    return hashlib.sha256(f"{chain} {account} {digest}".encode()).digest()


def fields_of(used: Used) -> dict[str, Any]:
    """Return amounts as an entry has them: text of base units."""
    return {"value": str(used.value), "fee": str(used.fee), "spends": {asset: str(amount) for asset, amount in used.spends.items()}}


def used_of(fields: Mapping[str, Any]) -> Used:
    """Return the amounts of an entry."""
    return Used(int(fields["value"]), int(fields["fee"]), {AssetId(asset): int(amount) for asset, amount in fields["spends"].items()})
