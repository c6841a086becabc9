"""Whether a run trades with real money: it takes two words, one in the configuration and one on the command line."""

from pathlib import Path

from tidemill.config.model import Config
from tidemill.errors import UsageError


def wants_live(config: Config, *, live: bool, tape: Path | None, without_paper_hours: bool = False) -> bool:
    """Return whether a run trades with real money: where the configuration and the command line both say so.

    Raises:
        UsageError: only one of them does, what is to be played is a tape, or hours on paper are waived where none are asked for.
    """
    if without_paper_hours and not live:
        raise UsageError("--without-paper-hours is for runs with real money alone: add --live, or leave it out")
    if live and tape is not None:
        raise UsageError("a tape is played on paper alone: leave --live out")
    if live and config.mode != "live":
        raise UsageError('--live alone is not enough: real money also needs mode = "live" in the configuration')
    if config.mode == "live" and not live and tape is None:
        raise UsageError('mode = "live" alone is not enough: real money also needs --live; set mode = "paper" to trade on paper')
    return live
