"""Files are changed in place: comments stay, and a change that would not load is not made."""

from pathlib import Path

import pytest

from tidemill.config.edit import edit_config, edit_text, write_text
from tidemill.errors import ConfigError, UsageError

TEXT = """# head
seed = 1  # why

[dex.uniswap]  # the first
# about fees
fee_bps = 30
"""


def test_edit_text_keeps_comments_and_order() -> None:
    """Only the values that change change."""
    found = edit_text(TEXT, {("seed",): 2, ("dex", "uniswap", "fee_bps"): 5, ("dex", "uniswap", "priority"): 3})

    assert TEXT.replace("seed = 1", "seed = 2").replace("fee_bps = 30", "fee_bps = 5\npriority = 3") == found


def test_edit_text_removes_and_adds_tables() -> None:
    """None removes a key; tables that are missing are added; a DEX in an array is found by name or added."""
    assert "seed" not in edit_text(TEXT, {("seed",): None, ("seeds",): None})
    assert "[strategies.triangular]\nenabled = false\n" in edit_text(TEXT, {("strategies", "triangular", "enabled"): False})
    array = '[[dex]]\nname = "uniswap" # ours\n'
    assert '[[dex]]\nname = "uniswap" # ours\nfee_bps = 5\n' == edit_text(array, {("dex", "uniswap", "fee_bps"): 5})
    assert '[[dex]]\nname = "orca"\nfee_bps = 5\n' in edit_text(array, {("dex", "orca", "fee_bps"): 5})


def test_edit_text_through_a_value_is_refused() -> None:
    """A name that leads through a value is a usage error."""
    with pytest.raises(UsageError, match="seed is not a table: x cannot be set in it"):
        edit_text(TEXT, {("seed", "x"): 1})


def test_edit_config_writes_the_file_or_leaves_it(tmp_path: Path) -> None:
    """A change that loads is written; one that does not leaves the file as it was."""
    path = tmp_path / "tidemill.toml"
    path.write_text(TEXT)

    edit_config(path, {("seed",): 9})
    with pytest.raises(ConfigError, match=r"\$\.seed  expected a whole number"):
        edit_config(path, {("seed",): "x"})

    assert (TEXT.replace("seed = 1", "seed = 9"), [path]) == (path.read_text(), list(tmp_path.iterdir()))


def test_write_text_where_nothing_can_be_written_says_so(tmp_path: Path) -> None:
    """A folder that is not there is a usage error with the system's reason."""
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        write_text(tmp_path / "none" / "x.toml", "")
