"""Columns of the kinds of event that come in bulk: one row an event, nested rows where an event holds many values.

Each layout gathers the events of one kind and one segment, gives them as an Arrow struct array, and reads such an array back into
events. An event that a column cannot hold exactly (an integer beyond 64 bits, text that is no UTF-8) does not fit and is stored as JSON.
"""

from typing import Any

from tidemill.domain.events import Bar, BookDelta, Head, OraclePrice, Rate, Rollback, Timer, Trade
from tidemill.tape.columns.flat import FlatLayout
from tidemill.tape.columns.found import FoundLayout
from tidemill.tape.columns.layout import Layout
from tidemill.tape.columns.state import LogsLayout, StatesLayout

_ALL: tuple[Layout[Any], ...] = (
    StatesLayout(),
    LogsLayout(),
    FoundLayout(),
    *(FlatLayout(kind) for kind in (Head, Rollback, OraclePrice, Trade, BookDelta, Bar, Timer, Rate)),
)
LAYOUTS: dict[str, Layout[Any]] = {layout.kind.__name__: layout for layout in _ALL}
"""The kinds of event that have columns; every other kind, and what does not fit, is JSON."""
