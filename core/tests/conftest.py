"""Fixtures for plugins that exist only inside a test."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution of one module into a folder of ``sys.path``: its metadata and its source, nothing more.

    Call it with the distribution's name, the module's name and source, ``kind``, the entry points' ``names``, and the ``interface``
    version; it returns the folder.
    """
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def put(
        distribution: str,
        module: str,
        source: str = "",
        *,
        kind: str = "strategy",
        names: tuple[str, ...] = ("lag",),
        interface: int = 1,
        version: str = "1.2.3",
        summary: str = "Trades the lag.",
        value: str = "",
    ) -> Path:
        metadata = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir()
        entries = "\n".join(f"{name} = {value or module}" for name in names)
        (metadata / "entry_points.txt").write_text(f"[console_scripts]\nx = y:z\n\n[tidemill.{kind}.v{interface}]\n{entries}\n")
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {distribution}\nVersion: {version}\nSummary: {summary}\n\nSummary: not this one\n"
        )
        if source:
            (site / f"{module}.py").write_text(source)
        return site

    yield put
    for name, loaded in list(sys.modules.items()):
        if str(getattr(loaded, "__file__", None) or "").startswith(str(site)):
            del sys.modules[name]
