"""The pure half of a recorded chain."""

import hashlib
from collections.abc import Mapping, Sequence

from tidemill import ChainRules, Step
from tidemill.domain.answers import CannotFit
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, ChainId, address_of
from tidemill.domain.plan import Flow
from tidemill.domain.pool import PoolRef
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.errors import UsageError
from tidemill_chain_recorded.known import KNOWN_CHAINS
from tidemill_chain_recorded.settings import RecordedSettings
from tidemill_evm.executor import MAX_COUNT, addresses_of, encode_flow
from tidemill_evm.gas import BYTE_GAS, INTRINSIC_GAS, STEP_BYTES, calldata_gas, swap_kind
from tidemill_evm.steps import FlashLoan

EVM_NAMESPACES = ("eip155", "sim")
CALLDATA_MAX = 128 * 1024
"""The most bytes of a transaction that go-ethereum's pool takes (txMaxSize, core/txpool/legacypool)."""


class RecordedRules(ChainRules):
    """Rules of an EVM chain with an executor contract: it sells what it holds, guards final balances, and ends at a plan's expiry.

    Raises:
        UsageError: it is no EVM chain, or not a known one and its native coin is not stated.
    """

    family = "evm"
    spends_balance = True
    guards_balance = True

    def __init__(self, settings: RecordedSettings) -> None:
        self.id = ChainId(settings.chain)
        if self.id.partition(":")[0] not in EVM_NAMESPACES:
            raise UsageError(f"[chains.recorded] has the rules of EVM chains, {self.id} is none: enable the plugin of its own chain")
        known = KNOWN_CHAINS.get(self.id)
        coin = settings.native or (known.native if known is not None else None)
        if coin is None:
            raise UsageError(
                f'the native coin of {self.id} is not known: state it in [chains.recorded], such as native = "{self.id}/slip44:60"'
            )
        self.native: AssetId = coin
        self.wrapped: AssetId | None = settings.wrapped or (known.wrapped if known is not None else None)
        self.dollars = settings.dollars or (known.dollars if known is not None else ())
        self._verified = {asset.symbol: asset for asset in known.verified} if known is not None else {}
        self._settings = settings
        self._swap_gas = settings.swap_gas

    def verified_assets(self) -> Mapping[str, Asset]:
        return self._verified

    def executes_at(self, head: ChainTime) -> ChainTime:
        return ChainTime(head.chain, head.height + 1, head.unix_time + self._settings.block_time_s, head.epoch)

    def estimate(self, swaps: Sequence[PoolRef], loans: int, snapshot: Snapshot) -> int:
        data = (len(swaps) + loans) * STEP_BYTES * BYTE_GAS
        gas = INTRINSIC_GAS + data + loans * self._settings.gas_per_loan + sum(self._pool_gas(ref.kind) for ref in swaps)
        return gas * self._settings.gas_price_wei

    def swap_cost(self, fee: int) -> int:
        return min(self._swap_gas.values()) * self._settings.gas_price_wei

    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
        """Return the program of the executor contract as payload; ``compute`` is its expected gas.

        Raises:
            UsageError: the plan is of another chain.
        """
        if plan.chain != self.id:
            raise UsageError(f"a plan for {plan.chain} was given to the rules of {self.id}")
        if len(steps) > MAX_COUNT:
            return CannotFit("steps", MAX_COUNT, len(steps))
        addresses = addresses_of(steps) | {address_of(asset) for asset, _ in plan.guards}
        if len(addresses) > MAX_COUNT:
            return CannotFit("addresses", MAX_COUNT, len(addresses))
        guards = [(address_of(asset), least) for asset, least in plan.guards]
        payload = encode_flow(steps, guards, plan.expires)
        if len(payload) > CALLDATA_MAX:
            return CannotFit("bytes of calldata", CALLDATA_MAX, len(payload))
        gas = INTRINSIC_GAS + calldata_gas(payload) + self._steps_gas(steps)
        if gas > self._settings.gas_limit:
            return CannotFit("gas", self._settings.gas_limit, gas)
        cost = gas * self._settings.gas_price_wei
        if cost > plan.cost_cap:
            return CannotFit("native base units of cost", plan.cost_cap, cost)
        digest = hashlib.sha256(payload).hexdigest()
        return Unsigned(plan.id, self.id, payload, gas, plan.expires, digest, gas)

    def cost(self, unsigned: Unsigned, snapshot: Snapshot) -> int:
        return unsigned.compute * self._settings.gas_price_wei

    def _pool_gas(self, kind: str) -> int:
        # Pools of a kind that the executor does not know are swapped at by a call.
        return self._swap_gas[kind if kind in self._swap_gas else "call"]

    def _steps_gas(self, steps: Sequence[Step]) -> int:
        gas = 0
        for step in steps:
            if isinstance(step, FlashLoan):
                gas += self._settings.gas_per_loan + self._steps_gas(step.inner)
            else:
                gas += self._swap_gas[swap_kind(step)]
        return gas
