"""How a risk check is asked, and how cases are varied and named."""

from collections.abc import Sequence
from typing import Any

from attrs import evolve

from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance
from tidemill.domain.ids import AssetId
from tidemill.domain.opportunity import Arbitrage, Opportunity
from tidemill.hookspecs.risk import RiskCheck
from tidemill_testing.conformance import asking
from tidemill_testing.conformance.risk.case import RiskCase, open_plan

Answer = tuple[Allowance | Rejected, Rejected | None]


def answer_of(check: RiskCheck, case: RiskCase) -> Answer:
    """Return both answers of a check to one case."""
    return check.allow(case.opportunity, case.book, case.snapshot), check.check(case.plan, case.book, case.snapshot)


def answer_digests(argument: tuple[type[RiskCheck], object, Sequence[RiskCase]]) -> list[str]:
    """Return the digest of a new instance's answers to each case."""
    plugin, settings, cases = argument
    return asking.digests(answers_of(plugin(settings), cases))


def answers_of(check: RiskCheck, cases: Sequence[RiskCase]) -> list[Answer]:
    """Return both answers to each case, one after another."""
    return [answer_of(check, case) for case in cases]


def allowed(check: RiskCheck, case: RiskCase) -> tuple[int, int]:
    """Return what is allowed of own and borrowed money, none where it is rejected."""
    answer = check.allow(case.opportunity, case.book, case.snapshot)
    return (answer.own, answer.borrowed) if isinstance(answer, Allowance) else (0, 0)


def asset_of(opportunity: Opportunity) -> AssetId:
    """Return what goes in."""
    return opportunity.asset if isinstance(opportunity, Arbitrage) else opportunity.funding


def busier(book: BookState, asset: AssetId) -> BookState:
    """Return the book with one more plan in flight, which uses one unit of an asset."""
    more = evolve(open_plan(99, 1), reserved=((asset, 1),))
    reserved = {**book.reserved, asset: book.reserved.get(asset, 0) + 1}
    return evolve(book, reserved=reserved, plans=(*book.plans, more))


def mappings_of(case: RiskCase) -> dict[str, dict[Any, Any]]:
    """Return copies of the mappings that a check could write into."""
    snapshot = case.snapshot
    return {
        "the book's balances": dict(case.book.balances),
        "what the book has reserved": dict(case.book.reserved),
        "the snapshot's books": dict(snapshot.books),
        "the snapshot's policies": dict(snapshot.policies),
        "the snapshot's chains": dict(snapshot.chains),
    }


def case_name(case: RiskCase) -> str:
    """Describe a case in a failure's message."""
    asset, found = asset_of(case.opportunity), case.opportunity
    return f"{type(found).__name__} {found.id} in {asset}, {case.book.free(asset)} free, {len(case.book.plans)} plans in flight"
