"""What the rules of codecs share: the cases, and how the plugin is asked."""

from collections.abc import Sequence
from typing import ClassVar

import pytest

from tidemill.errors import TidemillError
from tidemill.hookspecs.codec import Codec
from tidemill_testing.conformance import asking
from tidemill_testing.conformance.codec.case import Asked, CodecCase, asked
from tidemill_testing.conformance.suite import Conformance

DIGEST = 32
"""Bytes that a secp256k1 key signs."""
RAISED = (*asking.RAISED, TidemillError)
"""What code raises on bytes that it did not expect; for a codec they are an answer."""


class AskedCodec(Conformance):
    """Gives cases to the rules, and the author's payloads as they are signed."""

    plugin: ClassVar[type[Codec]]

    @pytest.fixture
    def cases(self) -> Sequence[CodecCase]:
        """What the codec is asked about."""
        return ()

    def codec_and_cases(self, cases: Sequence[CodecCase]) -> tuple[Codec, tuple[Asked, ...]]:
        """Return an instance of the codec and the cases with their signatures; its lazy imports are done."""
        if len(cases) < 2:
            self.broken(f"expected at least two cases from the fixture `cases` of {type(self).__name__}, found {len(cases)}")
        codec: Codec = self.make()
        for case in cases:
            length = len(codec.message(case.payload))
            if case.key.scheme == "secp256k1" and length != DIGEST:
                self.broken(f"{case.name}: expected a digest of {DIGEST} bytes to sign, found {length} bytes")
        return codec, asked(codec, cases)
