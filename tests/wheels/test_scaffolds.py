"""What `tidemill new plugin` writes works at once, for somebody who has nothing but wheels."""

import os
from pathlib import Path

import pytest

from tests.bare import Bare
from tests.commands import Tidemill
from tidemill.hookspecs.kinds import KINDS


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_scaffold_of_every_kind_passes_its_own_tests_from_wheels(kind: str, authors: Bare, tidemill: Tidemill, tmp_path: Path) -> None:
    """A new package is green before its first edit, beside those of the other kinds; no checkout is needed."""
    made = tidemill("new", "plugin", kind, "demo", "--dir", str(tmp_path))
    assert (0, "") == (made.code, made.err)
    package = next(tmp_path.glob("*/pyproject.toml")).parent

    installed = authors.install(str(package))
    assert 0 == installed.code, installed.err
    tested = authors.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=package)

    assert 0 == tested.code, tested.out + tested.err
    listed = authors.run("tidemill", "plugins", "--json", cwd=tmp_path)
    assert (package.name, kind) in {(line["distribution"], line["kind"]) for line in listed.lines}
    assert not os.access(package / "build", os.F_OK)
