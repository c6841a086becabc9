"""Figures of a run as it goes, from its notes."""

from attrs import define

from tidemill.domain.amount_text import amount_text
from tidemill.domain.note import Note


@define
class Counts:
    """What has been told so far. The summary has the exact figures: notes that nobody needs may be dropped under load.

    ``net`` is the sum of what fills, reverts and groups of legs brought after costs, in base units of the asset that ``symbol`` and
    ``decimals`` name; ``symbol`` is empty while no note has said it.
    """

    blocks: int = 0
    height: int = 0
    found: int = 0
    taken: int = 0
    filled: int = 0
    reverted: int = 0
    refused: int = 0
    net: int = 0
    symbol: str = ""
    decimals: int = 0
    rejection: str = ""

    def add(self, note: Note) -> None:
        """Count a note in."""
        self.height = max(self.height, note.height)
        match note.event:
            case "head":
                self.blocks += 1
            case "plan":
                self.found += 1
                self.taken += 1
            case "rejected":
                self.found += 1
                self.rejection = note.text
            case "refused":
                self.refused += 1
            case "fill":
                self.filled += 1
                self._earned(note)
            case "revert":
                self.reverted += 1
                self._earned(note)
            case "group" | "exposure":
                # Legs tell of no profit of their own; where their group ends the note says what all of it left
                self._earned(note)

    def _earned(self, note: Note) -> None:
        fields = dict(note.fields)
        net, symbol, decimals = fields.get("net"), fields.get("symbol"), fields.get("decimals")
        if isinstance(net, str | int) and isinstance(symbol, str) and isinstance(decimals, str | int):
            if symbol != self.symbol and self.symbol:
                # Books with different bases cannot be added up: the figure is then left to the summary
                self.symbol, self.net = "", 0
                return
            self.symbol, self.decimals = symbol, int(decimals)
            self.net += int(net)

    @property
    def profit(self) -> str:
        """The profit so far after gas as text, or nothing where it is not known."""
        if not self.symbol:
            return ""
        return amount_text(self.net, self.decimals, sign=True)
