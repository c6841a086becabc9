"""The codec of the simulated chain."""

from collections.abc import Sequence

from tidemill import Codec, hookimpl
from tidemill_codec_sim.codec import SimCodec

__all__ = ["SimCodec", "tidemill_register_codecs"]


@hookimpl
def tidemill_register_codecs() -> Sequence[type[Codec]]:
    """Register the codec of namespace ``sim``."""
    return (SimCodec,)
