"""FLOW agrees with the kinds, their modules and hooks, and the plugins' folders."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from tidemill.hookspecs.kinds import KINDS, Kind
from tidemill.hookspecs.markers import PROJECT
from tidemill.stages.flow import FLOW, WIDTH, draw_flow

ROOT = Path(__file__).parents[3]
STAGES = {
    "chain": ["sources", "planning", "execution"],
    "price": ["sources"],
    "dex": ["market", "planning"],
    "lender": ["market", "planning"],
    "search": ["ideas"],
    "strategy": ["ideas"],
    "risk": ["risk", "planning"],
    "codec": ["execution"],
    "store": ["ledger"],
    "notifier": ["notify"],
    "command": ["notify"],
}
LINES = ("What to return:", "When:", "Must not:", "Raises:", "Example:")

kinds = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])


@kinds
def test_flow_kind_serves_the_stages_it_should(kind: Kind) -> None:
    """A kind stands in exactly the stages that it serves."""
    assert STAGES[kind.name] == [stage.name for stage in FLOW if kind.name in stage.kinds]


@kinds
def test_flow_kind_has_interface_and_hook_with_five_lines(kind: Kind) -> None:
    """A kind's module holds its interface and one hook, whose docstring says the five things that an author asks."""
    module = import_module(kind.module)
    hooks = [name for name, member in inspect.getmembers(module, inspect.isfunction) if hasattr(member, f"{PROJECT}_spec")]
    lines = [line.strip() for line in (inspect.getdoc(getattr(module, kind.hook)) or "").splitlines()[1:] if line.strip()]

    assert [kind.hook] == hooks
    assert list(LINES) == [f"{line.partition(':')[0]}:" for line in lines]
    assert all(line.partition(":")[2].strip() for line in lines)
    assert kind.version == kind.load_interface().interface_version  # type: ignore[attr-defined]
    assert kind.interface == kind.load_interface().__name__


@kinds
def test_flow_kind_has_a_folder_with_a_plugin(kind: Kind) -> None:
    """A kind has a real plugin in ``plugins/<folder>``."""
    assert [] != list((ROOT / "plugins" / kind.folder).glob("*/pyproject.toml"))


def test_flow_folders_of_the_checkout_all_belong_to_a_kind() -> None:
    """No folder under ``plugins`` is unknown to the kernel."""
    folders = {kind.folder for kind in KINDS}

    assert folders == {path.parent.parent.name for path in ROOT.glob("plugins/*/*/pyproject.toml")}


def test_flow_stages_join() -> None:
    """What a stage gives is what the next takes."""
    assert [stage.gives for stage in FLOW[:-1]] == [stage.takes for stage in FLOW[1:]]
    assert len(FLOW) == len({stage.name for stage in FLOW})


def test_draw_flow_shows_stages_values_and_folders_in_order() -> None:
    """The picture names every stage, what it gives and the folders of its plugins, in the order of the flow."""
    picture = draw_flow()
    words = [word for stage in FLOW[:-1] for word in (f"│ {stage.name} ", f"│ {stage.gives}")]
    places = [picture.index(word) for word in words]

    assert sorted(places) == places
    assert all(kind.folder in picture for kind in KINDS)


def test_draw_flow_with_plugins_shows_each_behind_its_box() -> None:
    """Plugins stand in every box that they serve; a kind without one says none; no line is broken inside a name."""
    many = [f"venue{number} 1.{number}" for number in range(12)]
    picture = draw_flow({"dex": many, "store": ["sqlite 0.1.0"], "price": ["ω" * 90]})

    assert [2] * 12 == [picture.count(name + " ") for name in many]
    assert 1 == picture.count("sqlite 0.1.0")
    assert "notifiers    none" in picture
    assert 90 == picture.count("ω")


def test_draw_flow_boxes_are_closed_and_answers_come_back() -> None:
    """Every box has the same width, and a line leads from execution back to the market."""
    lines = draw_flow({"chain": ["sim 0.1.0"]}).splitlines()
    boxes = [line for line in lines if line[0] in "┌└│"]
    back = [place for place, line in enumerate(lines) if line[WIDTH:].strip().startswith(("◀", "───┘"))]

    assert {"┐", "┘", "│"} == {line[WIDTH - 1] for line in boxes}
    assert ["market", "execution"] == [lines[place].split()[1] for place in back]
    assert {"   │"} == {line[WIDTH:] for line in lines[back[0] + 1 : back[1]]}
