"""``tidemill config``: what init writes is valid, check tells everything, show shows no secret."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tidemill.api.config import check_config, load_config
from tidemill.config.defaults import default_text
from tidemill.config.load import default_config
from tidemill.errors import UsageError

Install = Callable[..., Path]
Tidemill = Callable[..., Result]

CHAIN = """
from tidemill import Chain, hookimpl
from tidemill.domain.asset import Asset

class Rules:
    id = "acme:1"
    native = "acme:1/slip44:60"
    wrapped = None
    dollars = ()
    def verified_assets(self):
        return {"COIN": Asset(self.native, "COIN", 18)}

class Acme(Chain):
    name = "acme"
    def rules(self):
        return Rules()
    def link(self, setup): ...

@hookimpl
def tidemill_register_chains():
    return [Acme]
"""
LAG = """
import attrs
from tidemill import AssetAmount, Bps, Strategy, hookimpl, settings
from tidemill.config.secret import Secret

@settings
class LagSettings:
    min_edge_bps: Bps = attrs.field(default=Bps(10), validator=attrs.validators.ge(0))
    most: AssetAmount | None = None
    api_key: Secret | None = None

class Lag(Strategy):
    name = "lag"
    settings: LagSettings
    def find_opportunities(self, snapshot):
        return iter(())

@hookimpl
def tidemill_register_strategies():
    return [Lag]
"""
OFF = "".join(f"[{path}]\nenabled = false\n" for path in ("search.cycles", "risk.limits", "stores.sqlite", "notifiers.console"))
TEXT = f"""[chains.acme]
[strategies.lag]
min_edge_bps = 3
most = "2.5 COIN"
api_key = "env:CANARY"
{OFF}"""


@pytest.fixture
def plugins(install: Install) -> None:
    """Installs a chain and a strategy that exist in no package of ours."""
    install("acme-chain", "acme_chain", CHAIN, kind="chain", names=("acme",))
    install("acme-lag", "acme_lag", LAG)


def test_config_init_writes_the_default(tidemill: Tidemill, tmp_path: Path) -> None:
    """The file holds the commented default; a second time nothing is overwritten."""
    first, again, named = tidemill("config", "init"), tidemill("config", "init"), tidemill("config", "init", "--out", "other.toml")

    assert (0, "wrote tidemill.toml; `tidemill config check tidemill.toml` checks it\n") == (first.exit_code, first.stdout)
    assert (2, "tidemill.toml exists already: remove it first, or name another file with --out\n") == (again.exit_code, again.stderr)
    assert 0 == named.exit_code
    assert [default_text("sim")] * 2 == [(tmp_path / name).read_text("utf-8") for name in ("tidemill.toml", "other.toml")]
    assert default_config("sim", {}) == load_config(environ={})


def test_config_init_into_nowhere_is_a_usage_error(tidemill: Tidemill) -> None:
    """A folder that is not there is named."""
    result = tidemill("config", "init", "--out", "none/x.toml")

    assert (2, "none/x.toml cannot be written: No such file or directory\n") == (result.exit_code, result.stderr)


@pytest.mark.usefixtures("plugins")
def test_config_check_sound_file_says_ok(tidemill: Tidemill, tmp_path: Path) -> None:
    """A sound configuration is ok, whether it is named or stands in the current folder."""
    (tmp_path / "tidemill.toml").write_text(TEXT)

    named, found = tidemill("config", "check", "tidemill.toml"), tidemill("config", "check")

    assert (0, "tidemill.toml: ok, 2 plugins enabled, mode paper\n") == (named.exit_code, named.stdout)
    assert (0, named.stdout) == (found.exit_code, found.stdout)


@pytest.mark.usefixtures("plugins")
def test_config_check_tells_file_plugins_and_settings_at_once(tidemill: Tidemill, tmp_path: Path, install: Install) -> None:
    """Errors of the file, unknown plugins, plugins at fault and settings come together, in the order of the lines."""
    install("acme-broken", "acme_broken", "raise RuntimeError('boom')", kind="dex", names=("broken",))
    wrong = TEXT.replace("min_edge_bps", "min_edg_bps").replace(
        "[chains.acme]", "[chains.acme]\n[dex.broken]\nfee_bps = true\n[strategies.triangulr]"
    )
    (tmp_path / "x.toml").write_text(wrong.replace("2.5 COIN", "x COIN"))

    result = tidemill("config", "check", "x.toml")

    assert (2, "") == (result.exit_code, result.stdout)
    assert [
        "x.toml:2  $.dex.broken  cannot import acme_broken: RuntimeError: boom (acme-broken)",
        "x.toml:3  $.dex.broken.fee_bps  expected a whole number, found true",
        'x.toml:4  $.strategies.triangulr  no such strategy is installed; did you mean "triangular"?',
        "x.toml:6  $.strategies.lag.min_edg_bps  unknown key; did you mean min_edge_bps?",
        'x.toml:7  $.strategies.lag.most  expected an amount of whole tokens such as 2_000 or "2_000.5", found text "x"',
        "5 errors, nothing was started",
    ] == result.stderr.splitlines()


def test_config_check_bad_toml_names_the_line(tidemill: Tidemill, tmp_path: Path) -> None:
    """A file that is not TOML is told with its line and nothing else."""
    (tmp_path / "x.toml").write_text("seed = 1\nseed =\n")

    result = tidemill("config", "check", "x.toml")

    assert (2, True) == (result.exit_code, result.stderr.startswith("x.toml:2  $  is not TOML: "))


@pytest.mark.usefixtures("plugins")
def test_config_show_is_effective_and_shows_no_secret(tidemill: Tidemill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown has variables applied and defaults written out, secrets as references, and loads again to the same."""
    monkeypatch.setenv("CANARY", "canary-value")
    monkeypatch.setenv("TIDEMILL__SEED", "41")
    (tmp_path / "x.toml").write_text(TEXT)

    text, as_json = tidemill("config", "show", "x.toml").stdout, tidemill("config", "show", "x.toml", "--json").stdout
    found = tomllib.loads(text)
    lag = {
        "enabled": True,
        "priority": 0,
        "isolation": "none",
        "memory_mb": 0,
        "min_edge_bps": 3,
        "most": "2.5 COIN",
        "api_key": "env:CANARY",
    }

    assert (41, lag) == (found["seed"], found["strategies"]["lag"])
    assert found == json.loads(as_json)
    assert "canary-value" not in text + as_json
    (tmp_path / "y.toml").write_text(text)
    assert text == tidemill("config", "show", "y.toml").stdout


@pytest.mark.usefixtures("plugins")
def test_config_show_inline_secret_is_refused_unseen(tidemill: Tidemill, tmp_path: Path) -> None:
    """A file with a secret in it is not shown."""
    (tmp_path / "x.toml").write_text(TEXT.replace("env:CANARY", "canary-value"))

    result = tidemill("config", "show", "x.toml")

    assert (2, False) == (result.exit_code, "canary-value" in result.output)


@pytest.mark.usefixtures("plugins")
def test_check_config_gives_instances(tmp_path: Path) -> None:
    """From Python a checked configuration has its plugins with their settings."""
    (tmp_path / "x.toml").write_text(TEXT)

    checked = check_config(tmp_path / "x.toml", {})

    assert ["chains.acme", "strategies.lag"] == list(checked.assembled.plugins) == [loaded.metadata.path for loaded in checked.registry]


@pytest.mark.parametrize("kind", ["sim", "uniswap-v2-pairs", "evm-pools"])
def test_check_config_default_is_sound(kind: str, tmp_path: Path) -> None:
    """The default configurations pass the whole check with the plugins of this checkout."""
    path = tmp_path / "x.toml"
    path.write_text(default_text(kind), "utf-8")

    checked = check_config(path, {})

    assert len(default_config(kind, {}).tables) == len(checked.registry)


def test_load_config_missing_kind_is_refused() -> None:
    """There is no default for every kind of input."""
    with pytest.raises(UsageError, match="there is no default configuration"):
        default_config("x", {})
