"""The suite of codecs."""

from tidemill_testing.conformance.codec.reading import CodecReadingRules
from tidemill_testing.conformance.codec.signing import CodecSigningRules


class CodecConformance(CodecReadingRules, CodecSigningRules):
    """What every codec must hold to; an author's class inherits it and gives what follows.

    An author must give:
        plugin: the codec's class.
        cases: a fixture; payloads as ``CodecCase`` values: the bytes, what they do, and the key of the account that they name
            (``tidemill_testing.signing_keys`` makes keys). At least two; every kind of transaction that the codec reads should be among
            them, and accounts of every scheme.

    An author may give:
        settings, assets, capabilities, exempt: as for every kind.

    Capabilities:
        ``names_chain``: a payload names its chain, so that it is read for that chain alone.
    """

    kind = "codec"
    prefix = "COD"
    may_give = CodecReadingRules.may_give | {"cases"}
