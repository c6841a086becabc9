"""What an import takes from another program's recording, and how its file is opened."""

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from tidemill.domain.events import Batch
from tidemill.domain.ids import ChainId
from tidemill.errors import DecodeError, UsageError


@frozen
class Recording:
    """What an importer reads from a source.

    Attributes:
        chains: whose market it is.
        batches: in order; may be made while they are taken.
        left_out: how many entries of the source were left out, by reason; complete once ``batches`` has ended.
        remarks: what the source does not say and what stands for it, a sentence each.
    """

    chains: tuple[ChainId, ...]
    batches: Iterable[Batch]
    left_out: Mapping[str, int] = field(factory=dict)
    remarks: tuple[str, ...] = ()


def read_json(source: Path) -> Any:
    """Return the JSON document in a file, which may be compressed by gzip: that is recognised by its content.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        DecodeError: it is cut, or no JSON.
    """
    try:
        raw = source.read_bytes()
        return json.loads(gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {source}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DecodeError(f"{source}: the gzip file is damaged: {error}") from error
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"{source}: expected JSON: {error}") from error
