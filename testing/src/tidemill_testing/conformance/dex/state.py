"""Rules of a DEX's state: bytes to pools, and what a pool does not know."""

import pickle
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import attrs
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.answers import Needs, NoQuote, NoQuoteReason
from tidemill.domain.ids import Key
from tidemill.domain.pool import Decoded, Pool, PoolRef, Swapped
from tidemill.errors import DecodeError
from tidemill.hookspecs.dex import Dex
from tidemill.stages.loading import MAX_ROUNDS
from tidemill.tape import codec
from tidemill.units import PPM_SCALE
from tidemill_testing.conformance.dex.bench import DexBench, Lane, Loaded, directions
from tidemill_testing.conformance.dex.pool_case import PoolCase
from tidemill_testing.conformance.rule import rule

_SAMPLED_KEYS = 12
_FILLS = 12
_PROBES = (1, 1_000, 10**6, 10**18, 1 << 112, 1 << 128)


class DexStateRules(DexBench):
    """Rules 10 to 19."""

    @rule("DEX-10", "families and exactness are said")
    def test_families_and_exactness_are_said(self) -> None:
        """A chain asks the DEXs of its family only, and planning trusts the quotes of an exact one.

        If this fails: set ``families = frozenset({"evm"})`` and ``exact = True`` or ``False`` in the class; every case's ``ref.dex`` is the
        plugin's name.
        """
        families = self.plugin.families
        if not (isinstance(families, frozenset) and families and all(isinstance(one, str) and one for one in families)):
            self.broken(f"expected a frozenset of names of chain families, found families = {families!r}")
        if type(self.plugin.exact) is not bool:
            self.broken(f"expected exact = True or False, found {self.plugin.exact!r}")
        for case in self.cases:
            if case.ref.dex != self.plugin.name:
                self.broken(f"{case}: its pool is of DEX {case.ref.dex!r}, the plugin is {self.plugin.name!r}")

    @rule("DEX-11", "decode asks for state a bounded number of times")
    def test_decode_asks_a_bounded_number_of_times(self) -> None:
        """The kernel gives up on a pool that still asks after its rounds, and a key asked twice never ends.

        If this fails: look up each key in ``states`` before asking for it (None is an answer: known to be absent), ask for all that is
        known to be needed at once, and never return ``Needs`` without keys.
        """
        for loaded in self.loaded():
            seen: set[Key] = set()
            for keys in loaded.asked:
                if not keys or seen & set(keys) or len(set(keys)) != len(keys):
                    again = sorted(seen & set(keys)) or keys
                    self.broken(f"{loaded.case}: asked for {again[0] if again else 'no key at all'}{' again' if again else ''}")
                seen.update(keys)
            if len(loaded.asked) > MAX_ROUNDS:
                self.broken(f"{loaded.case}: {len(loaded.asked)} rounds; the kernel gives up after {MAX_ROUNDS}")

    @rule("DEX-12", "decode never guesses what it was not given")
    def test_decode_never_guesses(self) -> None:
        """A pool made with a part of its state missing quotes wrong numbers that nobody notices.

        If this fails: a key that is not in ``states`` was never read: return ``Needs`` with it; only None means absent.
        """
        dex = self.dex()
        for loaded in self.loaded():
            for key in _sampled([key for keys in loaded.asked for key in keys]):
                rest = {other: value for other, value in loaded.states.items() if other != key}
                answer = dex.decode(loaded.case.ref, MappingProxyType(rest), loaded.case.at, None)
                if not isinstance(answer, Needs):
                    self.broken(f"{loaded.case}: without {key} decode gave {type(answer).__name__} instead of Needs")
                if self.load(dex, loaded.case, rest).pool != loaded.pool:
                    self.broken(f"{loaded.case}: with {key} read last the pool is another one")

    @rule("DEX-13", "equal bytes make an equal pool")
    def test_equal_bytes_make_an_equal_pool(self) -> None:
        """Replays, parity and other machines make the pool anew and must see the same one, whatever was there before.

        If this fails: decode from ``ref``, ``states`` and ``at`` alone; give the pool value equality (``attrs.frozen``); keep nothing
        between calls.
        """
        for first, second in zip(self.loaded(), self.loaded(), strict=True):
            dex, states = self.dex(), MappingProxyType(dict(first.states))
            asked: list[tuple[Decoded | Needs, str]] = [(second.decoded, "by another instance")]
            for last, how in ((first.pool, "with the pool before as last"), *self._others(dex, first)):
                asked.append((dex.decode(first.case.ref, states, first.case.at, last), how))
            for found, how in asked:
                if not isinstance(found, Decoded) or found.pool != first.pool or found.watch != first.decoded.watch:
                    self.broken(f"{first.case}: decoded {how} it is {found!r}, before {first.decoded!r}")

    def _others(self, dex: Dex, loaded: Loaded) -> Iterator[tuple[Pool, str]]:
        """Yield the pool as other bytes made it: after a swap in each direction, and after the case's logs."""
        for sell, buy in directions(loaded.pool):
            swaps = (loaded.pool.swap_exact_in(sell, buy, 1 << bits, loaded.case.at) for bits in range(0, 256, 8))
            moved = next((swapped.pool for swapped in swaps if isinstance(swapped, Swapped) and swapped.pool != loaded.pool), None)
            if moved is not None:
                yield moved, f"with the pool after a swap of {sell} as last"
        if loaded.case.after:
            yield (
                self.load(dex, loaded.case, source={**loaded.case.states, **loaded.case.after}).pool,
                "with the pool after its logs as last",
            )

    @rule("DEX-14", "bytes of no such pool are a DecodeError")
    def test_bytes_of_no_such_pool_are_a_decode_error(self) -> None:
        """Wrong bytes reach a plugin: a node's fault, an upgraded contract, a forged pool. One pool is dropped, not the run.

        If this fails: check length and ranges while decoding and raise ``tidemill.errors.DecodeError`` with the pool's id; translate the
        exceptions of libraries in one place, ``raise … from``. Where the contract's type is narrower than the bytes, give what it can
        never hold as ``impossible`` in the case: the suite cannot know that.
        """
        dex = self.dex()
        for loaded in self.loaded():
            for key, wrong in sorted(loaded.case.impossible.items()):
                with self.asking(f"{loaded.case}: {key} = {wrong.hex()}"):
                    made = self._decoded(dex, loaded.case, loaded.case.ref, {**loaded.states, key: wrong})
                if made is not None:
                    self.broken(f"{loaded.case}: no such contract holds {wrong.hex()} at {key}, and decode gave {type(made).__name__}")
            for key in _sampled([key for keys in loaded.asked for key in keys]):
                value = loaded.states[key]
                if value is not None:
                    self._short_values(dex, loaded, key, value)
                    self._any_values(dex, loaded, key, len(value))
            for ref in _impossible(loaded.case.ref):
                with self.asking(f"{loaded.case} described as {ref}"):
                    self._decoded(dex, loaded.case, ref, loaded.states)

    def _short_values(self, dex: Dex, loaded: Loaded, key: Key, value: bytes) -> None:
        for wrong in (b"", value[: len(value) // 2]):
            with self.asking(f"{loaded.case}: {key} of {len(wrong)} bytes"):
                answer = self._decoded(dex, loaded.case, loaded.case.ref, {**loaded.states, key: wrong})
            if isinstance(answer, Decoded):
                self.broken(f"{loaded.case}: {key} has {len(wrong)} bytes instead of {len(value)}, and decode gave a pool")

    def _any_values(self, dex: Dex, loaded: Loaded, key: Key, length: int) -> None:
        @self.examples(20)
        @given(st.one_of(st.none(), st.binary(min_size=length, max_size=length), st.just(b"\xff" * length)))
        def holds(value: bytes | None) -> None:
            with self.asking(f"{loaded.case}: {key} = {value.hex() if value is not None else None}"):
                answer = self._decoded(dex, loaded.case, loaded.case.ref, {**loaded.states, key: value})
                if isinstance(answer, Decoded):
                    for sell, buy in directions(answer.pool):
                        for amount in _PROBES:
                            answer.pool.quote_exact_in(sell, buy, amount, loaded.case.at)

        holds()

    def _decoded(self, dex: Dex, case: PoolCase, ref: PoolRef, states: Mapping[Key, bytes | None]) -> Decoded | Needs | None:
        try:
            return dex.decode(ref, MappingProxyType(dict(states)), case.at, None)
        except DecodeError:
            return None

    @rule("DEX-15", "the pool is the one that was asked for")
    def test_pool_is_the_one_asked_for(self) -> None:
        """Plans, positions and reports name pools and assets by what the pool says of itself.

        Descriptors are the cases' own: that ``discover`` finds such ones, with the assets in the contract's order, a test of yours with a
        reader of recorded logs must show.

        If this fails: take ``id`` and ``assets`` from the descriptor; ``holdings`` are base units of these assets, ``fee_ppm`` is parts per
        million (3_000 is 0.30 %) or None.
        """
        for loaded in self.loaded():
            pool, ref = loaded.pool, loaded.case.ref
            if not isinstance(pool, Pool):
                self.broken(f"{loaded.case}: {type(pool).__name__} lacks a member of tidemill.domain.pool.Pool")
            if (pool.id, pool.assets) != (ref.id, ref.assets):
                self.broken(f"{loaded.case}: expected {ref.id} of {ref.assets}, found {pool.id} of {pool.assets}")
            odd = {asset: held for asset, held in pool.holdings.items() if asset not in pool.assets or type(held) is not int or held < 0}
            if odd:
                self.broken(f"{loaded.case}: expected whole base units of its assets, found holdings {odd}")
            fee = pool.fee_ppm
            if fee is not None and (type(fee) is not int or not 0 <= fee < PPM_SCALE):
                self.broken(f"{loaded.case}: expected a fee of 0 to 999_999 parts per million or None, found {fee!r}")

    @rule("DEX-16", "a pool cannot be changed")
    def test_pool_cannot_be_changed(self) -> None:
        """Snapshots share pools, and a rollback brings the one of an older block back: it must stand as it stood.

        If this fails: make the pool's class with ``attrs.frozen``, hold tuples and ``immutables.Map`` in it, not lists and dicts.
        """
        for loaded in self.loaded():
            for name in _attributes(loaded.pool):
                value = getattr(loaded.pool, name)
                if isinstance(value, list | dict | set | bytearray):
                    self.broken(f"{loaded.case}: {name} is a {type(value).__name__}, which can be changed")
                try:
                    setattr(loaded.pool, name, value)
                except AttributeError:
                    continue
                self.broken(f"{loaded.case}: {name} of {type(loaded.pool).__name__} could be set")

    @rule("DEX-17", "a pool survives pickling and its descriptor JSON")
    def test_pool_survives_pickling(self) -> None:
        """Pools travel to processes of their own, descriptors to tapes and back.

        If this fails: keep lambdas, locks and open things out of the pool, define its class at module level; ``details`` of a descriptor
        are a tuple of (name, text or whole number).
        """
        for loaded in self.loaded():
            with self.asking(f"{loaded.case}: pickle of {type(loaded.pool).__name__}"):
                again = pickle.loads(pickle.dumps(loaded.pool))  # noqa: S301 what was just written
            if again != loaded.pool:
                self.broken(f"{loaded.case}: {loaded.pool!r} came back from pickle as {again!r}")
            with self.asking(f"{loaded.case}: {loaded.case.ref} as JSON"):
                ref = codec.decode(codec.encode(loaded.case.ref), PoolRef)
            if ref != loaded.case.ref:
                self.broken(f"{loaded.case}: the descriptor {loaded.case.ref} came back as {ref}")

    @rule("DEX-18", "more state never changes a quote")
    def test_more_state_never_changes_a_quote(self) -> None:
        """A quote that the loaded part of the state could not know was a guess.

        If this fails: answer ``NoQuote(NoQuoteReason.MISSING_STATE, keys=…)`` as soon as a quote leaves what was loaded.
        """
        dex = self.dex()
        for loaded in self.loaded():
            whole = self.load(dex, loaded.case, loaded.case.states).pool
            for lane in [Lane(loaded, sell, buy) for sell, buy in directions(loaded.pool)]:
                for bits in range(0, 256, 3):
                    first, second = lane.out(1 << bits), lane.out(1 << bits, whole)
                    if first is not None and first != second:
                        self.broken(f"{lane}: {1 << bits} in, {first} out; with the rest of the case's state loaded {second}")

    @rule("DEX-19", "missing state is named, and reading it fills the quote")
    def test_missing_state_is_named(self) -> None:
        """The kernel reads what a quote names and asks again; a quote that names nothing new is lost for good.

        If this fails: give all keys that the quote would read next in ``NoQuote.keys``, and let ``decode`` use every such key that
        ``states`` holds.
        """
        dex = self.dex()
        for loaded in self.loaded():
            for lane in [Lane(loaded, sell, buy) for sell, buy in directions(loaded.pool)]:
                for bits in range(0, 256, 8):
                    self._fill(dex, lane, 1 << bits)

    def _fill(self, dex: Dex, lane: Lane, amount: int) -> None:
        loaded = lane.loaded
        for _ in range(_FILLS):
            quote = loaded.pool.quote_exact_in(lane.sell, lane.buy, amount, lane.at)
            if not isinstance(quote, NoQuote) or quote.reason != NoQuoteReason.MISSING_STATE:
                return
            if not quote.keys or all(key in loaded.states for key in quote.keys):
                named = f"names {quote.keys[0]}, read already" if quote.keys else "names no key"
                self.broken(f"{amount} in misses state and {named} ({lane})")
            before, loaded = loaded.pool, self.read_more(dex, loaded, quote.keys)
            if loaded.pool == before:
                self.broken(f"{amount} in misses {quote.keys[0]}; with it read, the pool is the same as before ({lane})")


def _sampled(keys: list[Key]) -> list[Key]:
    """Return at most a dozen of the keys, spread evenly, the first and the last among them."""
    if len(keys) <= _SAMPLED_KEYS:
        return keys
    last = len(keys) - 1
    return [keys[place * last // (_SAMPLED_KEYS - 1)] for place in range(_SAMPLED_KEYS)]


def _impossible(ref: PoolRef) -> Iterator[PoolRef]:
    """Yield descriptors as a forged or damaged source could give them."""
    yield attrs.evolve(ref, assets=())
    yield attrs.evolve(ref, assets=ref.assets[:1] * 2)
    yield attrs.evolve(ref, fee_ppm=-1)
    yield attrs.evolve(ref, fee_ppm=PPM_SCALE)
    yield attrs.evolve(ref, kind="no such kind", details=(("no such detail", 1),))


def _attributes(pool: Pool) -> list[str]:
    kind: type = type(pool)
    if attrs.has(kind):
        return [attribute.name for attribute in attrs.fields(kind)]
    return sorted(getattr(pool, "__dict__", {})) or ["id"]
