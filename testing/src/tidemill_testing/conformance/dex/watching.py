"""The rule of watching: what a pool was made of must be reported from then on."""

from collections.abc import Iterator

from tidemill.domain.answers import Needs
from tidemill.domain.ids import Key
from tidemill.domain.pool import Decoded
from tidemill.errors import DecodeError
from tidemill.hookspecs.dex import Dex
from tidemill_testing.conformance.dex.bench import DexBench, Loaded
from tidemill_testing.conformance.rule import rule

_PROBED_KEYS = 64


class DexWatchRules(DexBench):
    """Rule 37."""

    @rule("DEX-37", "what it reads is watched")
    def test_what_it_reads_is_watched(self) -> None:
        """A chain reports what is watched alone, and after a gap just that is read anew, also where logs move the pool between.

        A key counts where other bytes in it make another pool: those of the case's ``after``, else the same with a bit turned. One that
        can never change may stand in ``reads`` instead; one that ``after`` changes may not. Looked at are the keys of the first load:
        what a quote names later is not, and a value that decodes in one way only shows nothing.

        If this fails: put every key into ``Watch.keys`` that ``decode`` asked for, beside the log filters.
        """
        dex = self.dex()
        for loaded in self.loaded():
            case, decoded = loaded.case, loaded.decoded
            changed = {key for key, value in case.after.items() if case.states.get(key) != value}
            known = {*decoded.watch.keys, *(key for key in decoded.reads if key not in changed)}
            unwatched = [key for keys in loaded.asked for key in keys if key not in known]
            for key in unwatched[:_PROBED_KEYS]:
                if any(self._moves(dex, loaded, key, value) for value in _other_values(loaded, key)):
                    after = ", as after its logs" if key in changed else ""
                    self.broken(f"{case}: other bytes at {key}{after} make another pool, and its watch has the keys {decoded.watch.keys}")

    def _moves(self, dex: Dex, loaded: Loaded, key: Key, value: bytes | None) -> bool:
        with self.asking(f"{loaded.case}: {key} = {value.hex() if value is not None else None}"):
            try:
                answer = dex.decode(loaded.case.ref, {**loaded.states, key: value}, loaded.case.at, None)
            except DecodeError:
                return False
        return isinstance(answer, Needs) or (isinstance(answer, Decoded) and answer.pool != loaded.pool)


def _other_values(loaded: Loaded, key: Key) -> Iterator[bytes | None]:
    """Yield what may stand at a key some day: what the case shows, and the bytes with one bit turned."""
    held = loaded.states[key]
    if key in loaded.case.after:
        yield loaded.case.after[key]
    for place in sorted({0, len(held) // 2, len(held) - 1}) if held else ():
        yield bytes(byte ^ (place == index) for index, byte in enumerate(held or b""))
