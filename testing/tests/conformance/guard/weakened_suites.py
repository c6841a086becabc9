"""Suites that are weakened in every way there is; test_guard.py runs them."""

from typing import Any, ClassVar

import pytest

from tidemill.hookspecs.plugin import Plugin
from tidemill_testing.conformance import Conformance
from tidemill_testing.conformance.rule import rule
from tidemill_testing.plain_dex import PlainDex


class Small(Conformance):
    """A suite of two rules of its own, as a module of suites would hold it."""

    kind: ClassVar[str] = "dex"
    prefix: ClassVar[str] = "DEX"
    may_give: ClassVar[frozenset[str]] = Conformance.may_give | {"number", "given"}
    capability_names: ClassVar[frozenset[str]] = frozenset({"polite"})
    number: ClassVar[int] = 1

    @pytest.fixture
    def given(self) -> int:
        return 1

    @rule("DEX-91", "the number is one")
    def test_number_is_one(self, given: int) -> None:
        """One.

        If this fails: give one.
        """
        if self.number != given:
            self.broken(f"the number is {self.number}")

    @rule("DEX-92", "the number is counted", needs="counts")
    def test_number_is_counted(self) -> None:
        """Counted.

        If this fails: count.
        """
        assert self.number == 1

    def helped(self) -> int:
        return self.number


# What the guard knows a suite by
Small.__module__ = "tidemill_testing.conformance.small"


class Of(Small):
    plugin: ClassVar[type[Plugin]] = PlainDex


class TestWhole(Of):
    capabilities = frozenset({"counts", "polite"})


class TestLess(Of):
    """Declares nothing."""


class TestExempt(Of):
    number = 2
    exempt: ClassVar[dict[str, str]] = {"DEX-91": "the venue has two"}


class TestBroken(Of):
    number = 2


class TestRaises(Of):
    number = 2
    capabilities = frozenset({"counts"})


class TestOverridden(Of):
    def test_number_is_one(self, given: int) -> None:
        pass


class TestOverriddenAsRule(Of):
    @rule("DEX-91", "the number is any")
    def test_number_is_one(self, given: int) -> None:
        """Any.

        If this fails: it cannot.
        """


class TestDeleted(Of):
    test_number_is_one: Any = None


@pytest.mark.skip(reason="tomorrow")
class TestSkippedClass(Of):
    pass


class TestSkippedIf(Of):
    pytestmark = pytest.mark.skipif(False, reason="never")


@pytest.mark.xfail(reason="we know")
class TestExpectedToFail(Of):
    number = 2


class TestExpectedToFailAndHolds(Of):
    pytestmark = pytest.mark.xfail(strict=False, reason="we fear")


class TestSkippingFixture(Of):
    @pytest.fixture
    def given(self) -> int:
        pytest.skip("no data")


class TestXfailingFixture(Of):
    @pytest.fixture
    def given(self) -> int:
        pytest.xfail("no luck")


class TestRaisingFixture(Of):
    @pytest.fixture
    def given(self) -> int:
        raise OSError("no disk")


class TestParametrizedAway(Of):
    @pytest.fixture(params=[])
    def given(self, request: pytest.FixtureRequest) -> int:
        return int(request.param)


class TestMutedReport(Of):
    def broken(self, facts: str) -> Any:
        """Say nothing."""

    number = 2


class TestOtherHelper(Of):
    def helped(self) -> int:
        return 1


class TestExemptWithoutReason(Of):
    exempt: ClassVar[dict[str, str]] = {"DEX-91": " ", "DEX-99": "there is none"}


class TestExemptList(Of):
    exempt = ["DEX-91"]  # type: ignore[assignment]  # noqa: RUF012 what the guard looks for


class TestUnknownCapability(Of):
    capabilities = frozenset({"count"})


class TestCapabilityText(Of):
    capabilities = "counts"  # type: ignore[assignment]  # what the guard looks for


class TestCapabilitiesProperty(Of):
    @property
    def capabilities(self) -> frozenset[str]:  # type: ignore[override]  # what the guard looks for
        return frozenset()


class TestExemptProperty(Of):
    @property
    def exempt(self) -> dict[str, str]:  # type: ignore[override]  # what the guard looks for
        return {"DEX-91": "the venue has two"}


class TestTurned(Of):
    def __getattribute__(self, name: str) -> Any:
        return (lambda facts: None) if name == "broken" else super().__getattribute__(name)


class TestMutedInSetup(Of):
    number = 2

    def setup_method(self) -> None:
        self.broken: Any = lambda facts: None


class TestSkippedInSetup(Of):
    @classmethod
    def setup_class(cls) -> None:
        pytest.skip("not here")


class NotCollected(Of):
    """pytest passes it over because of its name."""


class TestNotATest(Of):
    __test__ = False
