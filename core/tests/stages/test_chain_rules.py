"""A chain's rules behind their guard say of themselves what they say without it."""

from tidemill.domain.history import Wants
from tidemill.hookspecs.chain import ChainRules
from tidemill.pipeline.supervise import Supervisor
from tidemill.stages.chain_rules import GuardedRules
from tidemill_testing.plain_chain import COIN, TOKEN, SoundRules

NAMES = tuple(ChainRules.__annotations__)


class Unusual(SoundRules):
    """Rules of which no attribute has its default."""

    spends_balance = False
    guards_balance = False
    dollars = (TOKEN, COIN)
    lifetime = 150
    finality = 32
    play_money = True
    targets = ("0xa1",)
    needs = Wants(own_plans=3)


def test_every_attribute_of_rules_passes_their_guard() -> None:
    """One that is forgotten has its default there: a chain that goes back would seem to be final at once."""
    rules = Unusual()
    guarded = GuardedRules(rules, "chains.acme", Supervisor({}, 5))

    assert [] == [name for name in NAMES if hasattr(ChainRules, name) and getattr(ChainRules, name) == getattr(rules, name)]
    assert {name: getattr(rules, name) for name in NAMES} == {name: getattr(guarded, name) for name in NAMES}
