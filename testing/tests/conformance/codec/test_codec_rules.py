"""Every rule of codecs is broken by a codec that breaks just that, and by no other."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tidemill_testing.conformance import CodecConformance
from tidemill_testing.conformance.rule import Broken, rules_of

WRONG = Path(__file__).with_name("wrong.py")
OWN = [method.rule.number for method in rules_of(CodecConformance) if method.rule.number > "COD-09"]


@pytest.fixture(scope="module")
def ran(outcomes: Callable[..., Any]) -> Any:
    """The suites of all the wrong codecs, run once."""
    return outcomes(WRONG, "--conformance-examples=20")


@pytest.mark.parametrize("number", OWN)
def test_rule_is_broken_by_the_codec_that_breaks_it(ran: Any, number: str) -> None:
    """Just that rule goes red, and its message begins with its number."""
    (name,) = [name for name in ran.by_class if name.startswith(f"Test{number.replace('-', '')}")]
    red = ran.red(name)
    assert [number] == sorted(red), red
    assert red[number].startswith(f"{number} ")


@pytest.mark.parametrize("name", ["TestSound", "TestSoundDeclaresNothing"])
def test_sound_codec_breaks_no_rule(ran: Any, name: str) -> None:
    """The codec that the wrong ones are made from keeps every rule."""
    assert {} == ran.red(name)


@pytest.fixture
def cases(wrong: ModuleType) -> Any:
    """The cases of the wrong codecs."""
    return wrong.everyday()


def suite_of(wrong: ModuleType, plugin: type) -> Any:
    """A suite of a codec, to ask one rule of."""
    return type("TestMore", (wrong.Kept,), {"plugin": plugin, "capabilities": frozenset({"names_chain"})})()


def test_suite_without_cases_says_so(wrong: ModuleType) -> None:
    """A codec that is asked nothing keeps no rule."""
    with pytest.raises(Broken, match="expected at least two cases from the fixture `cases` of TestMore, found 0"):
        suite_of(wrong, wrong.Sound).test_only_computes(())


def test_scheme_without_a_case_must_be_refused(wrong: ModuleType, cases: Sequence[Any]) -> None:
    """A codec that gives addresses of a scheme which nobody tried is told."""
    with pytest.raises(Broken, match="secp256k1, of which no case is, has an account"):
        suite_of(wrong, wrong.OneScheme).test_public_key_has_its_account(wrong.of_ed25519(cases))
    suite_of(wrong, wrong.OneSchemeRefused).test_public_key_has_its_account(wrong.of_ed25519(cases))


@pytest.mark.parametrize(
    ("changed", "rule", "expected"),
    [
        ({"read": lambda self, chain, payload: self.nothing}, "test_payload_reads_as_its_author_says", "expected a Reading, found"),
        ({"amount": lambda self, raw: True}, "test_reading_is_well_formed", "it has the figure True"),
        ({"fee": lambda self, fee: fee / 1}, "test_reading_is_well_formed", "it has the figure 21.0"),
        ({"namespace": "Test"}, "test_other_namespace_is_refused", "expected a namespace of CAIP-2"),
        ({"namespace": "testing"}, "test_other_namespace_is_refused", "a case is of test:12, the codec's namespace is testing"),
        ({"message": lambda self, payload: payload}, "test_joined_opens", "expected a digest of 32 bytes to sign"),
        ({"transaction_name": lambda self, raw: ""}, "test_joined_opens", "its name is ''"),
        ({"holds": lambda self, found, message, signature: False}, "test_joined_opens", "joined with its own signature it is Unreadable"),
    ],
)
def test_codec_broken_another_way_is_told(
    wrong: ModuleType, cases: Sequence[Any], changed: dict[str, Any], rule: str, expected: str
) -> None:
    """Rules that can be broken in more than one way tell each in its own words."""
    plugin = type("Wrong", (wrong.Sound,), {**changed, "nothing": None})
    with pytest.raises(Broken) as broken:
        getattr(suite_of(wrong, plugin), rule)(cases)

    assert expected in str(broken.value)
