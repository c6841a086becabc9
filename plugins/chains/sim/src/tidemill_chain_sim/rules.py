"""The pure half of the simulated chain."""

from collections.abc import Mapping, Sequence

from tidemill.domain.answers import CannotFit
from tidemill.domain.asset import Asset
from tidemill.domain.ids import address_of
from tidemill.domain.plan import Flow
from tidemill.domain.pool import PoolRef
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.errors import UsageError
from tidemill.hookspecs.chain import ChainRules, Step
from tidemill.units import PPM_SCALE, mul_div_up
from tidemill_chain_sim.settings import SimSettings, finality_of
from tidemill_evm.executor import MAX_COUNT, addresses_of, encode_flow
from tidemill_evm.gas import SWAP_GAS, call_gas, estimate_gas
from tidemill_evm.keccak import keccak256
from tidemill_simworld import CHAIN, EXECUTOR, HUBS, NATIVE, NATIVE_DECIMALS, STABLES, token_universe
from tidemill_simworld.envelope import encode_call

BLOCK_GAS_LIMIT = 30_000_000


class SimRules(ChainRules):
    """An EVM chain with an executor contract; costs are gas at the head's base fee, times ``cost_ppm``, rounded up."""

    id = CHAIN
    family = "evm"
    native = NATIVE
    wrapped = HUBS[0].id
    spends_balance = True
    guards_balance = True
    dollars = tuple(token.id for token in STABLES)
    play_money = True
    targets = (EXECUTOR,)

    def __init__(self, chosen: SimSettings, cost_ppm: int = PPM_SCALE) -> None:
        self.finality = finality_of(chosen)
        self._settings = chosen
        self._cost_ppm = cost_ppm
        self._verified = {"ETH": Asset(NATIVE, "ETH", NATIVE_DECIMALS)}
        self._verified |= {token.symbol: token.asset for token in token_universe(chosen.tokens)}

    def verified_assets(self) -> Mapping[str, Asset]:
        return self._verified

    def executes_at(self, head: ChainTime) -> ChainTime:
        return ChainTime(head.chain, head.height + 1, head.unix_time + self._settings.block_time_s)

    def estimate(self, swaps: Sequence[PoolRef], loans: int, snapshot: Snapshot) -> int:
        return self._price(estimate_gas([ref.kind for ref in swaps], loans), snapshot)

    def swap_cost(self, fee: int) -> int:
        return mul_div_up(min(SWAP_GAS.values()) * (fee or self._settings.base_fee_wei), self._cost_ppm, PPM_SCALE)

    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
        if plan.chain != self.id:
            raise UsageError(f"a plan for {plan.chain} was given to the rules of {self.id}")
        addresses = addresses_of(steps)
        if len(addresses) > MAX_COUNT or len(steps) > MAX_COUNT:
            return CannotFit("addresses", MAX_COUNT, max(len(addresses), len(steps)))
        guards = tuple((address_of(asset), least) for asset, least in plan.guards if least > 0)
        program = encode_flow(steps, guards, plan.expires)
        # Gas on this chain is exactly what is expected: no spare is needed, and the whole cap is left for a base fee that rises
        gas = call_gas(program)
        if gas > BLOCK_GAS_LIMIT:
            return CannotFit("gas", BLOCK_GAS_LIMIT, gas)
        call = encode_call([(address_of(asset), amount) for asset, amount in plan.funds], program, plan.cost_cap // gas)
        return Unsigned(plan.id, plan.chain, call, gas, plan.expires, "0x" + keccak256(call).hex(), gas)

    def cost(self, unsigned: Unsigned, snapshot: Snapshot) -> int:
        return self._price(unsigned.compute, snapshot)

    def _price(self, gas: int, snapshot: Snapshot) -> int:
        fee = snapshot.chains[CHAIN].fee or self._settings.base_fee_wei
        return mul_div_up(gas * fee, self._cost_ppm, PPM_SCALE)
