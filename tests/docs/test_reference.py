"""Nothing is missing in the reference: every hook, setting, error, event, rule and command stands there."""

import inspect
import re
from pathlib import Path

import attrs
import click
import pytest

import tidemill
from scripts.docs.commands import commands
from scripts.docs.configuration import plugin_classes
from scripts.docs.conformance import suites
from scripts.docs.quality import LOOKED_AT
from tests.docs.links import anchors_of
from tidemill import errors
from tidemill.api.checks.rules import STATIC_RULES
from tidemill.api.quality import RULES
from tidemill.cli.main import COMMANDS, main
from tidemill.config.model import ExecutionConfig
from tidemill.config.plugin_tables import DexHead, IsolableHead
from tidemill.config.sections import General
from tidemill.discovery.packages import PACKAGES
from tidemill.domain.events import ANSWER_EVENTS, MARKET_EVENTS, Batch
from tidemill.hookspecs.kinds import KINDS, Kind
from tidemill_testing.conformance.rule import rules_of

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
MEMBERS = ("core", "testing", "libs/*", "plugins/*/*")


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_reference_holds_every_hook_with_its_interface(kind: Kind) -> None:
    """A kind's hook, interface and every public member of the interface have a heading."""
    interface = kind.load_interface()
    members = [name for name, value in vars(interface).items() if inspect.isfunction(value) and not name.startswith("_")]
    wanted = {kind.name, kind.hook, kind.interface.lower(), *(f"{kind.interface}{name}".lower() for name in members)}

    assert set() == wanted - anchors_of(page("hooks"))


@pytest.mark.parametrize("path", sorted(PACKAGES))
def test_reference_holds_every_setting_of_every_plugin(path: str) -> None:
    """Each key of each plugin's table stands in that plugin's section, with a sentence."""
    section = page("configuration").partition(f"### `[{path}]`")[2].partition("\n## ")[0].partition("\n### ")[0]
    fields = attrs.fields(plugin_classes()[path].settings_class())
    missing = [field.alias for field in fields if f"| `{field.alias}` |" not in section]

    assert section
    assert [] == missing


@pytest.mark.parametrize("kind", [General, ExecutionConfig, DexHead, IsolableHead], ids=lambda kind: kind.__name__)
def test_reference_holds_every_key_of_the_kernel(kind: type) -> None:
    """The kernel's own tables are complete as well."""
    assert [] == [field.name for field in attrs.fields(kind) if f"| `{field.name}` |" not in page("configuration")]


def test_reference_holds_every_error() -> None:
    """Every class of the tree has a heading, and says what to do."""
    classes = {name.lower() for name, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, errors.TidemillError)}

    assert set() == classes - anchors_of(page("errors"))
    assert len(classes) == page("errors").count("What to do: ")


def test_reference_holds_every_event_with_its_fields() -> None:
    """Batch and every event have a section that names each field."""
    text = page("events")
    for event in (Batch, *MARKET_EVENTS, *ANSWER_EVENTS):
        section = text.partition(f"## `{event.__name__}`\n")[2].partition("\n## ")[0].partition("\n### ")[0]

        assert [] == [field.name for field in attrs.fields(event) if f"| `{field.name}` |" not in section], event.__name__


@pytest.mark.parametrize("kind", sorted(suites()))
def test_reference_explains_every_rule_of_conformance(kind: str) -> None:
    """Each rule has a heading, its title, what it protects, and what to check where it fails."""
    text = page(f"conformance/{kind}")
    for rule in rules_of(suites()[kind]):
        section = text.partition(f"### {rule.rule.number}\n")[2].partition("\n### ")[0]

        assert rule.rule.title in section
        assert "If this fails: " in section
        assert len(section.partition("If this fails: ")[0].split()) > len(rule.rule.title.split()), f"{rule.rule} says not what it protects"


def test_reference_has_a_suite_for_every_kind() -> None:
    """No kind is without conformance."""
    assert {kind.name for kind in KINDS} == set(suites())


def test_reference_holds_every_command() -> None:
    """Every command and subcommand has a heading."""
    found = {path for path, _ in commands(main, click.Context(main, info_name="tidemill"))}

    assert {f"tidemill {name}" for name in COMMANDS} <= found
    assert set() == {path.replace(" ", "-") for path in found} - anchors_of(page("command-line"))


def test_reference_holds_every_public_name() -> None:
    """What `import tidemill` gives is listed with its home."""
    assert [] == [name for name in tidemill.__all__ if name != "__version__" and f"| `{name}` | `tidemill." not in page("python")]


def test_reference_holds_every_rule_of_quality() -> None:
    """Each rule of quality.toml and each rule over a package's files is explained."""
    assert [] == [rule.number for rule in STATIC_RULES if f"| {rule.number} | {rule.title} |" not in page("quality")]
    assert [] == [rule for rule in RULES if f"`{rule}`" not in page("quality")]
    assert set(RULES) == set(LOOKED_AT)


def test_modules_page_holds_every_package_and_module() -> None:
    """Whoever looks for the room of a line finds each package of the workspace, each folder and module of the kernel."""
    text = (ROOT / "docs" / "modules.md").read_text("utf-8")
    sources = sorted((ROOT / "core" / "src" / "tidemill").rglob("*.py"))
    modules = [path.relative_to(ROOT).as_posix() for path in sources if path.name != "__init__.py" and "templates" not in path.parts]
    folders = [".".join(path.parent.relative_to(ROOT / "core" / "src").parts) for path in sources if path.name == "__init__.py"]
    packages = [path.parent.relative_to(ROOT).as_posix() for pattern in MEMBERS for path in ROOT.glob(f"{pattern}/pyproject.toml")]

    assert [] == [path for path in modules if f"](../{path})" not in text]
    assert [] == [name for name in folders if f"## `{name}`" not in text]
    assert [] == [name for name in packages if f"](../{name})" not in text]
    assert len(packages) > 10


def test_map_leads_to_every_folder_of_the_kernel_and_of_the_repository() -> None:
    """No folder is without the question that it answers."""
    text = (ROOT / "docs" / "map.md").read_text("utf-8")
    kernel = [path for path in (ROOT / "core" / "src" / "tidemill").iterdir() if path.is_dir() and path.name != "__pycache__"]
    others = [ROOT / name for name in ("plugins", "libs/amm", "libs/evm", "libs/simworld", "testing", "tests", "benchmarks", "scripts")]

    assert [] == [path.name for path in (*kernel, *others) if f"](../{path.relative_to(ROOT).as_posix()}" not in text]


def test_glossary_says_each_word_once() -> None:
    """A word has one meaning, in one place; every kind of plugin and every stage of the flow is explained."""
    rows = [line.split(" | ") for line in (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    words = [word.strip() for row in rows for word in re.split("[,;]", row[0].removeprefix("| "))]
    words = [word for word in words if word not in {"word", "---"}]

    assert [] == sorted({word for word in words if words.count(word) > 1})
    assert set() == GLOSSED - set(words)


GLOSSED = {"chain", "price", "DEX", "flash loan", "route", "risk check", "store", "notifier", "command", "strategy", "searcher", "lender"}
"""The words for the kinds of plugins: a reader meets them first."""
