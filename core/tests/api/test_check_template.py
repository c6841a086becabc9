"""The whole check on a package that ``tidemill new plugin`` writes: green at once, red by number and name when something is broken."""

from pathlib import Path

from tidemill.api.check_plugin import check_plugin
from tidemill.api.scaffold import new_plugin


def test_check_new_plugin_is_green_and_bronze(tmp_path: Path) -> None:
    """Nothing is red in what an author starts from, and every rule of its suite ran."""
    found = check_plugin(new_plugin("notifier", "acme", tmp_path).folder)

    assert (True, (), (), "", "bronze") == (found.green, found.red, found.breaches, found.problem, found.level)
    assert {"held"} == {rule.outcome for rule in found.rules if rule.outcome != "not_declared"}
    assert ("notifiers.acme",) == found.plugins


def test_check_weakened_and_broken_plugin_is_red_by_number_and_name(tmp_path: Path) -> None:
    """A rule that the author took out is red by its number, as is a rule over the files; no level is reached."""
    folder = new_plugin("notifier", "acme", tmp_path).folder
    tests = folder / "tests" / "test_conformance.py"
    text = tests.read_text()
    place = text.index("\n", text.index("(NotifierConformance):")) + 1
    tests.write_text(text[:place] + "    test_class_declares_what_it_is = None\n" + text[place:])
    module = next(folder.glob("src/*/__init__.py"))
    module.write_text(module.read_text() + "\nimport tidemill.pipeline.core\n")

    found = check_plugin(folder)

    assert (False, "") == (found.green, found.level)
    assert "PKG-08 only the public kernel is imported" in found.red
    assert any(name.startswith("NOT-01 ") for name in found.red)
    assert "conformance" in found.missing
