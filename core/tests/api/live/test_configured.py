"""What a configuration must say before real money moves: each thing that is missing is named with its remedy."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tidemill import RiskCheck
from tidemill.api.live.configured import static_findings
from tidemill.api.live.gates import live_setup, refuse
from tidemill.api.live.mode import wants_live
from tidemill.config.model import Config
from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance
from tidemill.domain.finding import Finding
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.plan import Plan
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import UsageError
from tidemill.pipeline.assemble import Pipeline

Made = Callable[..., Pipeline]


def wrong(pipeline: Pipeline) -> list[tuple[str, str, str]]:
    return [(one.subject, one.severity, one.message) for one in static_findings(pipeline) if one.severity != "ok"]


def test_configuration_that_says_everything_is_fine(made: Made) -> None:
    """Limits and policy are told as well, so that a person sees what was looked at."""
    found = [(one.subject, one.message, one.remedy) for one in static_findings(made())]

    assert [("risk", "limited by limits: max_trade", ""), ("policy", "sim:1: 1 key, 1 target, 1 asset", "")] == found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "[risk.limits]\nmax_trade",
            "[risk.limits]\nenabled = false\nmax_trade",
            ("risk", "error", "no risk check is enabled: nothing limits a loss"),
        ),
        ('max_trade = "1_000 USDC"', "max_open_plans = 3", ("risk", "error", "[risk.limits] limits no money")),
        ("[stores.sqlite]", "[stores.sqlite]\nenabled = false", ("store", "error", "no store is enabled: nothing could be kept")),
        ("[books.main.accounts]", "[books.main.capital]", ("books", "error", "book main has no account on sim:1")),
        ('[signer.chains."sim:1"]', '[signer.chains."sim:2"]', ("policy", "error", "nothing may be signed on sim:1")),
        ('["*"]', "[]", ("policy", "error", "sim:1 trades through {executor}, which the policy does not allow to be called")),
        ('"0.05"', '"0"', ("policy", "warning", "max_fee is 0 on sim:1: where inclusion costs anything nothing is signed")),
        (
            'per_transaction = "1_000"',
            'per_transaction = "0"',
            ("policy", "warning", "the policy lets none of {usdc} be spent, the base of book main: plans with own money in it are refused"),
        ),
    ],
)
def test_what_is_missing_is_named(old: str, new: str, expected: tuple[str, str, str], made: Made, named: SimpleNamespace) -> None:
    """One thing at a time, each with what to do."""
    changes = [(old, new)]
    if "capital" in new:
        changes.append((f'"sim:1" = "{named.account}"', 'USDC = "5"'))
    if "sim:2" in new:
        changes += [
            (f'[signer.chains."sim:1".targets]\n{named.executor} = ["*"]\n', ""),
            (named.config[named.config.index('[signer.chains."sim:1".spends') :], ""),
        ]
    pipeline = made(*changes)
    said = tuple(text.format(executor=named.executor, usdc=named.usdc) for text in expected)

    assert [said] == wrong(pipeline)
    assert all(finding.remedy for finding in static_findings(pipeline) if finding.severity != "ok")


def test_configuration_without_a_signer_says_so(made: Made, named: SimpleNamespace) -> None:
    """Nothing can be said of its policy then."""
    pipeline = made((named.config[named.config.index("[signer]") :], ""))

    assert [("policy", "error", "no [signer] says what may be signed")] == wrong(pipeline)
    with pytest.raises(UsageError, match=r"add the table \[signer\]"):
        live_setup(pipeline)


def test_books_that_share_an_account_are_refused(made: Made, named: SimpleNamespace) -> None:
    """What the chain says of one account cannot be split."""
    other = f'[books.other]\nbase = "USDC"\n[books.other.accounts]\n"sim:1" = "{named.account}"\n[signer]\n'

    assert [("books", "error", f"books main and other share the account {named.account} on sim:1")] == wrong(made(("[signer]\n", other)))


class Gut(RiskCheck):
    """Limits by what it is."""

    name = "gut"

    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        return Rejected("gut", "no")

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        return None


def test_check_that_says_nothing_of_its_limits_counts_by_its_name() -> None:
    """A plugin of others that was written to limit does limit."""
    assert ("gut",) == Gut().caps()


def test_refusal_names_everything_and_how_to_ask_again() -> None:
    """All of it in one go; what is fine, and what only warns, is no reason."""
    refuse((Finding("a", "ok", "well"), Finding("b", "warning", "hm", "look")))
    with pytest.raises(UsageError) as caught:
        refuse((Finding("c", "error", "no c", "add c"), Finding("a", "ok", "well"), Finding("d", "error", "no d", "add d")))

    assert ["live trading does not start:", "no c: add c", "no d: add d", "`tidemill doctor --live` looks at all of it again"] == str(
        caught.value
    ).splitlines()


def test_hours_on_paper_are_waived_for_real_money_alone() -> None:
    """On paper the option says nothing, and may be a slip of somebody who wanted the other thing."""
    with pytest.raises(UsageError, match="--without-paper-hours is for runs with real money alone: add --live, or leave it out"):
        wants_live(Config(), live=False, tape=None, without_paper_hours=True)
    assert wants_live(Config(mode="live"), live=True, tape=None, without_paper_hours=True)
