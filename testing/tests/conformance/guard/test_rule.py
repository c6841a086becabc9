"""Rules as they are written, and those of every kind."""

from typing import Any, ClassVar

import attrs
import pytest

import tidemill_testing.conformance as package
from tidemill.errors import UsageError
from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.kinds import KIND_BY_NAME
from tidemill.hookspecs.plugin import settings
from tidemill_dex_uniswap.sushiswap import SushiSwap
from tidemill_testing.conformance import Broken, Conformance, DexConformance
from tidemill_testing.conformance.dex.answers import answers_of
from tidemill_testing.conformance.installed import registered_class
from tidemill_testing.conformance.other_process import OtherProcessFailed
from tidemill_testing.conformance.rule import Rule, rule, rules_of
from tidemill_testing.conformance.twin import in_twin
from tidemill_testing.plain_dex import PlainDex


def said(name: str, plugin: type, **own: Any) -> str:
    """Return what a rule of every kind says of a plugin."""
    suite: Any = type("TestOther", (Conformance,), {"kind": "dex", "prefix": "DEX", "plugin": plugin, **own})()
    with pytest.raises(Broken) as broken:
        getattr(suite, name)()
    return str(broken.value)


def test_rules_of_a_kind_carry_its_prefix_in_order() -> None:
    """Numbers 01 to 05 are those of every kind; each says what it protects and what to check."""
    methods = rules_of(DexConformance)
    numbers = [method.rule.number for method in methods]

    assert [f"DEX-0{number}" for number in range(1, 6)] == numbers[:5]
    assert sorted(set(numbers)) == numbers
    assert all(method.protects and method.hint for method in methods)
    assert "DEX-23 output must stay below the reserve" in map(str, (method.rule for method in methods))


def test_rule_of_another_form_is_refused() -> None:
    """A number that is none, a method that says nothing, one that is asynchronous."""

    async def later(self: object) -> None:
        """Say it.

        If this fails: wait.
        """

    with pytest.raises(UsageError, match="expected a rule's number such as DEX-07, found 'DEX-7'"):
        rule("DEX-7", "short")
    with pytest.raises(UsageError, match="DEX-07 mute: expected a plain method whose docstring has a part 'If this fails:'"):
        rule("DEX-07", "mute")(lambda self: None)
    with pytest.raises(UsageError, match="DEX-07 late: expected a plain method"):
        rule("DEX-07", "late")(later)  # type: ignore[type-var]  # what it refuses
    assert Rule("CHN-07", "x") == Rule("07", "x").under("CHN")


def test_package_exports_are_lazy_and_known() -> None:
    """What is exported can be listed; what is not is named."""
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="has no attribute 'FarmConformance'"):
        _ = package.FarmConformance


def test_class_that_does_not_keep_its_interface_is_told() -> None:
    """A member that is missing, by name."""

    class Half(Dex):
        name = "half"

    assert "Half lacks build_steps, decode, discover" in said("test_class_declares_what_it_is", Half)


@settings
class Strict:
    level: int
    pace: int = attrs.field(default=1, validator=attrs.validators.ge(1))


class Settled(PlainDex):
    settings: Strict


def test_settings_that_cannot_be_made_are_told() -> None:
    """A setting without a default, an instance of another class."""
    assert "$.dex.plain.level" in said("test_settings_are_read_from_the_table", Settled)
    assert "expected Strict, found Rule" in said("test_settings_are_read_from_the_table", Settled, settings=Rule("01", "x"))


def test_settings_given_as_instance_or_table_are_made() -> None:
    """Both forms give the same."""
    for given in (Strict(level=2), {"level": 2}):
        suite: Any = type("TestOther", (Conformance,), {"kind": "dex", "prefix": "DEX", "plugin": Settled, "settings": given})()
        assert Strict(level=2) == suite.make().settings


def test_refusal_at_another_place_is_told() -> None:
    """One error, at the setting itself."""

    class Crossed(Settled):
        @classmethod
        def check_settings(cls, settings: object) -> tuple[tuple[str, str], ...]:
            return ()

    assert "expected one problem at $.dex.plain.zz_no_such_setting" in said("test_wrong_settings_are_refused_at_their_place", Crossed)


def test_constructor_that_reaches_out_or_repeats_itself_is_told() -> None:
    """A file that is read, an instance that is given twice."""

    class Reading(PlainDex):
        def __init__(self, settings: object | None = None) -> None:
            super().__init__(settings)
            with open("/etc/hostname", encoding="utf-8") as file:  # noqa: PTH123 what a careless author writes
                self.host = file.read()

    class Single(PlainDex):
        made: ClassVar[dict[str, Any]] = {}

        def __new__(cls, settings: object | None = None) -> Any:
            return cls.made["only"]

    Single.made["only"] = object.__new__(Single)
    rule = "test_making_an_instance_touches_nothing"
    assert "Reading(settings) calls open '/etc/hostname' (file) at " in said(rule, Reading)
    assert "Single(settings) gave the same instance twice" in said(rule, Single)


def test_installed_plugin_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its class is what the entry point gives; where it has none it is told, unless its package is not installed at all."""
    kind = KIND_BY_NAME["dex"]
    assert SushiSwap is registered_class(kind, SushiSwap)
    assert PlainDex is registered_class(kind, PlainDex)

    monkeypatch.setattr("tidemill_testing.conformance.installed.sysconfig.get_path", lambda name: "/")
    assert "plugin dex.plain: is installed, and no entry point plain stands in tidemill.dex.v1" in said(
        "test_entry_point_leads_to_this_class", PlainDex
    )


def test_twin_answers_and_tells_what_it_cannot() -> None:
    """The work's lines come back; what it raises there is raised here in words."""
    assert [] == in_twin(answers_of, PlainDex, (PlainDex(), ()))
    with pytest.raises(OtherProcessFailed, match="in a process with PYTHONHASHSEED=4242: TypeError: "):
        in_twin(answers_of, PlainDex, (PlainDex(),))
