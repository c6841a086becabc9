"""What may be signed: the policy against what a codec read and what went out today. Pure."""

from collections.abc import Mapping

from attrs import field, frozen

from tidemill import ChainPolicy, SpendLimit
from tidemill.domain.amount_text import exact_text
from tidemill.domain.ids import AssetId, normal_address
from tidemill.domain.signing import Action, Reading

ANY_METHOD = "*"


@frozen
class Used:
    """What transactions may take at the most, in base units: native coins handed over, what inclusion costs, other assets."""

    value: int = 0
    fee: int = 0
    spends: Mapping[AssetId, int] = field(factory=dict)

    def plus(self, other: "Used") -> "Used":
        """Return both together."""
        spends = {asset: self.spends.get(asset, 0) + other.spends.get(asset, 0) for asset in sorted({*self.spends, *other.spends})}
        return Used(self.value + other.value, self.fee + other.fee, spends)


@frozen
class Refusal:
    """Why nothing is signed: the rule of the policy, and a sentence."""

    rule: str
    reason: str


def use_of(reading: Reading) -> Used:
    """Return what a transaction may take."""
    spends: dict[AssetId, int] = {}
    for action in reading.actions:
        for asset, amount in action.spends:
            spends[asset] = spends.get(asset, 0) + amount
    return Used(reading.value, reading.max_fee, spends)


def judge(policy: ChainPolicy, reading: Reading, used: Used) -> Refusal | None:
    """Return why a transaction may not be signed, or None where it may.

    Args:
        policy: of the transaction's chain.
        reading: the transaction.
        used: what this chain's transactions took already today.
    """
    if reading.max_fee < 0 or any(action.value < 0 or any(amount < 0 for _, amount in action.spends) for action in reading.actions):
        return Refusal("unreadable", "its codec read an amount below zero")
    for action in reading.actions:
        refusal = _target(policy, reading, action)
        if refusal is not None:
            return refusal
    return _amounts(policy, use_of(reading), used)


def _target(policy: ChainPolicy, reading: Reading, action: Action) -> Refusal | None:
    # Nothing leaves the account: how a run takes the slot of a transaction that must not happen any more
    if action == Action(reading.account):
        return None
    methods = policy.targets.get(normal_address(action.target))
    if methods is None:
        return Refusal("target", f"{action.target} is none of the {len(policy.targets)} targets of {reading.chain}")
    if ANY_METHOD not in methods and action.method.lower() not in methods:
        named = f"method {action.method}" if action.method else "a bare transfer"
        return Refusal("method", f"{named} of {action.target} is not among {', '.join(map(_named, methods)) or 'its methods: it has none'}")
    return None


def _amounts(policy: ChainPolicy, use: Used, used: Used) -> Refusal | None:
    limits = [("value", "it hands over", "coins", use.value, used.value, policy.value)]
    limits.append(("fee", "its inclusion may cost", "coins", use.fee, used.fee, policy.fee))
    for asset in sorted(use.spends):
        limit = policy.spends.get(asset)
        if limit is None and use.spends[asset]:
            return Refusal("asset", f"it takes {asset}, which the policy does not name")
        if limit is not None:
            limits.append(("spend", "it takes", asset, use.spends[asset], used.spends.get(asset, 0), limit))
    for rule, verb, unit, amount, _, limit in limits:
        if amount > limit.per_transaction:
            return Refusal(rule, f"{verb} {_shown(amount, limit)} {unit}, at most {_shown(limit.per_transaction, limit)} are allowed")
    for _, verb, unit, amount, before, limit in limits:
        if amount and before + amount > limit.per_day:
            most, already = _shown(limit.per_day, limit), _shown(before, limit)
            return Refusal("per_day", f"{verb} {_shown(amount, limit)} {unit}, {already} went out today, at most {most} are allowed a day")
    return None


def _named(method: str) -> str:
    return method or '""'


def _shown(amount: int, limit: SpendLimit) -> str:
    return exact_text(amount, limit.decimals)
