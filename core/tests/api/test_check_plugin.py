"""Checking a plugin: what it takes for a package, quality.toml and its levels, bounds on versions."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.api.check_plugin import check_plugin
from tidemill.api.checks.quality import level_of
from tidemill.api.checks.rules import STATIC_RULES
from tidemill.api.checks.source import read_source
from tidemill.api.quality import LEVELS, RULES
from tidemill.discovery.versions import parse_requirement
from tidemill.errors import UsageError

Write = Callable[..., Path]
Changes = dict[str, str | tuple[str, str] | None]


def replaced(name: str, old: str, new: str) -> Changes:
    """Gives the change of one text in a file of the sound package."""
    return {name: (old, new)}


PROJECT = "pyproject.toml"
QUOTING = "src/acme_dex/quoting.py"

UNDONE: list[tuple[str, Changes, str]] = [
    ("readme", {"README.md": "x"}, "says next to nothing"),
    ("licence", {PROJECT: ('license = "MIT"\n', ""), "LICENSE": None}, "no licence is stated"),
    ("licence", {"LICENSE": None}, "there is no LICENSE"),
    ("typed", {"src/acme_dex/py.typed": None}, "src/acme_dex has no py.typed"),
    ("typed", replaced(QUOTING, "(amount: int", "(amount"), "src/acme_dex/quoting.py:4 out has arguments or an answer without a type"),
    ("typed", replaced(QUOTING, "*more: int", "*more"), "src/acme_dex/quoting.py:4 out has arguments"),
    ("conformance", replaced("tests/test_conformance.py", "TestLag", "Lag"), "no test derives from the suite of kind strategy"),
    ("settings-documented", {"README.md": "# Acme\n\nTrades.\n"}, "the README does not say what fee_ppm means"),
    ("changelog", {"CHANGELOG.md": None}, "there is no CHANGELOG.md"),
    ("coverage", {"tests/test_conformance.py": None}, "there are no tests"),
]


def test_check_entry_point_of_an_object_is_left_to_the_object(package: Write) -> None:
    """Hooks may stand on an object in the module: that it is there is all that its text shows."""
    module = package(**replaced(PROJECT, '"acme_dex.lag"', '"acme_dex.lag:plugin"'))
    (module / "src/acme_dex/lag.py").write_text("class Plugin:\n    pass\n\n\nplugin = Plugin()\n")

    assert () == check_plugin(module, run_tests=False).breaches


@pytest.mark.parametrize(
    ("group", "seen", "broken"),
    [
        ("command", "tidemill.signing.protocol", False),
        ("command", "tidemill.ledger.digest", True),
        ("store", "tidemill.ledger.digest", False),
        ("store", "tidemill.signing.protocol", True),
        ("risk", "tidemill.signing.protocol", True),
    ],
)
def test_check_kernel_that_one_kind_sees_is_hidden_from_others(package: Write, group: str, seen: str, *, broken: bool) -> None:
    """A command speaks to runs as a signer does, a store knows the ledger; what one kind may import, another may not."""
    entry = f'[project.entry-points."tidemill.{group}.v1"]\nacme = "acme_dex.{group}"\n'
    dex = '[project.entry-points."tidemill.dex.v1"]'
    changed: Changes = {PROJECT: (dex, f"{entry}\n{dex}"), f"src/acme_dex/{group}.py": f"import {seen}\n"}
    found = check_plugin(package(**changed), run_tests=False)

    assert broken == any(breach.rule == "PKG-08" and f"{seen} is not public" in breach.message for breach in found.breaches)


def test_check_sound_package_breaks_no_rule(package: Write) -> None:
    """Nothing is found where nothing is wrong, also in code that only looks alike."""
    found = check_plugin(package(), run_tests=False)

    assert ((), True, ("dex.acme", "strategies.acme"), "acme-dex", "0.1.0") == (
        found.breaches,
        found.green,
        found.plugins,
        found.distribution,
        found.version,
    )


@pytest.mark.parametrize(("rule", "changed", "reason"), UNDONE)
def test_check_done_that_is_not_done_is_told(rule: str, changed: Changes, reason: str, package: Write) -> None:
    """PKG-18 looks at what can be seen, and names the reason."""
    done: Changes = {"quality.toml": (f'{rule} = "todo"', f'{rule} = "done"')}
    sound = check_plugin(package(**done), run_tests=False)
    assert () == sound.breaches
    found = check_plugin(package(**done, **changed), run_tests=False)

    assert any(reason in breach.message for breach in found.breaches)


def test_check_every_rule_has_a_failing_example() -> None:
    """A rule that nothing breaks is no rule; numbers are unique and in order."""
    numbers = [rule.number for rule in STATIC_RULES]
    tables = [path.read_text("utf-8") for path in Path(__file__).parent.glob("test_check_rules_*.py")]

    assert sorted(set(numbers)) == numbers
    assert set(numbers) == {number for table in tables for number in re.findall(r'^ {4,8}\(?"(PKG-\d\d)",', table, re.MULTILINE)}
    assert all(rule.why.endswith(".") for rule in STATIC_RULES)


def test_level_is_the_highest_whose_rules_are_done_or_exempt(package: Write) -> None:
    """A level needs those below it; what a run showed undone does not count."""
    levels = list(LEVELS)
    bronze = [*LEVELS["bronze"]]
    silver = {"recorded-answers": '{ exempt = "it has none" }', "coverage": '"done"', "changelog": '"todo"', "soak": '"done"'}
    answers = {**dict.fromkeys(RULES, '"todo"'), **dict.fromkeys(bronze, '"done"'), **silver}
    text = "[rules]\n" + "".join(f"{rule} = {answer}\n" for rule, answer in answers.items())
    source = read_source(package(**{"quality.toml": text}))

    assert ("bronze", ("changelog",)) == level_of(source)
    assert ("", ("conformance",)) == level_of(source, frozenset({"conformance"}))
    everything = "[rules]\n" + "".join(f'{rule} = {{ exempt = "it is a toy" }}\n' for rule in RULES)
    assert (levels[-1], ()) == level_of(read_source(package(**{"quality.toml": everything})))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({PROJECT: None}, r"is no plugin: it has no pyproject.toml; `tidemill new plugin"),
        ({PROJECT: "[project"}, "cannot be read as TOML"),
        ({PROJECT: "[project]\nname = 'x'\n"}, "is no plugin: no .* has a group of Tidemill's; the groups are tidemill.chain.v1"),
        ({PROJECT: "[project.entry-points]\nconsole = 1\n[project.entry-points.x]\na = 'b'\n"}, "is no plugin"),
    ],
)
def test_check_what_is_no_plugin_is_a_usage_error(changed: Changes, message: str, package: Write) -> None:
    """A folder that holds no plugin is not called a bad one."""
    with pytest.raises(UsageError, match=message):
        check_plugin(package(**changed))


def test_check_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    """A folder that is not there is said so."""
    with pytest.raises(UsageError, match="there is no such folder"):
        check_plugin(tmp_path / "nothing")


def test_check_sources_beside_pyproject_are_read_without_tests(package: Write) -> None:
    """A flat layout is a layout: modules beside pyproject.toml, tests and what tools leave are not part of them."""
    folder = package()
    (folder / "src" / "acme_dex").rename(folder / "acme_dex")
    (folder / "src").rmdir()
    for name in ("build/lib/acme_dex/x.py", ".venv/x.py", "conftest.py", "test_x.py", "setup.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import nothing_declared")

    source = read_source(folder)

    assert {"acme_dex", "acme_dex.adapter", "acme_dex.quoting", "acme_dex.lag"} == set(source.modules)
    assert (folder,) == source.roots
    assert () == check_plugin(folder, run_tests=False).breaches


@pytest.mark.parametrize(
    ("text", "version", "below"),
    [
        ("x>=0.1,<0.2", "0.1.0", None),
        ("x>=0.1,<0.2", "0.1.9.dev1", None),
        ("x<0.1", "0.1.0", True),
        ("x<=0.1", "0.1", None),
        ("x<=0.1", "0.1.1", True),
        ("x>0.1", "0.1.0", False),
        ("x>0.1", "0.1.1", None),
        ("x~=0.1.2", "0.1.9", None),
        ("x~=0.1.2", "0.1.1", False),
        ("x~=0.1.2", "0.2.0", True),
        ("x==0.1", "0.1.0", None),
        ("x==0.2", "0.1.0", False),
        ("x==0.1.*", "0.1.7", None),
        ("x==0.2.*", "0.1.7", False),
        ("x!=0.1.0", "0.1.0", False),
        ("x!=0.1.*", "0.1.7", False),
        ("x!=0.2.*", "0.1.7", None),
        ("x[extra] (>=1) ; python_version < '4'", "1.0", None),
        ("x", "0.1.0", None),
    ],
)
def test_bounds_say_whether_a_release_lies_within(text: str, version: str, below: bool | None) -> None:
    """PEP 440's signs, as far as releases go."""
    bounds = parse_requirement(text)
    assert bounds is not None

    assert below is bounds.below(version)
    assert (below is None) is bounds.allows(version)


def test_requirement_without_a_name_is_none() -> None:
    """What is no requirement is left to others to complain about."""
    assert parse_requirement(">=1") is None
