"""Paper fills: a plan fills, or reverts and costs gas, on the market of the height it would execute at."""

from collections import ChainMap
from collections.abc import Mapping

from tidemill.domain.events import Batch, OutcomeSeen
from tidemill.domain.ids import ChainId, PlanId, PoolId, split_pool_id
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow
from tidemill.domain.pool import Pool
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.errors import PluginError
from tidemill.hookspecs.chain import ChainRules
from tidemill.planning.replay import Broken, replay_flow
from tidemill.stages.chain_rules import checked_cost, path_of
from tidemill.stages.effects import Intent
from tidemill.stages.guard import Fault, Guard


class PaperDesk:
    """Holds paper plans until they are due. It has no signer and no key: there is nothing here that could send."""

    def __init__(self, latency_blocks: int, rules: Mapping[ChainId, ChainRules], guard: Guard) -> None:
        self.faults: list[Fault] = []
        self._guard = guard
        self._latency = latency_blocks
        self._rules = dict(rules)
        self._waiting: dict[PlanId, tuple[Intent, int]] = {}
        self._seq = 0

    def take(self, intent: Intent, height: int) -> None:
        """Take a plan that left the core; a reopened one is due at the next head."""
        self._waiting[intent.plan.id] = (intent, height + (1 if intent.reopened else self._latency))

    def due(self, chain: ChainId | None, height: int) -> bool:
        """Whether a plan fills once the events of this height are in."""
        return any(at <= height for intent, at in self._waiting.values() if intent.plan.chain == chain)

    @property
    def waiting(self) -> tuple[ChainId, ...]:
        """The chains on which plans wait, by id."""
        return tuple(sorted({intent.plan.chain for intent, _ in self._waiting.values()}))

    def settle(self, chain: ChainId, snapshot: Snapshot, block_hash: str, now_ns: int, *, last: bool = False) -> Batch:
        """Fill what is due on the market as it stands, in the order it was sent, each on what the one before left.

        ``last``: the tape is at its end, everything settles on its last market as if the next block came.
        """
        head = snapshot.head(chain)
        at = snapshot.at(chain) if last else head
        pools: ChainMap[PoolId, Pool] = ChainMap({}, snapshot.pools)  # type: ignore[arg-type]
        seen = []
        for intent, due in list(self._waiting.values()):
            if intent.plan.chain == chain and (last or due <= head.height):
                del self._waiting[intent.plan.id]
                seen.append(OutcomeSeen(intent.plan.id, self._fill(intent, pools, snapshot, at, head, block_hash)))
        self._seq += 1
        return Batch("paper", self._seq, chain, head.height, block_hash, "", "confirmed", now_ns, now_ns, tuple(seen))

    def _fill(
        self, intent: Intent, pools: ChainMap[PoolId, Pool], snapshot: Snapshot, at: ChainTime, head: ChainTime, block_hash: str
    ) -> Outcome:
        plan = intent.plan
        assert isinstance(plan, Flow)  # noqa: S101 the core sends nothing else
        cost = self._guard.call(path_of(self._rules[plan.chain]), _charged, self._rules[plan.chain], intent, snapshot)
        if isinstance(cost, Fault):
            raise PluginError(cost.plugin, cost.reason)
        if 0 < plan.cost_cap < cost:
            # It never offers more than its cap: the chain does not include it, and nothing is paid. A cap of 0 is no offer but the belief
            # of rules that plans cost nothing.
            reason = f"a block asks {cost} of it, it offers at most {plan.cost_cap}"
            return Outcome(OutcomeStatus.DEAD, head.height, block_hash, reason=reason, proof=f"paper:{head.height}")
        replayed = self._guard.call(f"dex.{split_pool_id(plan.swaps[0].pool)[1]}", replay_flow, plan, pools, at)
        proof = f"paper:{head.height}"
        if isinstance(replayed, Fault):
            self.faults.append(replayed)
            reason = f"{replayed.plugin} failed: {replayed.reason}"
            return Outcome(OutcomeStatus.REVERTED, head.height, block_hash, cost=cost, reason=reason, proof=proof)
        if isinstance(replayed, Broken):
            return Outcome(OutcomeStatus.REVERTED, head.height, block_hash, cost=cost, reason=replayed.reason, proof=proof)
        pools.update(dict(replayed.after))
        return Outcome(OutcomeStatus.FILLED, head.height, block_hash, replayed.fills, replayed.changes, cost, proof=proof)


def _charged(rules: ChainRules, intent: Intent, snapshot: Snapshot) -> int:
    return checked_cost(path_of(rules), "cost", rules.cost(intent.unsigned, snapshot))
