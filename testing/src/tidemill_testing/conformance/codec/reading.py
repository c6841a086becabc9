"""Rules of codecs about reading: pure, total, whole, and as the author says."""

import re
from collections.abc import Sequence
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Action, Reading, Scheme, Unreadable
from tidemill.hookspecs.codec import Codec
from tidemill_testing.conformance import asking
from tidemill_testing.conformance.codec.asked import RAISED, AskedCodec
from tidemill_testing.conformance.codec.case import CodecCase, answer_digests, answer_of, answers_of, cuts, with_one_byte_changed
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.sandbox import OutsideWorld, folder_of, sandbox

_NAMESPACE = re.compile(r"[-a-z0-9]{3,8}")
_SLOT = re.compile(r"nonce:(0|[1-9][0-9]*)|blockhash:[!-~]+")
_LONGEST_REASON = 300
_STRANGE = ("", ":", "x", "x:", ":1", "zz-none:1", "eip155", "eip155:", "eip155:-1", "eip155:01", "sim:1:1", "solana:" + "1" * 400, "\0:\0")


class CodecReadingRules(AskedCodec):
    """What is read decides what a policy judges."""

    @rule("COD-10", "it only computes while it is asked")
    def test_only_computes(self, cases: Sequence[CodecCase]) -> None:
        """The signer trusts what a codec reads: no file, socket, clock, chance or environment may decide it.

        If this fails: compute from the arguments alone. Libraries of cryptography may be imported inside methods; their random numbers
        may not be asked for, verifying needs none.
        """
        codec, all_asked = self.codec_and_cases(cases)
        answers_of(codec, all_asked)
        try:
            with sandbox(folder_of(self.plugin)):
                answers_of(codec, all_asked)
        except OutsideWorld as error:
            self.broken(str(error))

    @rule("COD-11", "another instance answers the same")
    def test_another_instance_answers_the_same(self, cases: Sequence[CodecCase]) -> None:
        """The signer's codec and the run's are two instances in two processes; what one joins the other opens.

        If this fails: look for ``id()``, default ``repr`` and attributes of class or module that one instance leaves for the next.
        """
        codec, all_asked = self.codec_and_cases(cases)
        place = asking.first_difference(answers_of(codec, all_asked), answers_of(self.make(), all_asked))
        if place is not None:
            self.broken(f"another instance answers otherwise about {cases[place].name}")

    @rule("COD-12", "every PYTHONHASHSEED answers the same")
    def test_every_hash_seed_answers_the_same(self, cases: Sequence[CodecCase]) -> None:
        """The order of sets changes from process to process; the order of actions, and of what they spend, must not.

        If this fails: keep actions in the order of the bytes, and sort what a set or a mapping gives.
        """
        _, all_asked = self.codec_and_cases(cases)
        self.same_under_every_seed(answer_digests, (self.plugin, self.made_settings(), all_asked), lambda place: cases[place].name)

    @rule("COD-13", "it keeps no state between calls")
    def test_keeps_no_state(self, cases: Sequence[CodecCase]) -> None:
        """A codec that remembers may read the same bytes otherwise the second time: once for the policy, once for the key.

        If this fails: keep no counters and no last payload on the instance; derive everything from the arguments.
        """
        fresh, all_asked = self.codec_and_cases(cases)
        before = asking.state_of(fresh)
        backwards = [answer_of(fresh, one) for one in reversed(all_asked)][::-1]
        after = asking.state_of(fresh)
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        if changed:
            self.broken(f"being asked changed its attributes {', '.join(changed)}")
        place = asking.first_difference(backwards, answers_of(fresh, all_asked))
        if place is not None:
            self.broken(f"asked again it answers otherwise about {cases[place].name}")

    @rule("COD-14", "a payload reads as its author says")
    def test_payload_reads_as_its_author_says(self, cases: Sequence[CodecCase]) -> None:
        """The account, the slot, every action with its value and spends, and the most that inclusion may cost: known answers.

        If this fails: compare what was read with the case, field by field; the case is made by hand, not by the codec.
        """
        codec, _ = self.codec_and_cases(cases)
        for case in cases:
            found = codec.read(case.reading.chain, case.payload)
            if not isinstance(found, Reading):
                self.broken(f"{case.name}: expected a Reading, found {found!r:.200}")
            for name in ("chain", "account", "scheme", "slot", "actions", "max_fee"):
                if getattr(found, name) != getattr(case.reading, name):
                    self.broken(f"{case.name}: {name} is {getattr(found, name)!r:.200}, expected {getattr(case.reading, name)!r:.200}")

    @rule("COD-15", "figures are whole numbers of at least 0, and names are not empty")
    def test_reading_is_well_formed(self, cases: Sequence[CodecCase]) -> None:
        """A policy adds up values and compares them with its limits: a negative one would pay for another.

        Asked of every case, and of every case with one byte changed, so that numbers take every sign and size.

        If this fails: read amounts as unsigned numbers, ``int`` and not ``bool`` or ``float``; name the slot ``nonce:<number>`` or
        ``blockhash:<hash>``; refuse what has no account or no target.
        """
        codec, _ = self.codec_and_cases(cases)
        for case in cases:
            for place, payload in ((-1, case.payload), *with_one_byte_changed(case.payload)):
                found = codec.read(case.reading.chain, payload)
                wrong = _wrong(found, case.reading.chain) if isinstance(found, Reading) else None
                if wrong is not None:
                    self.broken(f"{case.name}{f', its byte {place} changed' if place >= 0 else ''}: {wrong}")

    @rule("COD-16", "no bytes make it raise")
    def test_no_bytes_make_it_raise(self, cases: Sequence[CodecCase]) -> None:
        """Whoever can reach the signer's socket chooses the bytes; a codec that raises on them ends what the signer was doing.

        Random bytes, cases cut, changed and joined to each other, and names of chains that are none, to ``read`` and ``open``.

        If this fails: check lengths before reading, bound nesting and counts, and answer ``Unreadable`` where a number, a text or a
        point of a curve is none. A bare ``int(...)`` or ``decode()`` of foreign bytes raises ValueError.
        """
        codec, all_asked = self.codec_and_cases(cases)
        known = [content for one in all_asked for content in (one.payload, one.raw)]
        chains = [one.chain for one in all_asked]
        for name in (*_STRANGE, *chains):
            for content in (b"", b"\0", *known):
                self._total(codec, ChainId(name), content)
        for content in known:
            for cut in cuts(content):
                self._total(codec, chains[0], cut)
            for _, changed in with_one_byte_changed(content):
                self._total(codec, chains[0], changed)

        @self.examples(200)
        @given(st.sampled_from(chains), _hostile(known))
        def holds(chain: ChainId, content: bytes) -> None:
            self._total(codec, chain, content)

        holds()

    def _total(self, codec: Codec, chain: ChainId, content: bytes) -> None:
        for name in ("read", "open"):
            try:
                getattr(codec, name)(chain, content)
            except RAISED as error:
                self.broken(f"{name} of {_shown(content)} on {chain!r:.40} raised {type(error).__name__}: {error}")

    @rule("COD-17", "a payload is read to its end")
    def test_payload_is_read_to_its_end(self, cases: Sequence[CodecCase]) -> None:
        """What stands behind the part that was read would be signed unread; what is cut would be completed by somebody else.

        If this fails: compare the offset where reading ended with the length, and answer ``Unreadable`` where they differ.
        """
        codec, _ = self.codec_and_cases(cases)
        for case in cases:
            for more in (b"\0", b"\xff", case.payload):
                if not isinstance(codec.read(case.reading.chain, case.payload + more), Unreadable):
                    self.broken(f"{case.name}: {len(more)} more bytes at its end were not noticed")
            for cut in cuts(case.payload):
                if not isinstance(codec.read(case.reading.chain, cut), Unreadable):
                    self.broken(f"{case.name}: its first {len(cut)} bytes alone were read")

    @rule("COD-18", "every byte of a payload counts")
    def test_every_byte_counts(self, cases: Sequence[CodecCase]) -> None:
        """Two payloads that read alike and are signed alike are one signature for two transactions.

        If this fails: a byte is neither looked at nor signed: put it into the message, give it one allowed value, or leave it out.
        """
        codec, _ = self.codec_and_cases(cases)
        for case in cases:
            chain = case.reading.chain
            before = (codec.read(chain, case.payload), codec.message(case.payload))
            for place, payload in with_one_byte_changed(case.payload):
                found = codec.read(chain, payload)
                if isinstance(found, Reading) and (found, codec.message(payload)) == before:
                    self.broken(f"{case.name}: with byte {place} changed it reads and signs as before")

    @rule("COD-19", "a payload of another namespace is refused")
    def test_other_namespace_is_refused(self, cases: Sequence[CodecCase]) -> None:
        """A codec serves one CAIP-2 namespace; what it says of the chains of others is no reading.

        If this fails: compare the part of the chain before the colon with ``namespace``, in ``read`` and in ``open``.
        """
        codec, all_asked = self.codec_and_cases(cases)
        if not _NAMESPACE.fullmatch(self.plugin.namespace):
            self.broken(f"expected a namespace of CAIP-2, 3 to 8 of a-z 0-9 -, found {self.plugin.namespace!r}")
        for one in all_asked:
            namespace, _, reference = one.chain.partition(":")
            if namespace != self.plugin.namespace:
                self.broken(f"a case is of {one.chain}, the codec's namespace is {self.plugin.namespace}")
            self._refuses(
                codec, (ChainId(f"other:{reference}"), ChainId(reference), ChainId(f"{namespace}{reference}")), one.payload, one.raw
            )

    @rule("COD-20", "a payload of another chain is refused", needs="names_chain")
    def test_other_chain_is_refused(self, cases: Sequence[CodecCase]) -> None:
        """A payload that a policy allows on a test network must not be signed for the chain where the money is.

        If this fails: compare the chain that stands in the payload with the one that ``read`` and ``open`` are given.
        """
        codec, all_asked = self.codec_and_cases(cases)
        for one in all_asked:
            namespace, _, reference = one.chain.partition(":")
            others = (f"{namespace}:{reference}1", f"{namespace}:{reference[:-1]}", f"{namespace}:7")
            self._refuses(codec, [ChainId(other) for other in others if other != one.chain], one.payload, one.raw)

    def _refuses(self, codec: Codec, chains: Sequence[ChainId], payload: bytes, raw: bytes) -> None:
        for chain in chains:
            for name, content in (("read", payload), ("open", raw)):
                if not isinstance(getattr(codec, name)(chain, content), Unreadable):
                    self.broken(f"{name} on {chain} was answered: expected Unreadable")

    @rule("COD-21", "an Unreadable says why in one short line")
    def test_unreadable_says_why(self, cases: Sequence[CodecCase]) -> None:
        """The reason stands in the audit trail and on the operator's screen, and whoever sent the bytes chose them.

        If this fails: say what was expected and what was found; cut what is foreign (``f"{found!r:.40}"``), and never repeat a payload.
        """
        codec, all_asked = self.codec_and_cases(cases)
        contents = [content for one in all_asked for content in (one.payload, one.raw)]
        for content in (b"", bytes(8), b"\xff" * 2_000, b"\n" * 70, *(part for whole in contents for part in (whole[:-1], whole + b"\n"))):
            for name in ("read", "open"):
                found = getattr(codec, name)(all_asked[0].chain, content)
                if not isinstance(found, Unreadable):
                    continue
                said = found.reason
                if not (isinstance(said, str) and said.strip() and said.isprintable() and len(said) <= _LONGEST_REASON):
                    self.broken(f"{name} of {_shown(content)}: expected one printable line of 1 to {_LONGEST_REASON}, found {said!r:.80}")


def _wrong(found: Reading, chain: ChainId) -> str | None:
    """Return what is wrong with a reading's form, or None."""
    if found.chain != chain or not (isinstance(found.account, str) and found.account):
        return f"it is of chain {found.chain!r} and account {found.account!r:.40}, expected {chain} and an account"
    if found.scheme not in get_args(Scheme) or not _SLOT.fullmatch(found.slot):
        return f"it has scheme {found.scheme!r} and slot {found.slot!r:.60}, expected one of {get_args(Scheme)} and nonce:… or blockhash:…"
    if not isinstance(found.actions, tuple) or not all(isinstance(action, Action) and action.target for action in found.actions):
        return f"its actions are {found.actions!r:.200}, expected a tuple of Action with targets"
    spent = [amount for action in found.actions for _, amount in action.spends]
    for figure in (found.max_fee, *(action.value for action in found.actions), *spent):
        if type(figure) is not int or figure < 0:
            return f"it has the figure {figure!r}, expected whole numbers of at least 0"
    return None


def _shown(content: bytes) -> str:
    return f"{len(content)} bytes {content[:40].hex()}{'…' if len(content) > 40 else ''}"


def _hostile(known: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Random bytes; pieces of known bytes with others between them; known beginnings with anything behind."""
    piece = st.builds(
        lambda whole, start, length: whole[start : start + length], st.sampled_from(known), st.integers(0, 80), st.integers(0, 80)
    )
    mixed = st.lists(piece | st.binary(max_size=9), max_size=6).map(b"".join)
    begun = st.builds(
        lambda whole, length, rest: whole[:length] + rest, st.sampled_from(known), st.integers(0, 90), st.binary(max_size=200)
    )
    return st.binary(max_size=300) | mixed | begun
