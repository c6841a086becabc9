"""The kernel's list of our packages is made from their own pyproject.toml files."""

from pathlib import Path

import pytest

from scripts.packages import BEGIN, END, FILE, ROOT, main
from tidemill.discovery.packages import CHECKOUT, LIBS, PACKAGES


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        str(FILE): f'"""A module."""\n\n{BEGIN}\nold\n{END}\n\nkept = 1\n',
        "plugins/dex/acme/pyproject.toml": '[project]\nname = "acme-dex"\n[project.entry-points."tidemill.dex.v1"]\nb = "x"\na = "x"\n'
        '[project.entry-points.other]\nc = "x"\n',
        "libs/acme/pyproject.toml": '[project]\nname = "acme-lib"\n',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_packages_are_up_to_date() -> None:
    """The list that is committed is the one that would be written."""
    assert 0 == main(["--check"])
    assert all((ROOT / folder / "pyproject.toml").is_file() for folder in CHECKOUT.values())
    assert set(PACKAGES.values()) | {name.replace("_", "-") for name in LIBS} == set(CHECKOUT)


def test_packages_check_tells_what_is_out_of_date(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` changes nothing and names the file; writing mends it, and leaves the rest of the module alone."""
    before = (tree / FILE).read_text()
    first = main(["--check"], tree)
    unchanged = (tree / FILE).read_text()
    written = main([], tree)
    found: dict[str, object] = {}
    exec((tree / FILE).read_text(), found)

    assert (1, before, 0, 0) == (first, unchanged, written, main(["--check"], tree))
    assert "out of date: run `python -m scripts.packages`" in capsys.readouterr().out
    assert ({"dex.a": "acme-dex", "dex.b": "acme-dex"}, {"acme-dex": "plugins/dex/acme", "acme-lib": "libs/acme"}) == (
        found["PACKAGES"],
        found["CHECKOUT"],
    )
    assert (frozenset({"acme_lib"}), 1) == (found["LIBS"], found["kept"])
