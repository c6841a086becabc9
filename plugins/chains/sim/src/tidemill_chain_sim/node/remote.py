"""A node of another process, as a link asks it."""

from typing import TypeVar

import anyio

from tidemill.errors import OutcomeUnknown, Unavailable, UsageError
from tidemill_chain_sim.node.asks import Ask, BroadcastAsk, HeadAsk, Hello, HelloAsk, NextAsk, Told
from tidemill_chain_sim.node.wire import answer_of, fields_of
from tidemill_chain_sim.settings import SimSettings, chain_settings
from tidemill_simworld.wire import ask_node, seconds

A = TypeVar("A")
PATIENCE_S = 60
"""How long a node may be away, restarting for instance, before blocks from it are given up."""
_PAUSE_MS = 50
_GREETINGS = 10


class RemoteNode:
    """Asks a node over its socket.

    A question that nothing hangs on is ``Unavailable`` where no answer comes; a broadcast is ``OutcomeUnknown``. What comes next on the
    chain is asked until the node answers, since asking twice tells the same.
    """

    def __init__(self, path: str, seed: int, chosen: SimSettings) -> None:
        self._path = path
        self._seed = seed
        self._chosen = chosen
        self._met = False
        self._greeted = False

    async def ask(self, ask: Ask[A]) -> A:
        """Return the answer to an ask.

        Raises:
            Unavailable: nobody listens, or does not answer. OutcomeUnknown: of a broadcast, where no answer came.
            UsageError: the node's chain is another one than the settings say.
            TidemillError: what the node answers instead.
        """
        if type(ask) in (HeadAsk, NextAsk):
            return await self._until_answered(ask)
        if not self._greeted:
            await self._meet()
        return await self._once(ask)

    async def _until_answered(self, ask: Ask[A]) -> A:
        ends = anyio.current_time() + PATIENCE_S
        while True:
            try:
                if not self._greeted:
                    await self._meet()
                return await self._believed(ask, await self._once(ask))
            except Unavailable:
                # Who never met a node is told so at once
                if not self._met or anyio.current_time() > ends:
                    raise
            await anyio.sleep(seconds(_PAUSE_MS))

    async def _believed(self, ask: Ask[A], told: A) -> A:
        """Return what comes next, unless it is told by another chain's node, or by one that is behind.

        Raises:
            Unavailable: it has not come as far as we were told before. UsageError: its chain is another one.
        """
        if isinstance(ask, NextAsk) and isinstance(told, Told) and told.kind == "gap":
            # It knows nothing of the block that we know: it may have taken the place of the one that told us
            await self._meet()
            if told.height < ask.known.height:
                raise Unavailable(f"the node at {self._path} is behind: its head is {told.height}, we were told of {ask.known.height}")
        return told

    async def _once(self, ask: Ask[A]) -> A:
        name, fields = fields_of(ask)
        try:
            return answer_of(ask, await ask_node(self._path, name, fields, seconds(self._chosen.node_timeout_ms)))
        except OutcomeUnknown as error:
            if isinstance(ask, BroadcastAsk):
                raise
            raise Unavailable(str(error)) from error
        except Unavailable as error:
            # Whoever listens there next may be another node
            self._greeted = False
            # The bytes did not leave this process; a link's broadcast knows no other answer to having no proof
            if isinstance(ask, BroadcastAsk):
                raise OutcomeUnknown(str(error)) from error
            raise

    async def _meet(self) -> None:
        """Check that the node's chain is the one of our seed and settings."""
        hello: Hello = await self._patiently_hello()
        ours, theirs = chain_settings(self._chosen), hello.settings
        wrong = [f"{name} {theirs.get(name)!r}, here {value!r}" for name, value in ours.items() if theirs.get(name) != value]
        if hello.seed != self._seed:
            wrong.insert(0, f"seed {hello.seed}, here {self._seed}")
        if wrong:
            raise UsageError(f"the node at {self._path} has another chain: {'; '.join(wrong[:3])}: start both with the same ones")
        self._met = self._greeted = True

    async def _patiently_hello(self) -> Hello:
        """Ask a few times: an answer may be lost, while a node that is not there is said at once."""
        for _ in range(_GREETINGS - 1):
            try:
                return await self._once(HelloAsk())
            except Unavailable as error:
                if not isinstance(error.__cause__, OutcomeUnknown):
                    raise
        return await self._once(HelloAsk())
