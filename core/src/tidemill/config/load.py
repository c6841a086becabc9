"""Loads a configuration: the file, the variables over it, every problem at once."""

import os
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tidemill.config.defaults import default_text
from tidemill.config.model import Config
from tidemill.config.overrides import override
from tidemill.config.place import Places, in_file_order, unknown_key
from tidemill.config.plugin_tables import PluginTables
from tidemill.config.read import leaves, read_file, read_toml
from tidemill.config.secret import INLINE, is_reference, names_a_secret
from tidemill.config.sections import Sections, section_converter
from tidemill.config.signer import read_signer
from tidemill.errors import ConfigError, Problem
from tidemill.hookspecs.kinds import KIND_BY_FOLDER

_KERNEL = ("mode", "seed", "speed", "data", "execution", "books", "assets", "strategy_priorities", "live", "signer")
_ARRAY = re.compile(r"^[ \t]*\[\[[ \t]*dex[ \t]*\]\]", re.MULTILINE)
_TABLE = re.compile(r"^[ \t]*\[[ \t]*dex[ \t]*\.", re.MULTILINE)


def load_config(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Return the configuration of a file, or of no file at all: the one for the simulated market.

    Args:
        path: a TOML file.
        environ: where ``TIDEMILL__A__B`` variables are taken from; None: this process's environment.

    Raises:
        ConfigError: everything that is wrong with it. Plugins' own settings are checked later, when their classes are known.
    """
    if path is None:
        return default_config("sim", environ)
    return parse_config(read_file(path), str(path), environ)


def default_config(kind: str, environ: Mapping[str, str] | None = None) -> Config:
    """Return the configuration for input of a kind when none is given: ``sim``, or the kind of a tape such as ``uniswap-v2-pairs``.

    Raises:
        UsageError: there is none for this kind. ConfigError: a variable is wrong.
    """
    return parse_config(default_text(kind), f"the default configuration for {kind}", environ)


def parse_config(text: str, source: str, environ: Mapping[str, str] | None = None) -> Config:
    """Return the configuration that a TOML text and the variables give.

    Raises:
        ConfigError: everything that is wrong with it.
    """
    config, problems = draft_config(text, source, environ)
    if problems:
        raise ConfigError(problems)
    return config


def draft_config(text: str, source: str, environ: Mapping[str, str] | None = None) -> tuple[Config, tuple[Problem, ...]]:
    """Return what can be read of a configuration, and what cannot: so that its plugins can be checked in the same go.

    Raises:
        ConfigError: nothing of it can be read, since it is not TOML.
    """
    mixed = _mixed_dex(text, source)
    try:
        values, places = read_toml(text, source)
    except ConfigError as error:
        raise ConfigError(mixed) if mixed else error from None
    if mixed and isinstance(values.get("dex"), list):
        raise ConfigError(mixed)
    places, problems = override(values, places, os.environ if environ is None else environ)
    config, found = _structure(values, places, source)
    problems += [*found, *_unknown(values, places), *_inline_secrets(values, places), *_strangers(config)]
    return config, tuple(sorted(dict.fromkeys(problems), key=in_file_order))


def _structure(values: Mapping[str, Any], places: Places, source: str) -> tuple[Config, list[Problem]]:
    converter = section_converter()
    sections = Sections(values, places, converter)
    plugins = PluginTables(values, places, converter)
    general = sections.general()
    priorities = sections.priorities()
    signer, unsigned = read_signer(values, places, converter)
    config = Config(
        mode=general.mode,
        seed=general.seed,
        speed=general.speed,
        data=general.data,
        tables=plugins.read(priorities),
        books=sections.books(),
        execution=sections.execution(),
        assets=sections.assets(),
        strategy_priorities=priorities,
        live=sections.live(),
        signer=signer,
        source=source,
        places=places,
    )
    return config, [*sections.problems, *plugins.problems, *unsigned]


def _unknown(values: Mapping[str, Any], places: Places) -> list[Problem]:
    known = [*_KERNEL, *KIND_BY_FOLDER]
    return [places.problem(unknown_key(key, known), key) for key in values if key not in known]


def _inline_secrets(values: Mapping[str, Any], places: Places) -> list[Problem]:
    """Find secrets in tables that no plugin reads: disabled ones, which nobody else would look at."""
    problems = []
    for keys, value in leaves(values):
        names = [key for key in keys if isinstance(key, str)]
        if names and names_a_secret(names[-1]) and isinstance(value, str) and not is_reference(value):
            problems.append(places.problem(INLINE, *keys))
    return problems


def _strangers(config: Config) -> list[Problem]:
    """Find strategies that books or priorities name and that have no table, where the name looks like a slip of one that has."""
    tables = [table.name for table in config.tables if table.kind == "strategy"]
    problems = [_slip(config.places, tables, name, "strategy_priorities", name) for name in config.strategy_priorities]
    for book in config.books:
        for index, name in enumerate(book.strategies or ()):
            if name not in tables:
                message = f"there is no table [strategies.{name}]{_meant(name, tables)}"
                problems.append(book.problem(message, "strategies", index))
    return [problem for problem in problems if problem is not None]


def _slip(places: Places, tables: Sequence[str], name: str, *keys: str) -> Problem | None:
    meant = _meant(name, tables)
    return places.problem(f"there is no table [strategies.{name}]{meant}", *keys) if name not in tables and meant else None


def _meant(name: str, tables: Sequence[str]) -> str:
    near = get_close_matches(name, tables, n=1, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else ""


def _mixed_dex(text: str, source: str) -> list[Problem]:
    """Say that ``[[dex]]`` and ``[dex.NAME]`` are mixed: TOML takes the second for a part of the first, or refuses both."""
    array, table = _ARRAY.search(text), _TABLE.search(text)
    if array is None or table is None:
        return []
    line = text.count("\n", 0, max(array.start(), table.start())) + 1
    message = "[[dex]] and [dex.NAME] stand in one file: write every DEX in the same way"
    return [Problem("$.dex", message, source, line)]
