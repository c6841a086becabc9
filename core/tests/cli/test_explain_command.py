"""``tidemill explain``: the pipeline as configured, drawn from metadata."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from tidemill.api.explain import explain
from tidemill.config.load import parse_config
from tidemill.stages.flow import FLOW

Tidemill = Callable[..., Result]


def test_explain_draws_plugins_with_versions(tidemill: Tidemill) -> None:
    """Without a file the default is drawn, every plugin with its version in the boxes of its stages."""
    result = tidemill("explain")

    assert (0, True) == (result.exit_code, result.stdout.startswith("the default configuration for sim · mode paper\n\n┌"))
    assert 2 == result.stdout.count("uniswap 0.1.0 · sushiswap 0.1.0")
    assert 1 == result.stdout.count("triangular 0.1.0 · spatial 0.1.0")


def test_explain_json_gives_stages_in_order(tidemill: Tidemill, tmp_path: Path) -> None:
    """The same as one object; disabled plugins are left out."""
    (tmp_path / "x.toml").write_text("[chains.sim]\n[dex.uniswap]\n[dex.quickswap]\nenabled = false\n")

    found = json.loads(tidemill("explain", "--config", "x.toml", "--json").stdout)

    assert ["source", "mode", "stages"] == list(found)
    assert [stage.name for stage in FLOW] == [stage["name"] for stage in found["stages"]]
    assert [{"name": "dex.uniswap", "kind": "dex", "version": "0.1.0", "distribution": "tidemill-dex-uniswap"}] == found["stages"][1][
        "plugins"
    ]


def test_explain_plugin_that_cannot_be_used_is_an_error(tidemill: Tidemill, tmp_path: Path, install: Callable[..., Path]) -> None:
    """What is not installed, or made for another interface, is told with file and line, exit code 2."""
    install("acme-lag", "acme_lag", interface=2)
    (tmp_path / "x.toml").write_text("[strategies.zzz]\n[strategies.lag]\n")

    result = tidemill("explain", "--config", "x.toml")

    assert (2, ["x.toml:1  $.strategies.zzz", "x.toml:2  $.strategies.lag"]) == (
        result.exit_code,
        ["  ".join(line.split("  ")[:2]) for line in result.stderr.splitlines()[:2]],
    )


def test_explain_takes_a_configuration() -> None:
    """From Python a loaded configuration may be given; kinds without a plugin say none."""
    found = explain(parse_config("[dex.uniswap]", "x.toml", {}))

    assert ("x.toml", "paper") == (found.source, found.mode)
    assert "chains       none" in found.picture
