"""Whatever stands in a file or a variable: it loads, or it is a configuration error; never anything else."""

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from tidemill.config.defaults import default_text
from tidemill.config.load import parse_config
from tidemill.config.text import config_from_json, config_to_json
from tidemill.errors import ConfigError, Problem

KEYS = st.sampled_from(
    [
        *("mode", "seed", "speed", "data", "execution", "books", "assets", "strategy_priorities", "dex", "chains", "strategies"),
        *("main", "name", "enabled", "priority", "fee_bps", "capital", "accounts", "id", "decimals", "base", "a.b", "private_key"),
    ]
)
VALUES = st.recursive(
    st.one_of(
        st.integers(), st.booleans(), st.text(max_size=8), st.floats(), st.dates(), st.times(), st.sampled_from(["paper", "4x", "env:A"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=15,
)


def told(text: str, environ: dict[str, str]) -> tuple[Problem, ...]:
    """Return the problems of a text; where there are none, its configuration must survive the header's JSON."""
    try:
        config = parse_config(text, "x.toml", environ)
    except ConfigError as error:
        return error.problems
    assert config_to_json(config) == config_to_json(config_from_json(config_to_json(config)))
    return ()


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_parse_any_tables_load_or_are_configuration_errors(tables: dict[str, object]) -> None:
    """Any tables under known keys load, or are refused with problems that each have a line."""
    assert [] == [problem for problem in told(tomlkit.dumps(tables), {}) if not problem.line]


@given(st.data())
def test_parse_damaged_default_loads_or_is_a_configuration_error(data: st.DataObject) -> None:
    """A default with a piece cut out and other signs put in is never more than a configuration error in that file."""
    text = default_text("sim")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    damaged = text[:start] + data.draw(st.text(alphabet="[]{}=\"'\\\n#,.x1é\x00", max_size=6)) + text[end:]

    assert {problem.file for problem in told(damaged, {})} <= {"x.toml"}


@given(st.dictionaries(st.text(alphabet="ABDEXM_1", max_size=12).map("TIDEMILL__{}".format), st.text(max_size=12), max_size=4))
def test_parse_any_variables_load_or_are_configuration_errors(environ: dict[str, str]) -> None:
    """Any variables are applied or refused, each problem under the name of its variable."""
    assert {problem.file for problem in told("[dex.a]\n", environ)} <= set(environ)
