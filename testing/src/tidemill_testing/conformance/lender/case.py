"""What the rules of lenders look through: a snapshot that notes what was read of it, and steps taken apart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from attrs import evolve, frozen
from immutables import Map

from tidemill.domain.ids import AssetId, ChainId, Key, address_of
from tidemill.domain.snapshot import ChainView, Snapshot
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.chain import Step
from tidemill_testing.market import ETHER, snapshot_of

HEIGHT = 100
UNIX_TIME = 1_700_000_000
BLOCK_S = 12


@frozen
class Plain(Step):
    """A step that does nothing: what a lender may put around its own."""

    number: int


class ReadStates(Mapping[Key, bytes | None]):
    """Values of a chain's state; ``asked`` are the keys that were asked for, known or not."""

    def __init__(self, values: Mapping[Key, bytes | None]) -> None:
        self._values = dict(values)
        self.asked: set[Key] = set()

    def __getitem__(self, key: Key) -> bytes | None:
        self.asked.add(key)
        return self._values[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def snapshot_with(chain: ChainId, states: Mapping[Key, bytes | None]) -> Snapshot:
    """Return a snapshot without pools whose only chain has these states, 100 blocks high."""
    head, following = ChainTime(chain, HEIGHT, UNIX_TIME), ChainTime(chain, HEIGHT + 1, UNIX_TIME + BLOCK_S)
    return evolve(snapshot_of([]), chains={chain: ChainView(head, following, ETHER, None)}, states=Map({chain: states}))


def inner_steps(steps: object) -> list[Step]:
    """Return the plain steps inside others, in order, each as often as it stands there."""
    return [part for part in _parts(steps) if isinstance(part, Plain)]


def loans_in(steps: Sequence[Step]) -> list[tuple[int, int]]:
    """Return (amount, fee) of each step that has both as numbers, those inside others too."""
    found = []
    for part in _parts(steps):
        amount, fee = getattr(part, "amount", None), getattr(part, "fee", None)
        if type(amount) is int and type(fee) is int:
            found.append((amount, fee))
    return found


def misdirected(steps: Sequence[Step], asset: AssetId, contract: str) -> str | None:
    """Return what is wrong with the asset or the contract that a loan's steps name, or None.

    Looked at are steps with ``amount`` and ``fee``: their ``asset``, the id or its address, and their ``pool``, the contract that lends,
    where ``contract`` says which that is.
    """
    for part in _parts(steps):
        if type(getattr(part, "amount", None)) is not int or type(getattr(part, "fee", None)) is not int:
            continue
        named, pool = getattr(part, "asset", None), getattr(part, "pool", None)
        if isinstance(named, str) and named.lower() not in (asset.lower(), address_of(asset).lower()):
            return f"asked for {asset}, it borrows {named}"
        if contract and isinstance(pool, str) and pool.lower() != contract.lower():
            return f"{contract} lends, it borrows from {pool}"
    return None


def _parts(value: object) -> Iterator[Any]:
    """Yield a step and all that it holds, depth first, in order of its fields."""
    if isinstance(value, str | bytes | int | None):
        return
    yield value
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, Sequence):
        for one in value:
            yield from _parts(one)
        return
    kind: Any = type(value)
    if attrs.has(kind):
        for attribute in attrs.fields(kind):
            yield from _parts(getattr(value, attribute.name))
