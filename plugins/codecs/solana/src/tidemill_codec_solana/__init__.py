"""The codec of Solana."""

from collections.abc import Sequence

from tidemill import Codec, hookimpl
from tidemill_codec_solana.codec import SolanaCodec

__all__ = ["SolanaCodec", "tidemill_register_codecs"]


@hookimpl
def tidemill_register_codecs() -> Sequence[type[Codec]]:
    """Register the codec of namespace ``solana``."""
    return (SolanaCodec,)
