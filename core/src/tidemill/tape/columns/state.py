"""Columns of ``States`` and ``Logs``: the chain of each, and nested rows."""

from collections.abc import Sequence
from typing import Any

from tidemill.domain.events import Log, Logs, States
from tidemill.tape.arrow import load_arrow
from tidemill.tape.columns.layout import Layout, cut, is_int64, is_text, listed


class StatesLayout(Layout[States]):
    """``States``: the chain, and nested rows of key and value."""

    def __init__(self) -> None:
        super().__init__(States)

    def fits(self, event: States) -> bool:
        return is_text((event.chain, *(key for key, _ in event.values)))

    def array(self, events: Sequence[States]) -> Any:
        pa = load_arrow()
        pairs = [event.values for event in events]
        keys = pa.array([key for values in pairs for key, _ in values], pa.string())
        values = pa.array([value for values in pairs for _, value in values], pa.binary())
        nested = pa.StructArray.from_arrays([keys, values], ["key", "value"])
        chains = pa.array([event.chain for event in events], pa.string())
        return pa.StructArray.from_arrays([chains, listed(nested, [len(values) for values in pairs])], ["chain", "values"])

    def events(self, rows: Any) -> list[States]:
        column = rows.field("values")
        nested = column.values
        pairs = tuple(zip(nested.field("key").to_pylist(), nested.field("value").to_pylist(), strict=True))
        return list(map(States, rows.field("chain").to_pylist(), cut(pairs, column)))


class LogsLayout(Layout[Logs]):
    """``Logs``: the chain, and nested rows of address, topics, data, index and transaction."""

    def __init__(self) -> None:
        super().__init__(Logs)

    def fits(self, event: Logs) -> bool:
        texts = (event.chain, *(text for log in event.logs for text in (log.address, log.tx)))
        return is_text(texts) and is_int64(log.index for log in event.logs)

    def array(self, events: Sequence[Logs]) -> Any:
        pa = load_arrow()
        logs = [log for block in events for log in block.logs]
        topics = pa.array([topic for log in logs for topic in log.topics], pa.binary())
        columns = {
            "address": pa.array([log.address for log in logs], pa.string()),
            "topics": listed(topics, [len(log.topics) for log in logs]),
            "data": pa.array([log.data for log in logs], pa.binary()),
            "index": pa.array([log.index for log in logs], pa.int64()),
            "tx": pa.array([log.tx for log in logs], pa.string()),
        }
        nested = pa.StructArray.from_arrays(list(columns.values()), list(columns))
        chains = pa.array([block.chain for block in events], pa.string())
        return pa.StructArray.from_arrays([chains, listed(nested, [len(block.logs) for block in events])], ["chain", "logs"])

    def events(self, rows: Any) -> list[Logs]:
        column = rows.field("logs")
        nested = column.values
        topics = nested.field("topics")
        logs = tuple(
            map(
                Log,
                nested.field("address").to_pylist(),
                cut(tuple(topics.values.to_pylist()), topics),
                nested.field("data").to_pylist(),
                nested.field("index").to_pylist(),
                nested.field("tx").to_pylist(),
            )
        )
        return list(map(Logs, rows.field("chain").to_pylist(), cut(logs, column)))
