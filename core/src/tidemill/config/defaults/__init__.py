"""The configurations that hold where none is given, as the texts that ``tidemill config init`` writes."""

from importlib.resources import files

from tidemill.errors import UsageError

DEFAULTS = ("sim", "uniswap-v2-pairs", "evm-pools")


def default_text(kind: str) -> str:
    """Return the commented TOML text of a default configuration.

    Raises:
        UsageError: there is none for this kind of input.
    """
    if kind not in DEFAULTS:
        raise UsageError(f"there is no default configuration for {kind!r}; there are {', '.join(DEFAULTS)}: give one with --config")
    return files(__name__).joinpath(f"{kind}.toml").read_text("utf-8")
