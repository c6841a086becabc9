"""Columns of the events that are plain rows: a price, a trade, a head."""

from collections.abc import Sequence
from typing import Any

from tidemill.tape.columns.layout import E, Layout
from tidemill.tape.columns.rows import Rows


class FlatLayout(Layout[E]):
    """Events whose attributes are all texts and integers: one column each."""

    def __init__(self, kind: type[E]) -> None:
        super().__init__(kind)
        self._rows: Rows[E] = Rows(kind)

    def fits(self, event: E) -> bool:
        return self._rows.fits((event,))

    def array(self, events: Sequence[E]) -> Any:
        return self._rows.array(events)

    def events(self, rows: Any) -> list[E]:
        return self._rows.values(rows)
