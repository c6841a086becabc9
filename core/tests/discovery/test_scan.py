"""Plugins are found by metadata alone, as importlib.metadata would find them."""

import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.scan import find_plugins

Install = Callable[..., Path]


def test_find_plugins_installed_gives_every_field(install: Install) -> None:
    """A plugin's metadata is that of its entry point and of its distribution's head."""
    site = install("acme-lag", "acme_lag")

    found = find_plugins([str(site)])

    assert (PluginMetadata("strategy", "lag", 1, "acme-lag", "1.2.3", "Trades the lag.", "acme_lag"),) == found


def test_find_plugins_imports_nothing(install: Install) -> None:
    """Listing what is installed runs none of it."""
    site = install("acme-lag", "acme_lag", "raise SystemExit('imported')")

    find_plugins([str(site)])

    assert "acme_lag" not in sys.modules


def test_find_plugins_of_this_environment_equals_importlib() -> None:
    """The own scan finds what the standard library finds, editable installs too."""
    expected = {
        (entry.group, entry.name, entry.value, distribution.metadata["Name"], distribution.version)
        for distribution in distributions()
        for entry in distribution.entry_points
        if entry.group.startswith("tidemill.")
    }

    found = {
        (f"tidemill.{one.kind}.v{one.interface_version}", one.name, one.module, one.distribution, one.version) for one in find_plugins()
    }

    assert expected == found
    assert len(expected) >= 15


def test_find_plugins_first_distribution_of_a_name_wins(install: Install, tmp_path: Path) -> None:
    """A distribution that stands earlier on the path hides a later one of the same name, as its modules do."""
    site = install("acme-lag", "acme_lag")
    earlier = tmp_path / "earlier"
    (earlier / "Acme.Lag-2.0.dist-info").mkdir(parents=True)

    assert () == find_plugins([str(earlier), str(site)])


def test_find_plugins_egg_info_is_read(tmp_path: Path) -> None:
    """The older form of metadata counts as well."""
    egg = tmp_path / "acme_lag.egg-info"
    egg.mkdir()
    (egg / "entry_points.txt").write_text("[tidemill.dex.v2]\nacme = acme_lag.dex : plugin [fast]\n")
    (egg / "PKG-INFO").write_text("Name: acme-lag\nVersion: 0.3\n")

    assert (PluginMetadata("dex", "acme", 2, "acme-lag", "0.3", "", "acme_lag.dex:plugin"),) == find_plugins([str(tmp_path)])


def test_find_plugins_zip_is_left_to_importlib(tmp_path: Path) -> None:
    """A zip file on the path is searched through importlib.metadata."""
    archive = tmp_path / "acme.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("acme_lag-1.0.dist-info/METADATA", "Name: acme-lag\nVersion: 1.0\nSummary: Zipped.\n")
        out.writestr("acme_lag-1.0.dist-info/entry_points.txt", "[tidemill.strategy.v1]\nlag = acme_lag\n")

    assert (PluginMetadata("strategy", "lag", 1, "acme-lag", "1.0", "Zipped.", "acme_lag"),) == find_plugins([str(archive)])


def test_find_plugins_other_finders_are_asked(monkeypatch: pytest.MonkeyPatch, install: Install) -> None:
    """What a finder of a frozen program knows is found too, once."""
    site = install("acme-lag", "acme_lag")
    known = list(distributions(path=[str(site)]))

    class Frozen:
        @staticmethod
        def find_spec(*_: object) -> None:
            return None

        @staticmethod
        def find_distributions(_: object) -> object:
            return known

    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Frozen])

    assert ["lag"] == [plugin.name for plugin in find_plugins()]


@pytest.mark.parametrize("entry", ["missing", "/dev/null"])
def test_find_plugins_useless_path_gives_nothing(entry: str) -> None:
    """Entries of the path that hold nothing are passed over."""
    assert () == find_plugins([entry])


def test_find_plugins_unreadable_folder_gives_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder that may not be listed holds nothing that could be imported."""

    def refuse(_: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr("os.scandir", refuse)

    assert () == find_plugins([str(tmp_path)])


@pytest.mark.parametrize(
    ("kind", "version", "words"),
    [
        ("strategy", 2, "version 2 of the strategy interface, this tidemill supports version 1: install a newer tidemill"),
        ("strategy", 0, "install a newer acme-lag"),
        ("oracle", 1, "is of kind oracle, which this version of tidemill does not know"),
    ],
)
def test_refusal_other_interface_says_both_versions(kind: str, version: int, words: str) -> None:
    """A plugin made for another interface says which version it is made for and which is supported."""
    plugin = PluginMetadata(kind, "lag", version, "acme-lag", "1", "", "acme_lag")

    assert words in str(plugin.refusal)


def test_path_unknown_kind_is_the_kind() -> None:
    """A kind without a folder is shown by its own name."""
    assert ["strategies.lag", "oracle.lag"] == [
        PluginMetadata(kind, "lag", 1, "acme-lag", "1", "", "acme_lag").path for kind in ("strategy", "oracle")
    ]
