"""How a process of ours and one of a plugin's own speak: frames of a length and a content."""

import pickle
import struct
from typing import Any

HEAD = struct.Struct(">I")
MAX_ANSWER = 64 << 20
"""A child's answer is refused beyond so many bytes."""


def frame(message: Any) -> bytes:
    """Return a message to a child as a frame: pickled, since a child trusts its parent."""
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return HEAD.pack(len(content)) + content
