"""``tidemill doctor``: one short line where all is well, a remedy where it is not."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Tidemill = Callable[..., Result]


def test_doctor_sound_prints_one_line_each(tidemill: Tidemill) -> None:
    """Without a configuration everything is fine: exit code 0, and the last line says so."""
    result = tidemill("doctor")
    lines = result.stdout.splitlines()

    assert (0, "all is well") == (result.exit_code, lines[-1])
    assert all(line.startswith("ok ") for line in lines[:-1])


def test_doctor_what_is_wrong_stands_with_its_remedy(tidemill: Tidemill, tmp_path: Path) -> None:
    """Exit code 1, each error followed by what to do, and how many there are."""
    (tmp_path / "x.toml").write_text("[chains.sim]\n[dex.uniswapp]\n")

    result = tidemill("doctor", "--config", "x.toml")
    lines = result.stdout.splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith("error")]

    assert (1, "1 error") == (result.exit_code, lines[-1])
    assert 'x.toml:2 $.dex.uniswapp: no such dex is installed; did you mean "uniswap"?' in lines[place]
    assert "→ mend it; `tidemill config check` reads it again" == lines[place + 1].strip()


def test_doctor_json_is_one_object(tidemill: Tidemill) -> None:
    """The value of the function, with every finding."""
    found = json.loads(tidemill("doctor", "--json").stdout)

    assert (True, ["subject", "severity", "message", "remedy"]) == (found["sound"], list(found["findings"][0]))
