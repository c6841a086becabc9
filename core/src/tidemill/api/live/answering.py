"""How a chain is asked before real money moves: again while it says that it is busy, and for so long alone."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from tidemill.errors import Unavailable
from tidemill.hookspecs.chain import ChainRules
from tidemill.pipeline.supervise import demanded
from tidemill.stages.chain_rules import path_of

T = TypeVar("T")
ANSWER_S = 10
"""A chain that does not say where it stands for so long is one that cannot be traded on."""
TRIES, PAUSE_S = 10, 0.2
"""A node may be busy for a moment: so often it is asked while it says so, with a pause between."""


async def answer_of(rules: ChainRules, member: str, ask: Callable[..., Awaitable[T]], *args: object) -> T:
    """Return what a chain's link answers; one that cannot answer just now is asked again.

    Raises:
        Unavailable: it does not answer, or not in time. PluginError: the plugin raised what is not ours. TidemillError: as the link says.
    """
    said = ""
    try:
        with anyio.fail_after(ANSWER_S):
            for _ in range(TRIES):
                try:
                    return await demanded(path_of(rules), member, ask, *args)
                except Unavailable as error:
                    said = str(error) or "its node does not answer"
                await anyio.sleep(PAUSE_S)
    except TimeoutError:
        raise Unavailable(f"its node did not answer within {ANSWER_S} s") from None
    raise Unavailable(said)
