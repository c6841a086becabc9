"""What a configuration itself must say before real money moves; nobody is asked."""

from collections.abc import Iterator

from tidemill.config.model import ChainPolicy, SignerConfig
from tidemill.domain.finding import Finding
from tidemill.domain.ids import BookId, ChainId, chain_of, normal_address
from tidemill.hookspecs.chain import ChainRules
from tidemill.hookspecs.risk import RiskCheck
from tidemill.pipeline.assemble import Pipeline


def static_findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Say what of a configuration stands in the way of real money, and what of it was looked at and is fine."""
    signer = pipeline.config.signer
    if signer is None:
        yield Finding(
            "policy", "error", "no [signer] says what may be signed", "add the table [signer]; docs/how-to/run-the-signer.md shows one"
        )
    if pipeline.store is None:
        yield Finding("store", "error", "no store is enabled: nothing could be kept", "add [stores.sqlite]")
    yield _limits(pipeline)
    yield from _accounts(pipeline)
    if signer is not None:
        for chain, rules in pipeline.parts.market.rules.items():
            yield from policy_findings(signer, chain, rules)
        yield from _own_money(pipeline, signer)


def _limits(pipeline: Pipeline) -> Finding:
    checks: tuple[RiskCheck, ...] = tuple(pipeline.parts.tools.risks)
    if not checks:
        return Finding("risk", "error", "no risk check is enabled: nothing limits a loss", "add [risk.limits]")
    limits = [f"{check.name}: {limit}" if limit != check.name else limit for check in checks for limit in check.caps()]
    if limits:
        return Finding("risk", "ok", f"limited by {', '.join(limits)}")
    names = ", ".join(f"[risk.{check.name}]" for check in checks)
    return Finding("risk", "error", f"{names} limits no money", 'set at least one limit, such as max_trade = "1_000 USDC" in [risk.limits]')


def _accounts(pipeline: Pipeline) -> Iterator[Finding]:
    taken: dict[tuple[ChainId, str], BookId] = {}
    for book in pipeline.books:
        for chain in pipeline.chains:
            account = book.accounts.get(chain, "")
            if not account:
                where = f'[books.{book.id}.accounts] "{chain}" = "<address>"'
                said, remedy = f"book {book.id} has no account on {chain}", f"name the address that pays: {where}"
                yield Finding("books", "error", said, remedy)
            elif taken.setdefault((chain, account), book.id) != book.id:
                said = f"books {taken[chain, account]} and {book.id} share the account {account} on {chain}"
                yield Finding("books", "error", said, "give each book its own: what the chain says of one account cannot be split")


def policy_findings(signer: SignerConfig, chain: ChainId, rules: ChainRules) -> Iterator[Finding]:
    """Say what a chain's transactions need that the policy does not allow."""
    policy = signer.chains.get(chain)
    if policy is None:
        yield Finding("policy", "error", f"nothing may be signed on {chain}", f'add [signer.chains."{chain}"] with its keys and limits')
        return
    where = f'[signer.chains."{chain}"]'
    for target in rules.targets:
        if not policy.targets.get(normal_address(target)):
            said = f"{chain} trades through {target}, which the policy does not allow to be called"
            yield Finding("policy", "error", said, f'name its methods: [signer.chains."{chain}".targets] "{target}" = ["0x…"]')
    if not policy.fee.per_transaction:
        yield Finding(
            "policy", "warning", f"max_fee is 0 on {chain}: where inclusion costs anything nothing is signed", f"set it in {where}"
        )
    yield Finding("policy", "ok", f"{chain}: {_allowed(policy)}")


def _allowed(policy: ChainPolicy) -> str:
    keys, targets, spends = len(policy.keys), len(policy.targets), len(policy.spends)
    return ", ".join(
        f"{count} {word}{'s' if count != 1 else ''}" for count, word in ((keys, "key"), (targets, "target"), (spends, "asset"))
    )


def _own_money(pipeline: Pipeline, signer: SignerConfig) -> Iterator[Finding]:
    for book in pipeline.books:
        policy = signer.chains.get(chain_of(book.base))
        spends = policy.spends.get(book.base) if policy is not None else None
        native = {rules.native for rules in pipeline.parts.market.rules.values()}
        if policy is not None and book.base not in native and (spends is None or not spends.per_transaction):
            said = f"the policy lets none of {book.base} be spent, the base of book {book.id}: plans with own money in it are refused"
            yield Finding("policy", "warning", said, f'name it: [signer.chains."{chain_of(book.base)}".spends."{book.base}"]')
