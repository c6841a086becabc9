"""Settings of the simulated chain: ``[chains.sim]``."""

from typing import cast

import attrs

from tidemill import settings
from tidemill_chain_sim.topology import most_pools
from tidemill_simworld import BLOCK_TIME_S, DEFAULT_TOKENS, MAX_TOKENS, MIN_TOKENS, chance, choice, text, whole

_PPM = 1_000_000


@settings
class SimSettings:
    """Settings of the simulated chain; parts per million (ppm) are chances unless they say otherwise."""

    tokens: int = whole(DEFAULT_TOKENS, MIN_TOKENS, MAX_TOKENS, "how many tokens there are, the five hubs among them")
    pools: int = whole(240, 10, 6 * MAX_TOKENS, "how many pools there are, at most six a token")
    block_time_s: int = whole(BLOCK_TIME_S, 1, 3_600, "seconds between two blocks; prices.sim needs the same")
    seed_offset: int = whole(0, 0, 1 << 32, "added to the run's seed: another market under the same seed; prices.sim needs the same")
    warmup_blocks: int = whole(30, 0, 1_000, "blocks of trading without competitors before block 0")
    retail_per_block: int = whole(12, 0, 200, "swaps of retail traders a block, on average")
    badly_routed_ppm: int = chance(150_000, "retail swaps that go to any pool of their pair, not the best, and take a larger part of it")
    informed_hub_ppm: int = chance(300_000, "a pool between hubs that left its fee band is traded back by somebody informed, per block")
    informed_tail_ppm: int = chance(50_000, "the same for pools of the long tail, that fewer watch")
    makers_ppm: int = chance(200_000, "a block in which somebody mints or burns liquidity")
    competitor_share_ppm: int = chance(700_000, "a mispricing that pays is taken by competitors in the next block")
    contested_usd: int = whole(6, 1, 10**9, "a mispricing that pays so many US dollars after gas is left over half as often as a tiny one")
    competitor_work: int = whole(8, 0, 100, "how many mispriced pools competitors look at in a block")
    base_fee_wei: int = whole(500_000_000, 1, 10**15, "where the base fee returns to, wei a gas")
    loan_fee_bps: int = whole(5, 0, 1_000, "least fee of a flash loan; lenders.sim should not ask for less")
    own_cost_ppm: int = whole(_PPM, 0, 10 * _PPM, "part of the true cost that plans of ours are judged by: 1_000_000 is all of it")
    reorganisation_ppm: int = chance(0, "a block after which the chain goes back")
    reorganisation_depth: int = whole(2, 1, 32, "the most blocks that are dropped then")
    front_ppm: int = chance(250_000, "a block in which broadcast transactions stand before those of competitors")
    account_native: int = whole(10, 0, 10**9, "whole native coins that each account of ours has at the start")
    account_usd: int = whole(100_000, 0, 10**12, "whole US dollars' worth of each hub token that each account of ours has at the start")
    accounts: str = choice("evm", ("evm", "svm"), "what accounts of ours are: evm has nonces, svm block hashes that expire")
    broadcast_lost_ppm: int = chance(0, "a broadcast that never arrives, and nobody says so")
    broadcast_unknown_ppm: int = chance(0, "a broadcast whose answer never comes, whether it arrived or not")
    broadcast_late_ppm: int = chance(0, "a broadcast that arrives some blocks later")
    broadcast_late_blocks: int = whole(3, 1, 32, "the most blocks it is late then")
    forgotten_ppm: int = chance(0, "a transaction that waits is forgotten by the node, per block")
    outcome_old_ppm: int = chance(0, "an outcome is told as it was some blocks before")
    outcome_old_blocks: int = whole(3, 1, 32, "the most blocks before then")
    outage_ppm: int = chance(0, "a block after which the node cannot be asked")
    outage_asks: int = whole(3, 1, 1_000, "the most questions that fail then")
    answer_lost_ppm: int = chance(0, "an answer over the node's socket that never comes")
    answer_late_ppm: int = chance(0, "an answer over the node's socket that comes after up to one and a half times node_timeout_ms")
    answer_twice_ppm: int = chance(0, "an answer over the node's socket that comes twice, an older one before it")
    node: str = text(
        "", "socket of a node that the chain lives in, as `python -m tidemill_chain_sim.node` opens it; empty: in this process"
    )
    node_timeout_ms: int = whole(2_000, 10, 60_000, "how long a question to the node waits for its answer")


OURS = ("node", "node_timeout_ms", "own_cost_ppm")
"""Settings that say nothing of the chain itself."""


def chain_settings(chosen: SimSettings) -> dict[str, int | str]:
    """Return the settings, by name, that make a chain: two of equal ones and of equal seeds are the same."""
    values = attrs.asdict(cast("attrs.AttrsInstance", chosen))
    return {name: value for name, value in values.items() if name not in OURS}


def setting_names() -> tuple[str, ...]:
    """Return the names of all settings."""
    return tuple(one.name for one in attrs.fields(cast("type[attrs.AttrsInstance]", SimSettings)))


def finality_of(chosen: SimSettings) -> int:
    """Return how many heights below the newest head a block must lie so that no reorganisation drops it."""
    return chosen.reorganisation_depth if chosen.reorganisation_ppm else 0


def crossed_problems(chosen: SimSettings) -> tuple[tuple[str, str], ...]:
    """Return what is wrong between settings, as (key, message) pairs."""
    most = most_pools(chosen.tokens)
    if chosen.pools > most:
        return (("pools", f"expected at most six pools a token, {most} for {chosen.tokens} tokens, found {chosen.pools}"),)
    return ()
