"""States of pools that a DEX suite is tried on, and the file format of recorded ones."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from attrs import field, frozen

from tidemill.domain.answers import NoQuoteReason
from tidemill.domain.events import Log
from tidemill.domain.ids import AssetId, Key, PoolId, split_pool_id
from tidemill.domain.pool import PoolRef
from tidemill.domain.time import ChainTime
from tidemill.errors import UsageError

T = TypeVar("T")


@frozen
class RecordedAnswer:
    """What the chain answered for one swap: base units, or why it refused.

    With ``exact_out`` the amount bought was given and ``amount_in`` is what the chain asked for it. Where ``no_quote`` is set, the other
    amount is 0.
    """

    sell: AssetId
    buy: AssetId
    amount_in: int
    amount_out: int
    exact_out: bool = False
    no_quote: NoQuoteReason | None = None


@frozen
class PoolCase:
    """One pool at one state.

    Attributes:
        ref: what discovery would give.
        states: all of the chain's state that may be asked for; a key that is not in it is absent on the chain.
        at: when quotes execute, and the block of ``logs``.
        logs: events of the pool's contracts, to be played in order on the pool that ``states`` give.
        after: the values that are others after ``logs``; needed with them.
        answers: what the chain answered on ``states``.
        balances: what the contract holds, base units, where the pool's ``holdings`` tell something else.
        slack: by asset bought, how far an output may stray from the ideal curve beyond one rounding, base units; for contracts whose
            arithmetic is approximate (powers, iterations, many steps).
        name: how reports call the case.
        swap: the one swap of an exact input that ``logs`` and ``after`` show, if they show one and nothing else.
        impossible: by key, a value that no such contract can hold, a reserve beyond its type for instance; each is wrong by itself.
    """

    ref: PoolRef
    states: Mapping[Key, bytes | None]
    at: ChainTime
    logs: tuple[Log, ...] = ()
    after: Mapping[Key, bytes | None] = field(factory=dict)
    answers: tuple[RecordedAnswer, ...] = ()
    balances: Mapping[AssetId, int] = field(factory=dict)
    slack: Mapping[AssetId, int] = field(factory=dict)
    name: str = ""
    swap: RecordedAnswer | None = None
    impossible: Mapping[Key, bytes] = field(factory=dict)

    def __str__(self) -> str:
        return self.name or self.ref.id


def recorded_answers(path: Path | str) -> tuple[PoolCase, ...]:
    """Return the cases that a JSON file holds.

    The file is an object ``{"source": "where and when it was recorded", "cases": [...]}``. A case has

    * ``pool``: ``id``, ``assets``, and where there are any ``kind``, ``fee_ppm``, ``details``;
    * ``at``: ``height``, ``unix_time``, and where there is one ``epoch``;
    * ``states`` and optionally ``after``: key → ``"0x…"`` or null;
    * optionally ``name``, ``logs`` (``address``, ``topics``, ``data``, ``index``), ``balances`` and ``slack`` (asset → amount);
    * optionally ``impossible``: key → ``"0x…"``, and ``swap``, like one of ``answers``;
    * optionally ``answers``: ``{"sell": asset, "buy": asset, "amount_in": "1000", "amount_out": "997"}``, with ``"exact": "out"`` where the
      output was given, with ``"no_quote": reason`` where the chain refused.

    Amounts are text of digits, base units: JSON numbers lose digits.

    Raises:
        UsageError: the file cannot be read, or something in it is not what its place demands; names file and place.
    """
    file = Path(path)
    try:
        found = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{file}: expected JSON: {error}") from error
    root = _Place(str(file), "$", found)
    root.only("source", "cases")
    root.at("source").text()
    return tuple(_case(place) for place in root.at("cases").members())


@frozen
class _Place:
    """A value of the file and where it stands."""

    file: str
    path: str
    value: Any

    def wrong(self, wanted: str) -> UsageError:
        return UsageError(f"{self.file}: {self.path}: expected {wanted}, found {_short(self.value)}")

    def table(self) -> Mapping[str, Any]:
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return self.value

    def only(self, *names: str) -> None:
        unknown = sorted(self.table().keys() - set(names))
        if unknown:
            raise UsageError(f"{self.file}: {self.path}.{unknown[0]}: unknown key; there are {', '.join(names)}")

    def at(self, name: str) -> "_Place":
        if name not in self.table():
            raise UsageError(f"{self.file}: {self.path}.{name}: is missing")
        return _Place(self.file, f"{self.path}.{name}", self.value[name])

    def maybe(self, name: str, default: T, read: Callable[["_Place"], T]) -> T:
        return read(self.at(name)) if name in self.table() else default

    def members(self) -> list["_Place"]:
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return [_Place(self.file, f"{self.path}[{index}]", member) for index, member in enumerate(self.value)]

    def values(self) -> list[tuple[str, "_Place"]]:
        return [(name, self.at(name)) for name in self.table()]

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value:
            raise self.wrong("text")
        return self.value

    def amount(self) -> int:
        if not isinstance(self.value, str) or not (self.value.isascii() and self.value.isdigit()):
            raise self.wrong("base units as text of digits")
        return int(self.value)

    def number(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("a whole number")
        return self.value

    def word(self) -> bytes:
        if not isinstance(self.value, str) or not self.value.startswith("0x"):
            raise self.wrong('bytes as "0x…"')
        try:
            return bytes.fromhex(self.value[2:])
        except ValueError:
            raise self.wrong('bytes as "0x…"') from None

    def state(self) -> bytes | None:
        return None if self.value is None else self.word()


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _case(place: _Place) -> PoolCase:
    place.only("name", "pool", "at", "states", "logs", "after", "balances", "slack", "answers", "swap", "impossible")
    ref, at = _ref(place.at("pool")), place.at("at")
    at.only("height", "unix_time", "epoch")
    return PoolCase(
        ref,
        _states(place.at("states")),
        ChainTime(ref.chain, at.at("height").number(), at.at("unix_time").number(), at.maybe("epoch", 0, _Place.number)),
        place.maybe("logs", (), lambda logs: tuple(map(_log, logs.members()))),
        place.maybe("after", {}, _states),
        place.maybe("answers", (), lambda answers: tuple(_answer(one, ref.assets) for one in answers.members())),
        place.maybe("balances", {}, _amounts),
        place.maybe("slack", {}, _amounts),
        place.maybe("name", "", _Place.text),
        place.maybe("swap", None, lambda swap: _answer(swap, ref.assets)),
        place.maybe("impossible", {}, lambda wrong: {Key(key): one.word() for key, one in wrong.values()}),
    )


def _ref(place: _Place) -> PoolRef:
    place.only("id", "assets", "kind", "fee_ppm", "details")
    identifier = PoolId(place.at("id").text())
    try:
        chain, dex, address = split_pool_id(identifier)
    except UsageError as error:
        raise UsageError(f"{place.file}: {place.path}.id: {error}") from error
    assets = tuple(AssetId(one.text()) for one in place.at("assets").members())
    none: tuple[tuple[str, str | int], ...] = ()
    details = place.maybe("details", none, lambda found: tuple(sorted((name, _constant(one)) for name, one in found.values())))
    return PoolRef(
        identifier, dex, chain, address, assets, place.maybe("kind", "", _Place.text), place.maybe("fee_ppm", None, _Place.number), details
    )


def _constant(place: _Place) -> str | int:
    return place.value if isinstance(place.value, str) else place.number()


def _states(place: _Place) -> dict[Key, bytes | None]:
    return {Key(name): one.state() for name, one in place.values()}


def _amounts(place: _Place) -> dict[AssetId, int]:
    return {AssetId(name): one.amount() for name, one in place.values()}


def _log(place: _Place) -> Log:
    place.only("address", "topics", "data", "index")
    topics = tuple(one.word() for one in place.at("topics").members())
    return Log(place.at("address").text(), topics, place.at("data").word(), place.maybe("index", 0, _Place.number))


def _answer(place: _Place, assets: Sequence[AssetId]) -> RecordedAnswer:
    place.only("sell", "buy", "amount_in", "amount_out", "exact", "no_quote")
    sell, buy = (AssetId(place.at(name).text()) for name in ("sell", "buy"))
    for name, asset in (("sell", sell), ("buy", buy)):
        if asset not in assets:
            raise place.at(name).wrong(f"one of the pool's assets {', '.join(assets)}")
    exact_out = place.maybe("exact", "in", _Place.text)
    if exact_out not in ("in", "out"):
        raise place.at("exact").wrong('"in" or "out"')
    reason = place.maybe("no_quote", None, _reason)
    given, asked = ("amount_out", "amount_in") if exact_out == "out" else ("amount_in", "amount_out")
    amounts = {given: place.at(given).amount(), asked: 0 if reason else place.at(asked).amount()}
    return RecordedAnswer(sell, buy, amounts["amount_in"], amounts["amount_out"], exact_out == "out", reason)


def _reason(place: _Place) -> NoQuoteReason | None:
    if place.value not in list(NoQuoteReason):
        raise place.wrong(f"one of {', '.join(NoQuoteReason)}")
    return NoQuoteReason(place.value)
