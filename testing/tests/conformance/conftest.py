"""Runs a file of suites inside the test's own process and gives what became of each rule."""

import json
import sys
from collections.abc import Callable, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from attrs import frozen


@frozen
class Ran:
    """One run of pytest: its exit code and, by class and rule, outcome and message."""

    exit_code: int
    by_class: Mapping[str, Mapping[str, tuple[str, str]]]

    def red(self, name: str) -> dict[str, str]:
        """Return the rules of a class that do not hold, with their messages."""
        return {number: message for number, (outcome, message) in self.by_class[name].items() if outcome == "broken"}

    def __getitem__(self, name: str) -> Mapping[str, tuple[str, str]]:
        return self.by_class[name]


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """Gives ``outcomes(path, *arguments)``: pytest over a file, or ``path::Class``, with the conformance plugin alone."""

    def run(path: Path | str, *arguments: str) -> Ran:
        folder = tmp_path_factory.mktemp("suites")
        page = folder / "report.json"
        (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n", "utf-8")
        options = ("-q", "-c", str(folder / "pytest.ini"), f"--rootdir={folder}", "-p", "no:cacheprovider", "-p", "no:xdist")
        code = pytest.main([*options, "--no-header", "--tb=short", f"--conformance-report={page}", *arguments, str(path)])
        by_class: dict[str, dict[str, tuple[str, str]]] = {}
        for entry in json.loads(page.read_text("utf-8")) if page.is_file() else []:
            by_class.setdefault(entry["class"], {})[entry["rule"]] = (entry["outcome"], entry["message"])
        return Ran(int(code), by_class)

    return run


@pytest.fixture(scope="module")
def wrong(request: pytest.FixtureRequest) -> ModuleType:
    """Gives the module ``wrong.py`` beside the test, for tests that ask one rule of one more class."""
    path = request.path.with_name("wrong.py")
    name = f"wrong_{path.parent.name}"
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Settings and pickles look their class up by its module
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
