"""The codec of EVM chains."""

from collections.abc import Sequence

from tidemill import Codec, hookimpl
from tidemill_codec_evm.codec import EvmCodec

__all__ = ["EvmCodec", "tidemill_register_codecs"]


@hookimpl
def tidemill_register_codecs() -> Sequence[type[Codec]]:
    """Register the codec of namespace ``eip155``."""
    return (EvmCodec,)
