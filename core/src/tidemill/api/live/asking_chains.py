"""What the chains must be before real money moves: reached, the right ones, at their newest block, and with coins of ours for fees."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeVar

from tidemill.api.live.answering import answer_of
from tidemill.api.live.asking_history import Past, history_finding, identity_finding
from tidemill.api.running import RunningInstance
from tidemill.config.model import SignerConfig
from tidemill.domain.amount_text import exact_text
from tidemill.domain.finding import Finding
from tidemill.domain.ids import BookId, ChainId
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.errors import TidemillError
from tidemill.hookspecs.chain import ChainLink, ChainRules
from tidemill.stages.chain_rules import path_of

T = TypeVar("T")
OLD_BLOCKS = 5
OLD_S = 30
"""A newest block is stale once it is older than so many blocks take, and than so many seconds: blocks come late at times."""
AHEAD_S = 30
"""A block may lie so far in the future by its own clock; what is beyond shows that ours is behind."""


async def chain_findings(
    rules: Mapping[ChainId, ChainRules],
    links: Mapping[ChainId, ChainLink],
    wallets: Mapping[tuple[BookId, ChainId], Wallet],
    signer: SignerConfig,
    past: Past,
    beside: RunningInstance | None = None,
    now_s: Callable[[], int] = lambda: int(time.time()),
) -> AsyncIterator[Finding]:
    """Ask every chain where it stands, and what our accounts hold there.

    Args:
        rules: the pure half of each chain.
        links: the half that asks it.
        wallets: public addresses by book and chain.
        signer: what one transaction may cost on each chain.
        past: what the ledger knows of the chains.
        beside: a run that is on in the ledger's folder, None where this is asked for one that begins.
        now_s: this machine's clock, seconds since 1970.
    """
    for chain, link in links.items():
        of_chain = rules[chain]
        if beside is not None and link.begins_anew:
            # What could be asked from here is another chain, at its beginning
            who = f"process {beside.process}" if beside.process else "the run that is on"
            yield Finding(chain, "ok", f"{who} has it to itself while it runs: `tidemill status` says where it stands")
            continue
        head = await _asked(of_chain, "newest", link.newest)
        if isinstance(head, str):
            yield Finding(chain, "error", head, f"[{path_of(of_chain)}] says whom to ask")
            continue
        wrong = identity_finding(of_chain, head) or await history_finding(of_chain, link, head, past)
        if wrong is not None:
            yield wrong
            continue
        yield _fresh(of_chain, head, now_s())
        for (book, where), wallet in sorted(wallets.items()):
            if where == chain:
                yield await _funded(of_chain, link, wallet, book, head, signer)


async def _asked(rules: ChainRules, member: str, ask: Callable[..., Awaitable[T]], *args: object) -> T | str:
    """Return what a chain's link answers, or in words why it does not."""
    try:
        return await answer_of(rules, member, ask, *args)
    except TidemillError as error:
        return str(error)


def _fresh(rules: ChainRules, head: ChainTime, now_s: int) -> Finding:
    at, age_s = f"at block {head.height:,}", now_s - head.unix_time
    if rules.play_money:
        return Finding(rules.id, "ok", f"{at}; play money: its clock is its own")
    oldest_s = max(OLD_S, OLD_BLOCKS * (rules.executes_at(head).unix_time - head.unix_time))
    if age_s > oldest_s:
        said = f"{at}, which is {age_s} s old: expected {oldest_s} s at most"
        return Finding(rules.id, "error", said, "its node is behind: wait until it has caught up, or name another; or this clock is ahead")
    if age_s < -AHEAD_S:
        said = f"{at}, which lies {-age_s} s ahead of this machine's clock"
        return Finding(rules.id, "error", said, "let the system keep its clock (systemd-timesyncd, chrony), and wait until it has")
    return Finding(rules.id, "ok", f"{at}, {max(0, age_s)} s old")


async def _funded(rules: ChainRules, link: ChainLink, wallet: Wallet, book: BookId, head: ChainTime, signer: SignerConfig) -> Finding:
    whose = f"{wallet.owner} of book {book}"
    held = await _asked(rules, "holdings", link.holdings, wallet, (rules.native,), head.height)
    if isinstance(held, str):
        return Finding(rules.id, "error", f"what {whose} holds cannot be read: {held}", f"[{path_of(rules)}] says whom to ask")
    amount = dict(held).get(rules.native, 0)
    policy = signer.chains.get(rules.id)
    fee = policy.fee if policy is not None else None
    shown = exact_text(amount, fee.decimals) if fee is not None else str(amount)
    if amount <= 0:
        return Finding(rules.id, "error", f"{whose} holds no native coins: nothing can be included", "send it some for fees")
    if fee is not None and amount < fee.per_transaction:
        most = exact_text(fee.per_transaction, fee.decimals)
        said = f"{whose} holds {shown} native coins, one transaction may cost {most}"
        return Finding(rules.id, "warning", said, "send it more for fees, or lower max_fee in [signer]")
    return Finding(rules.id, "ok", f"{whose} holds {shown} native coins")
