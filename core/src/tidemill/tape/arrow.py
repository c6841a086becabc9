"""pyarrow, loaded when a tape is read or written and not before."""

from types import ModuleType

from tidemill.errors import TapeError


def load_arrow() -> ModuleType:
    """Return the module ``pyarrow``.

    Raises:
        TapeError: it is not installed; the message says how to install it.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise TapeError('tapes need pyarrow, which is not installed: pip install "tidemill[tape]"') from error
    import pyarrow.ipc

    module: ModuleType = pa
    return module
