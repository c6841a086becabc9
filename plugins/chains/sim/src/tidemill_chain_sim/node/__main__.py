"""``python -m tidemill_chain_sim.node``: a simulated chain in a process of its own."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from tidemill.errors import UsageError
from tidemill_chain_sim.engine import Engine
from tidemill_chain_sim.market import make_market
from tidemill_chain_sim.node.asks import HelloAsk
from tidemill_chain_sim.node.chain import SimNode
from tidemill_chain_sim.node.journal import resume
from tidemill_chain_sim.node.server import run_node
from tidemill_chain_sim.settings import SimSettings, crossed_problems, setting_names


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a chain until a signal comes; return the exit code: 0, or 2 where it cannot be begun."""
    parser = argparse.ArgumentParser(prog="python -m tidemill_chain_sim.node", description="a simulated chain in a process of its own")
    parser.add_argument("--socket", type=Path, required=True, help="where to listen: a Unix socket that is made, mode 0600")
    parser.add_argument("--seed", type=int, default=1, help="the seed of runs that ask it; settings may add seed_offset")
    parser.add_argument("--settings", default="{}", help="the settings of [chains.sim] as a JSON object")
    parser.add_argument("--state", type=Path, help="a file that keeps the chain, so that a node started with it again has it again")
    given = parser.parse_args(arguments)
    try:
        chosen = _settings(given.settings)
        node = SimNode(Engine(make_market(given.seed + chosen.seed_offset, chosen)))
        journal = resume(node, given.state, node.answer(HelloAsk())) if given.state is not None else None
        try:
            anyio.run(run_node, node, given.socket)
        finally:
            if journal is not None:
                journal.close()
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _settings(text: str) -> SimSettings:
    """Return the settings in a JSON object.

    Raises:
        UsageError: they are no object, or one of them is not as expected.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--settings: expected a JSON object, found {text[:60]!r}") from error
    if not isinstance(found, dict) or set(found) - set(setting_names()):
        raise UsageError(f"--settings: expected a JSON object of settings of [chains.sim], found {text[:60]!r}")
    try:
        chosen = SimSettings(**found)
    except (TypeError, ValueError) as error:
        raise UsageError(f"--settings: {error}") from error
    problems = crossed_problems(chosen)
    if problems:
        raise UsageError("; ".join(f"--settings: {name}: {text}" for name, text in problems))
    return chosen


if __name__ == "__main__":
    sys.exit(main())
