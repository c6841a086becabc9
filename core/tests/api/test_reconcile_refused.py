"""Where nothing can be compared it is said why, before anything is opened or made."""

import errno
from pathlib import Path

import pytest

from tidemill.api import reconcile as module
from tidemill.api.reconcile import reconcile
from tidemill.api.running import RunningInstance
from tidemill.errors import ConfigError, LedgerError, UsageError
from tidemill_store_sqlite import SqliteStore

LIVE = 'mode = "live"\n[chains.sim]\n[strategies.gone]\n[stores.sqlite]\n[books.main.accounts]\n"sim:1" = "0x' + "ac" * 20 + '"\n'


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (LIVE.replace("live", "paper"), UsageError, r'mode = "paper": what its books hold is on no chain'),
        (
            LIVE.replace("[stores.sqlite]\n", "[stores.sqlite]\nenabled = false\n"),
            UsageError,
            r"no store is enabled, and so nothing was kept: add \[stores.sqlite\]",
        ),
        (LIVE.partition("[books")[0], UsageError, r'book main has no account on sim:1: add \[books.main.accounts\] "sim:1" = '),
        (LIVE, LedgerError, "there is no ledger here"),
        (LIVE.replace("chains.sim", "chains.nowhere"), ConfigError, "nowhere"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_reconcile_is_refused_where_there_is_nothing_to_compare(
    text: str, error: type[Exception], said: str, dry_run: bool, tmp_path: Path
) -> None:
    """A mistyped folder makes no ledger; a strategy that is not installed is in nobody's way."""
    pytest.importorskip("tidemill_chain_sim", reason="the plugin is not installed beside the kernel")
    config = tmp_path / "tidemill.toml"
    config.write_text(text)

    with pytest.raises(error, match=said):
        reconcile(config, tmp_path / "data", dry_run=dry_run)
    assert [config] == list(tmp_path.iterdir())


def test_reconcile_asks_the_run_that_is_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It alone may write; --dry-run says that it is on, since what it has in hand would show as a difference."""
    asked: list[Path] = []
    monkeypatch.setattr(module, "find_running", lambda folder: RunningInstance(folder, "77", "live", 3_700))
    monkeypatch.setattr("tidemill.api.connect.Instance.reconcile", lambda instance: asked.append(instance.data))
    config = tmp_path / "tidemill.toml"
    config.write_text('mode = "live"\ndata = "kept"\n[chains.sim]\n')
    reconcile(config)

    assert [Path("kept")] == asked
    with pytest.raises(UsageError, match=r"a run is on in kept \(process 77, up 1 h 1 min\): .*`tidemill status` says"):
        reconcile(config, dry_run=True)
    monkeypatch.setattr(module, "find_running", lambda folder: RunningInstance(folder, "", "unknown"))
    with pytest.raises(UsageError, match=r"\(its process is not known, does not answer\)"):
        reconcile(config, dry_run=True)
    assert [Path("kept")] == asked


def test_reconcile_in_a_folder_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, with what works there."""
    pytest.importorskip("tidemill_chain_sim", reason="the plugin is not installed beside the kernel")

    async def refuses(_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    config = tmp_path / "tidemill.toml"
    config.write_text(LIVE)
    store = SqliteStore()
    store.open(tmp_path / "data")
    store.close()
    monkeypatch.setattr(module, "find_running", lambda _: None)
    monkeypatch.setattr("tidemill.pipeline.control_folder.ControlFolder.open", refuses)

    with pytest.raises(LedgerError, match=r"data cannot be written: Read-only file system; with --dry-run it is only read"):
        reconcile(config, tmp_path / "data")
