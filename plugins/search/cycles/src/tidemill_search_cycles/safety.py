"""Token safety: which cycles may pay less on the chain than their pools promise, and why.

Pools quote as if every amount arrived. Tokens that take a fee on transfer, change balances by themselves or do not move at all make gaps
that nobody closes, because nobody can: in a real graph they are the greatest profits of all.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

import attrs
from attrs import field, frozen

from tidemill import settings
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, PoolId, address_of, chain_of
from tidemill.domain.opportunity import Leg
from tidemill.domain.search import Candidate
from tidemill.domain.snapshot import Snapshot
from tidemill.units import BPS_SCALE

_FAULTS = {
    "taxed": "takes a fee on transfer",
    "rebasing": "changes balances by itself",
    "broken": "does not transfer as a token should",
}
_SYMBOL_LENGTH = 16
_FINE = 1 << 64
"""Amounts are valued so many times over: what few base units are worth would otherwise be rounded away."""


@settings
class ScreenSettings:
    """Which tokens are not to be trusted, which are, and what gain is too good to be true.

    ``implausible_bps`` limits what a cycle leaves, of what goes in at its own size. The default is read off the 10,704 pools of Uniswap V2
    in October 2020: 3,347 cycles of two to four hops from WETH leave 0.01 WETH or more. The 23 of them that trade well-known tokens alone
    leave up to 1,748 bps, all others but that one up to 541. Above 2,000 are 1,483, half of them above 21,557: they hold 83 % of all gain,
    and the thirty greatest among them go through one of three tokens that trade at prices far apart, where nobody closes the gap. A tax
    of a few percent hides below any limit that lets sound cycles pass: against it help the quarantine and a chain plugin that looks.
    That a pool's price is off shows no more: each cycle of the 3,347 with a pool off by a factor of two is above the limit already.
    """

    quarantine: Mapping[AssetId, str] = field(
        factory=dict, metadata={"doc": 'tokens never to be traded, each with the reason, which may be ""'}
    )
    trusted: tuple[AssetId, ...] = field(
        default=(), metadata={"doc": "tokens that count as sound whatever was seen of them; `quarantine` comes first"}
    )
    implausible_bps: int = field(
        default=2_000,
        validator=attrs.validators.ge(0),
        metadata={"doc": "a cycle that leaves more than this of what goes in is suspect; 0: none is for its gain"},
    )


@frozen
class Verdict:
    """Why a cycle is suspect, a sentence each, and which of its pools no other trade may use; both empty for a sound one."""

    reasons: tuple[str, ...] = ()
    pools: tuple[PoolId, ...] = ()


class Screen:
    """Judges cycles that were found. It keeps nothing: equal snapshots give equal verdicts."""

    def __init__(self, settings: ScreenSettings | None = None) -> None:
        self._settings = settings if settings is not None else ScreenSettings()
        self._trusted = frozenset(self._settings.trusted)

    def reasons(self, legs: Sequence[Leg], amounts: Sequence[int], snapshot: Snapshot) -> tuple[str, ...]:
        """Return why a cycle is suspect, as ``judge`` does."""
        return self.judge(legs, amounts, snapshot).reasons

    def judge(self, legs: Sequence[Leg], amounts: Sequence[int], snapshot: Snapshot) -> Verdict:
        """Judge a cycle.

        Where a cycle gains too much, those of its tokens are blamed that are not known to be sound and are traded where its value jumps; if
        none are, all that are not known to be sound. Where all are sound it is marked, and nobody is blamed. Kept out are all pools of the
        cycle that trade a token with a known fault, and those at which its value jumps; if it jumps nowhere, those of the blamed.

        Args:
            legs: the swaps of a cycle in order; the last buys what the first sells.
            amounts: base units, what goes into the first leg and what comes out of each. Far below its best size a cycle leaves about
                twice as much of what goes in: a small capital makes more of them suspect.
            snapshot: the market in which it was found.
        """
        tokens = tuple(leg.sell for leg in legs)
        faults = {token: fault for token in tokens if (fault := self._fault(token, snapshot))}
        reasons, pools = list(faults.values()), _trading(legs, faults)
        if self._is_implausible(amounts):
            jumps = _jumps(legs, amounts, snapshot, self._settings.implausible_bps)
            traded = {asset for leg in jumps or legs for asset in (leg.sell, leg.buy)}
            unsound = [token for token in tokens if not self._is_sound(token, snapshot)]
            blamed = [token for token in unsound if token in traded] or unsound
            reasons.append(self._too_good(amounts, [token for token in blamed if token not in faults], jumps, snapshot))
            pools += tuple(leg.pool for leg in jumps) or _trading(legs, blamed or tokens)
        return Verdict(tuple(reasons), tuple(dict.fromkeys(pools)))

    def free(self, cycles: Sequence[Candidate], snapshot: Snapshot) -> list[Candidate]:
        """Return the cycles, in order, that are not suspect and use no pool that is kept out for one that is: a flow may use them all."""
        verdicts = [self.judge(cycle.legs, cycle.amounts, snapshot) for cycle in cycles]
        kept_out = self.kept_out([(cycle.legs, verdict) for cycle, verdict in zip(cycles, verdicts, strict=True)], snapshot)
        judged = zip(cycles, verdicts, strict=True)
        return [cycle for cycle, verdict in judged if not verdict.reasons and kept_out.isdisjoint(leg.pool for leg in cycle.legs)]

    def kept_out(self, judged: Sequence[tuple[Sequence[Leg], Verdict]], snapshot: Snapshot, known: Collection[PoolId] = ()) -> set[PoolId]:
        """Return the pools that the gains of suspect cycles are put down to, with those that are ``known`` already.

        The shortest cycles tell most: a longer one that passes a pool which they blame is explained by it, and blames no other. Pools of
        tokens with a known fault are always among them.
        """
        found = set(known)
        for legs, verdict in sorted((one for one in judged if one[1].reasons), key=lambda one: len(one[0])):
            found.update(_trading(legs, [leg.sell for leg in legs if self._fault(leg.sell, snapshot)]))
            if found.isdisjoint(leg.pool for leg in legs):
                found.update(verdict.pools)
        return found

    def _fault(self, token: AssetId, snapshot: Snapshot) -> str:
        """Return what is known against a token, or an empty text."""
        known, note = snapshot.assets.get(token), self._settings.quarantine.get(token)
        if note is not None:
            said = "is quarantined"
        elif known is None or token in self._trusted or known.transfers not in _FAULTS:
            return ""
        else:
            said, note = _FAULTS[known.transfers], known.transfers_note
        return f"{_named(token, known)} {said}: {_printable(note)}" if note else f"{_named(token, known)} {said}"

    def _is_sound(self, token: AssetId, snapshot: Snapshot) -> bool:
        known = snapshot.assets.get(token)
        return token not in self._settings.quarantine and (token in self._trusted or (known is not None and known.transfers == "sound"))

    def _is_implausible(self, amounts: Sequence[int]) -> bool:
        limit = self._settings.implausible_bps
        return limit > 0 and (amounts[-1] - amounts[0]) * BPS_SCALE > limit * amounts[0]

    def _too_good(self, amounts: Sequence[int], blamed: Sequence[AssetId], jumps: Sequence[Leg], snapshot: Snapshot) -> str:
        left = (amounts[-1] - amounts[0]) * BPS_SCALE // amounts[0] if amounts[0] > 0 else None
        gain = f"{left:_} bps of what goes in" if left is not None else f"{amounts[-1]:_} for nothing"
        said = f"leaves {gain}, more than the {self._settings.implausible_bps:_} that count as plausible"
        if blamed:
            names = ", ".join(_named(token, snapshot.assets.get(token)) for token in blamed)
            return f"{said}; not known to be sound: {names}"
        at = ", ".join(address_of(leg.pool) for leg in jumps)
        return f"{said}; its value jumps at {at}" if at else said


def _jumps(legs: Sequence[Leg], amounts: Sequence[int], snapshot: Snapshot, limit: int) -> tuple[Leg, ...]:
    """Return the leg that gains most, valued as everything else is, and others that exceed the limit alone; none where none gains."""
    view = snapshot.chains[chain_of(legs[0].pool)]
    best, best_leg, found = 0, None, []
    for leg, (paid, got) in zip(legs, pairwise(amounts), strict=True):
        before, after = (snapshot.value(asset, amount * _FINE, view.native) for asset, amount in ((leg.sell, paid), (leg.buy, got)))
        if not (isinstance(before, int) and isinstance(after, int) and after > before > 0):
            continue
        gain = (after - before) * BPS_SCALE // before
        if gain > limit:
            found.append(leg)
        if gain > best:
            best, best_leg = gain, leg
    return tuple(found) if found or best_leg is None else (best_leg,)


def _trading(legs: Sequence[Leg], tokens: Sequence[AssetId] | Mapping[AssetId, str]) -> tuple[PoolId, ...]:
    return tuple(leg.pool for leg in legs if leg.sell in tokens or leg.buy in tokens)


def _named(token: AssetId, known: Asset | None) -> str:
    """Return a token's symbol, which anybody can forge, with its address, which nobody can."""
    address = address_of(token)
    symbol = _printable(known.symbol)[:_SYMBOL_LENGTH] if known is not None else ""
    return f"{symbol} ({address})" if symbol and symbol != address[:_SYMBOL_LENGTH] else address


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)
