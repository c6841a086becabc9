"""Rules of codecs about signatures: joined and opened again, and nothing but the account's own signature opens."""

from collections.abc import Sequence
from typing import get_args

from tidemill.domain.signing import Opened, Scheme, Unreadable
from tidemill.errors import UsageError
from tidemill_testing.conformance.codec.asked import RAISED, AskedCodec
from tidemill_testing.conformance.codec.case import CodecCase, cuts, twin_of, with_one_bit_flipped, with_one_byte_changed
from tidemill_testing.conformance.rule import rule

_SIZES = {"secp256k1": 65, "ed25519": 64}
_PUBLIC_SIZES = {"secp256k1": 64, "ed25519": 32}


class CodecSigningRules(AskedCodec):
    """What comes back from a signer is believed only where it opens."""

    @rule("COD-30", "what is joined opens to its payload, its account and one name")
    def test_joined_opens(self, cases: Sequence[CodecCase]) -> None:
        """A transaction is looked for by its name until its end is known: the name must follow from the bytes alone.

        If this fails: ``open`` must give the very payload that was joined, the account that the payload names, and what the chain
        itself calls the transaction; two transactions never have one name.
        """
        codec, all_asked = self.codec_and_cases(cases)
        names: dict[str, bytes] = {}
        for case, one in zip(cases, all_asked, strict=True):
            found = codec.open(one.chain, one.raw)
            if not isinstance(found, Opened):
                self.broken(f"{case.name}: joined with its own signature it is {found!r:.200}")
            if found.payload != one.payload or found.account != case.reading.account:
                self.broken(f"{case.name}: it opens to {len(found.payload)} other bytes, or to the account {found.account}")
            if not (isinstance(found.tx, str) and found.tx) or names.setdefault(found.tx, one.payload) != one.payload:
                self.broken(f"{case.name}: its name is {found.tx!r:.80}, expected one that no other transaction has")

    @rule("COD-31", "no other signature opens as the account's")
    def test_no_other_signature_opens(self, cases: Sequence[CodecCase]) -> None:
        """A signer that answers with a broken or a foreign signature must be found out before anything is broadcast.

        Every bit of a signature is flipped; the keys of the other cases sign in its place. ``open`` says Unreadable, or finds an account
        that is not the one asked for.

        If this fails: verify the signature against the message of the payload that you return, and compare the account.
        """
        codec, all_asked = self.codec_and_cases(cases)
        for case, one in zip(cases, all_asked, strict=True):
            wrong = [(f"bit {bit} flipped", changed) for bit, changed in with_one_bit_flipped(one.signature)]
            keys = {other.key.public_key: other.key for other in cases if other.key.scheme == one.scheme}
            strangers = [key for key in keys.values() if key.public_key != one.public_key]
            wrong += [("the key of another case", key.sign(codec.message(one.payload))) for key in strangers]
            wrong += [("no key", bytes(_SIZES[one.scheme])), ("all ones", b"\xff" * _SIZES[one.scheme])]
            for what, signature in wrong:
                found = codec.open(one.chain, codec.join(one.payload, signature))
                if isinstance(found, Opened) and found.account == case.reading.account:
                    self.broken(f"{case.name}: signed with {what} it opens as {found.account}'s")

    @rule("COD-32", "the twin of a signature is refused")
    def test_twin_of_a_signature_is_refused(self, cases: Sequence[CodecCase]) -> None:
        """Anybody can turn one valid signature into its twin: one payload would have two names, and the second is looked for in vain.

        If this fails: allow ``s`` up to half the order for secp256k1, below the order for ed25519.
        """
        codec, all_asked = self.codec_and_cases(cases)
        for case, one in zip(cases, all_asked, strict=True):
            found = codec.open(one.chain, codec.join(one.payload, twin_of(one.scheme, one.signature)))
            if isinstance(found, Opened) and found.account == case.reading.account:
                self.broken(f"{case.name}: the twin of its signature opens as {found.account}'s")

    @rule("COD-33", "signed bytes are opened to their end, and each of them counts")
    def test_signed_bytes_are_opened_to_their_end(self, cases: Sequence[CodecCase]) -> None:
        """Two texts of one transaction have two names; the chain knows one of them.

        If this fails: refuse any byte behind the transaction, any length that is not the shortest, and any filler that is not fixed.
        """
        codec, all_asked = self.codec_and_cases(cases)
        for case, one in zip(cases, all_asked, strict=True):
            whole = codec.open(one.chain, one.raw)
            others = [(f"{len(cut)} of its {len(one.raw)} bytes", cut) for cut in cuts(one.raw)]
            others += [("a byte more", one.raw + b"\0"), ("the whole twice", one.raw + one.raw)]
            others += [(f"byte {place} changed", changed) for place, changed in with_one_byte_changed(one.raw)]
            for what, raw in others:
                found = codec.open(one.chain, raw)
                if (
                    isinstance(found, Opened)
                    and isinstance(whole, Opened)
                    and (found.account, found.payload) == (whole.account, whole.payload)
                ):
                    self.broken(f"{case.name}: with {what} it opens as before")

    @rule("COD-34", "a public key has the account that its author says")
    def test_public_key_has_its_account(self, cases: Sequence[CodecCase]) -> None:
        """``keys new`` shows this address, and money is sent to it: it must be the one that the chain pays from.

        If this fails: compare with an address that a wallet shows for the same key; schemes that the namespace does not have raise
        UsageError.
        """
        codec, _ = self.codec_and_cases(cases)
        for case in cases:
            found = codec.account(case.key.scheme, case.key.public_key)
            if found != case.reading.account:
                self.broken(f"the account of {case.key.public_key.hex()} is {found!r:.80}, expected {case.reading.account}")
        for scheme in sorted({*get_args(Scheme)} - {case.key.scheme for case in cases}):
            try:
                codec.account(scheme, bytes(_PUBLIC_SIZES[scheme]))
            except UsageError:
                continue
            self.broken(f"{scheme}, of which no case is, has an account: give a case, or raise UsageError")

    @rule("COD-35", "what cannot be read cannot be opened")
    def test_unreadable_is_not_opened(self, cases: Sequence[CodecCase]) -> None:
        """Bytes that ``read`` refuses were never asked for; a signature on them is the work of somebody else.

        If this fails: let ``open`` read the payload that it found, and answer ``Unreadable`` where that does.
        """
        codec, all_asked = self.codec_and_cases(cases)
        for case, one in zip(cases, all_asked, strict=True):
            for place, payload in with_one_byte_changed(one.payload):
                if not isinstance(codec.read(one.chain, payload), Unreadable):
                    continue
                try:
                    raw = codec.join(payload, case.key.sign(codec.message(payload)))
                except RAISED:
                    continue  # only what was read is ever joined
                found = codec.open(one.chain, raw)
                if isinstance(found, Opened) and isinstance(codec.read(one.chain, found.payload), Unreadable):
                    self.broken(f"{case.name}: with byte {place} changed it is Unreadable, and opens when it is signed")
