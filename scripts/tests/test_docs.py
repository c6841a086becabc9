"""Pages that are made from code are up to date, and the check can tell when they are not."""

from pathlib import Path

import pytest

from scripts import docs


def test_docs_pages_are_up_to_date() -> None:
    """What stands in docs/ is what the code says."""
    assert 0 == docs.main(["--check"])


def test_docs_check_names_a_stale_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A page that differs is named with its remedy; writing mends it."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "flow.md").write_text("old", "utf-8")
    monkeypatch.setattr(docs, "ROOT", tmp_path)

    assert 1 == docs.main(["--check"])
    assert "docs/flow.md: out of date" in capsys.readouterr().out
    assert 0 == docs.main([])
    assert 0 == docs.main(["--check"])
