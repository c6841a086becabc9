"""Configurations from Python: load, check with all plugins, show, write the default."""

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from tidemill.config.defaults import default_text
from tidemill.config.edit import write_text
from tidemill.config.load import draft_config
from tidemill.config.load import load_config as load_file
from tidemill.config.model import Config
from tidemill.config.place import in_file_order
from tidemill.config.plugins import Assembled, try_make_plugins
from tidemill.config.read import read_file
from tidemill.config.show import config_to_tables, config_to_toml
from tidemill.discovery.load import try_plugins
from tidemill.discovery.registry import Registry
from tidemill.discovery.scan import find_plugins
from tidemill.errors import ConfigError, UsageError

CONFIG_FILE = "tidemill.toml"
"""What is read, where it exists in the current folder, when no file is named."""


@frozen
class Checked:
    """A configuration of which everything is right: its plugins are loaded and have their settings; nothing was started."""

    config: Config
    registry: Registry
    assembled: Assembled

    def to_toml(self) -> str:
        """Return the effective configuration as TOML: every default written out, secrets as references."""
        return config_to_toml(self.config, self._settings(), self.assembled.assets)

    def to_tables(self) -> dict[str, object]:
        """Return the same as plain tables."""
        return config_to_tables(self.config, self._settings(), self.assembled.assets)

    def _settings(self) -> dict[str, object]:
        return {path: plugin.settings for path, plugin in self.assembled.plugins.items()}


def find_config() -> Path | None:
    """Return ``tidemill.toml`` in the current folder, or None."""
    path = Path(CONFIG_FILE)
    return path if path.is_file() else None


def load_config(path: str | Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Return the configuration of a file, else of ``tidemill.toml`` in the current folder, else the one for the simulated market.

    Args:
        path: a TOML file.
        environ: where ``TIDEMILL__A__B`` variables are taken from; None: this process's environment.

    Raises:
        ConfigError: everything that is wrong; where the file alone is right, plugins' own settings are checked by ``check_config``.
    """
    try:
        return load_file(Path(path) if path is not None else find_config(), environ)
    except ConfigError:
        # What the file alone shows is not all: the plugins' own settings are told in the same go
        check_config(path, environ)
        raise


def check_config(path: str | Path | None = None, environ: Mapping[str, str] | None = None) -> Checked:
    """Load a configuration and every plugin that it enables, check their settings, and start nothing.

    Args:
        path: as for ``load_config``.
        environ: as for ``load_config``.

    Raises:
        ConfigError: everything that is wrong: the file, unknown plugins, plugins at fault, their settings, books.
    """
    chosen = Path(path) if path is not None else find_config()
    text = default_text("sim") if chosen is None else read_file(chosen)
    config, problems = draft_config(text, str(chosen) if chosen is not None else "the default configuration for sim", environ)
    loading = try_plugins(config.tables, find_plugins())
    # What symbols mean is known once the chains are and [assets] can be read: nothing else that is wrong hides what names a symbol
    chains = len(loading.registry.loaded("chain")) == len(config.enabled("chain"))
    known = chains and not any(problem.path.startswith("$.assets") for problem in problems)
    made = try_make_plugins(config, tuple(loading.registry), all_loaded=known)
    found = [*problems, *loading.everything, *made.everything]
    if found or made.assembled is None:
        raise ConfigError(sorted(dict.fromkeys(found), key=in_file_order))
    return Checked(config, loading.registry, made.assembled)


def write_default_config(out: str | Path = CONFIG_FILE, kind: str = "sim") -> Path:
    """Write a commented configuration that equals the default one, and return its path.

    Raises:
        UsageError: there is already a file, or it cannot be written.
    """
    path = Path(out)
    if path.exists():
        raise UsageError(f"{path} exists already: remove it first, or name another file with --out")
    write_text(path, default_text(kind))
    return path
