"""Strategies that each break just the rule which their test class names, and some that break none."""

import gc
import logging
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from time import perf_counter as ticks
from typing import Any, ClassVar

import pytest
from attrs import evolve

from tidemill import Arbitrage, Bps, Opportunity, Snapshot, Strategy, settings
from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance, Sized, Valid
from tidemill.domain.ids import BookId, ChainId, OpportunityId, Pair, PlanId, content_id
from tidemill.domain.plan import Flow, Group, Plan
from tidemill.domain.snapshot import DexPolicy
from tidemill.planning.desk import Desk
from tidemill.planning.legs import build_group, size_group
from tidemill_testing.conformance import StrategyConformance
from tidemill_testing.sim import sim_market


@settings
class GapSettings:
    """How far two pools of a pair must be apart."""

    min_edge_bps: Bps = Bps(10)


@settings
class TapeSettings(GapSettings):
    """What it wants to know beforehand."""

    tape: str = ""


class Sound(Strategy):
    """Buys where a changed pair is cheap and sells where it is dear; breaks nothing."""

    name = "sound"
    settings: GapSettings

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for pair in self.pairs(snapshot):
            cheap, dear = snapshot.cheapest(pair), snapshot.dearest(pair)
            if cheap.edge_bps(dear) >= self.settings.min_edge_bps:
                yield self.made(self.opportunity(buy=cheap, sell=dear), snapshot)

    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        return list(snapshot.changed.pairs)

    def made(self, found: Arbitrage, snapshot: Snapshot) -> Arbitrage:
        return found


class TestSound(StrategyConformance):
    plugin = Sound
    capabilities = frozenset({"trades_simulated"})


class TestSoundWithSettings(StrategyConformance):
    plugin = Sound
    settings: ClassVar[Any] = {"min_edge_bps": 50}


class Few(StrategyConformance):
    """Asks about a few blocks only: there are many wrong strategies."""

    @pytest.fixture
    def snapshots(self) -> Sequence[Snapshot]:
        return sim_market(7, needs=self.plugin.needs)


class Moody(Sound):
    """Says openly that equal snapshots may give different answers."""

    deterministic = False

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.number = next(BORN)

    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        return super().pairs(snapshot)[self.number % 2 :]


class TestMoody(Few):
    plugin = Moody


class Clock(Sound):
    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        return super().pairs(snapshot) if ticks() > 0 else []


class TestSTR10Clock(Few):
    plugin = Clock


class Stamp(Sound):
    """Takes the time from a record that it never logs."""

    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        return super().pairs(snapshot) if logging.LogRecord("", 0, "", 0, "", (), None).created > 0 else []


class TestSTR10Stamp(Few):
    plugin = Stamp


class Talking(Sound):
    """Logs what it is asked; breaks nothing."""

    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        logging.getLogger("talking").warning("asked for %d pairs", len(snapshot.changed.pairs))
        return super().pairs(snapshot)


class TestTalking(Few):
    plugin = Talking


BORN = count()


class Firstborn(Sound):
    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.number = next(BORN)

    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        return super().pairs(snapshot)[:: 1 if self.number % 2 else -1]


class TestSTR11Firstborn(Few):
    plugin = Firstborn


class Unsorted(Sound):
    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        return list(set(super().pairs(snapshot)))


class TestSTR12Unsorted(Few):
    plugin = Unsorted


class Remembers(Sound):
    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.seen: list[int] = []

    def made(self, found: Arbitrage, snapshot: Snapshot) -> Arbitrage:
        self.seen.append(found.height)
        return found


class TestSTR13Remembers(Few):
    plugin = Remembers


class Peeks(Sound):
    """At some heights it looks whether a later snapshot of the same run lies in memory."""

    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        for chain in sorted(snapshot.chains):
            height = snapshot.head(chain).height
            if 1 < height < 5:
                others = [one for one in gc.get_referrers(snapshot.refs) if isinstance(one, Snapshot)]
                if any(one.head(chain).height > height for one in others):
                    return []
        return super().pairs(snapshot)


class TestSTR14Peeks(Few):
    plugin = Peeks


LATER: dict[tuple[str, int], int] = {}


class Hoards(Sound):
    """Keeps in its module what each height looked like: from the second run on it knows what comes next."""

    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        for chain in sorted(snapshot.chains):
            height = snapshot.head(chain).height
            LATER[chain, height] = len(snapshot.changed.pairs)
            if LATER.get((chain, height + 1), 1) % 2 == 0:
                return []
        return super().pairs(snapshot)


class TestSTR14Hoards(Few):
    plugin = Hoards


class Reads(Sound):
    """Looks into the tape that its settings name."""

    settings: TapeSettings

    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        return super().pairs(snapshot) if Path(self.settings.tape).read_bytes() else []


class TestSTR10Reads(Few):
    plugin = Reads
    settings: ClassVar[Any] = {"tape": str(Path(__file__).with_name("test_strategy_rules.py"))}


class TooSure(Sound):
    def made(self, found: Arbitrage, snapshot: Snapshot) -> Arbitrage:
        return evolve(found, confidence_ppm=1_000_001)


class TestSTR15TooSure(Few):
    plugin = TooSure


class OneName(Sound):
    def made(self, found: Arbitrage, snapshot: Snapshot) -> Arbitrage:
        return evolve(found, id=OpportunityId(content_id("all", self.name, found.height)))


class TestSTR16OneName(Few):
    plugin = OneName


class Hopeful(Sound):
    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        return super().pairs(snapshot) if min(snapshot.chains) else []


class TestSTR17Hopeful(Few):
    plugin = Hopeful


class SaysYes(Sound):
    def validate_opportunity(self, opportunity: Opportunity, snapshot: Snapshot) -> Valid | Rejected:
        return super().validate_opportunity(opportunity, snapshot) if opportunity.amount else Valid(0, 0)


class TestSTR18SaysYes(Few):
    plugin = SaysYes


class Greedy(Sound):
    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        size = super().calculate_position_size(opportunity, allowance, desk)
        return size if isinstance(size, Rejected) else evolve(size, units=allowance.own + allowance.borrowed + 1)


class TestSTR19Greedy(Few):
    plugin = Greedy


class ForAnother(Sound):
    def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Plan | Rejected:
        plan = super().build_execution_plan(opportunity, size, desk)
        return evolve(plan, book=BookId("another")) if isinstance(plan, Flow) else plan


class TestSTR20ForAnother(Few):
    plugin = ForAnother


class Curious(Sound):
    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        return [] if snapshot.history.pairs else super().pairs(snapshot)


class TestSTR21Curious(Few):
    plugin = Curious


class OwnWords(Sound):
    def made(self, found: Arbitrage, snapshot: Snapshot) -> Arbitrage:
        return evolve(found, reason=type("Words", (str,), {})("cheap here"))


class TestSTR22OwnWords(Few):
    plugin = OwnWords


class Meddles(Sound):
    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        policies: Any = snapshot.policies
        policies["acme"] = DexPolicy(priority=policies.get("acme", DexPolicy()).priority + 1)
        return super().pairs(snapshot)


class TestSTR23Meddles(Few):
    plugin = Meddles


class Silent(Sound):
    def pairs(self, snapshot: Snapshot) -> list[Pair]:
        return []


class TestSTR24Silent(Few):
    plugin = Silent
    capabilities = frozenset({"trades_simulated"})


class Apart(Sound):
    """Sends both legs as transactions of their own; breaks nothing."""

    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        assert isinstance(opportunity, Arbitrage)
        return size_group(opportunity, allowance, desk)

    def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Plan | Rejected:
        assert isinstance(opportunity, Arbitrage)
        group = build_group(opportunity, size, desk, within_s=60)
        return self.grouped(group, desk) if isinstance(group, Group) else group

    def grouped(self, group: Group, desk: Desk) -> Group:
        return group


class TestSoundApart(Few):
    plugin = Apart


class TooLate(Apart):
    def grouped(self, group: Group, desk: Desk) -> Group:
        return evolve(group, deadline_ns=desk.view.now_ns)


class TestSTR25TooLate(Few):
    plugin = TooLate


class Elsewhere(Apart):
    def grouped(self, group: Group, desk: Desk) -> Group:
        return evolve(group, plans=(group.plans[0], evolve(group.plans[1], chain=ChainId("sim:7"))))


class TestSTR25Elsewhere(Few):
    plugin = Elsewhere


class TwiceOver(Apart):
    def grouped(self, group: Group, desk: Desk) -> Group:
        again = evolve(group.plans[0], id=PlanId(f"{group.id}-again"))
        return evolve(group, plans=(*group.plans, again))


class TestSTR25TwiceOver(Few):
    plugin = TwiceOver


class Demanding(Apart):
    def grouped(self, group: Group, desk: Desk) -> Group:
        first, second = group.plans
        assert isinstance(second, Flow)
        (swap,) = second.swaps
        return evolve(group, plans=(first, evolve(second, swaps=(evolve(swap, min_out=swap.min_out * 2),))))


class TestSTR25Demanding(Few):
    plugin = Demanding
