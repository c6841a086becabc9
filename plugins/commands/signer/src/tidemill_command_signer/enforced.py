"""The policy as text, for the person who checks it."""

from collections.abc import Iterator, Sequence

from tidemill import SignerConfig, SpendLimit
from tidemill.domain.amount_text import exact_text
from tidemill_command_signer.accounts import Account


def enforced_lines(policy: SignerConfig, accounts: Sequence[Account]) -> Iterator[str]:
    """Yield what is enforced, one sentence a line."""
    yield f"live: {'yes' if policy.live else 'no, nothing is signed'} · policy {policy.digest}"
    for chain, allowed in policy.chains.items():
        yield f"{chain}"
        for account in accounts:
            if account.chain == chain:
                yield f"  key {account.key} signs for {account.address}"
        yield f"  hands over {_limit(allowed.value, 'coins')}; inclusion may cost {_limit(allowed.fee, 'coins')}"
        for target, methods in allowed.targets.items():
            yield f"  calls {target}: {', '.join(_method(method) for method in methods) or 'nothing'}"
        for asset, limit in allowed.spends.items():
            yield f"  spends {_limit(limit, asset)}"
        if not allowed.targets:
            yield "  calls nothing"
        if not allowed.spends:
            yield "  spends no other asset"
    if not policy.chains:
        yield "no chain: nothing can be signed"


def _limit(limit: SpendLimit, unit: str) -> str:
    one, day = (exact_text(amount, limit.decimals) for amount in (limit.per_transaction, limit.per_day))
    return f"at most {one} {unit} a transaction and {day} a day"


def _method(method: str) -> str:
    return {"": "a bare transfer", "*": "any method"}.get(method, method)
