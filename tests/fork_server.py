"""Runs command lines in forks of one process that has imported everything: a start costs milliseconds instead of seconds.

Reads one JSON object a line from a socket and answers each with one line, as ``tests.forked`` sends them.
"""

import ctypes
import gc
import importlib
import importlib.util
import json
import os
import pkgutil
import resource
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

WARM = ("tidemill", "tidemill_chain_recorded", "tidemill_chain_sim", "tidemill_codec_sim", "tidemill_command_signer",
        "tidemill_dex_uniswap", "tidemill_lender_sim", "tidemill_notifier_console", "tidemill_price_sim", "tidemill_risk_limits",
        "tidemill_search_cycles", "tidemill_simworld", "tidemill_store_sqlite", "tidemill_strategy_spatial",
        "tidemill_strategy_triangular", "pyarrow", "sqlalchemy.dialects.sqlite", "anyio._backends._asyncio", "coincurve",
        "cryptography.hazmat.primitives.asymmetric.ed25519", "cryptography.hazmat.primitives.ciphers.aead",
        "cryptography.hazmat.primitives.kdf.argon2", "encodings.ascii", "encodings.idna", "rich.live", "rich.table",
        "locale")  # fmt: skip
STREAMS = 3
CHUNK = 1 << 16


def warm_up() -> None:
    """Import what commands import, so that a fork finds it."""
    for name in WARM:
        module = importlib.import_module(name)
        if name.startswith("tidemill"):
            _import_below(module)
    # What stays for ever needs no look of the collector, which would copy its pages in every fork
    gc.freeze()


def _import_below(module: ModuleType) -> None:
    for found in pkgutil.walk_packages(module.__path__, f"{module.__name__}."):
        importlib.import_module(found.name)


def serve(orders: socket.socket) -> None:
    """Answer orders until there are no more."""
    while True:
        line, streams, _, _ = socket.recv_fds(orders, CHUNK, STREAMS)
        while line and not line.endswith(b"\n"):
            line += orders.recv(CHUNK)
        if not line:
            return
        order = json.loads(line)
        if "wait" in order:
            pid, status = os.waitpid(order["wait"], os.WNOHANG)
            _say(orders, status if pid else None)
            continue
        pid = os.fork()
        if not pid:
            orders.close()
            _become(order, streams)
        for stream in streams:
            os.close(stream)
        _say(orders, pid)


def _say(orders: socket.socket, answer: object) -> None:
    orders.sendall(f"{json.dumps(answer)}\n".encode())


def _become(order: dict[str, Any], streams: list[int]) -> None:
    """Be the command: its folder, variables, streams and limits, then its arguments; never returns."""
    code = 70
    try:
        if order["session"]:
            os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        for stream in set(streams):
            os.close(stream)
        os.chdir(order["cwd"])
        os.environ.clear()
        os.environ.update(order["env"])
        sys.argv[1:] = order["arguments"]
        sys.path[:0] = [entry for entry in order["env"].get("PYTHONPATH", "").split(os.pathsep) if entry]
        _customise()
        if order["file_size"] is not None:
            # Python ignores SIGXFSZ: a write beyond the limit fails with an error, as on a full disk
            resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_size"], order["file_size"]))
        if order["unprivileged"]:
            _obey_permissions()
        code = _call(order["arguments"])
    finally:
        error = sys.exception()
        if error is not None:
            sys.excepthook(type(error), error, error.__traceback__)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _customise() -> None:
    """Run the first ``sitecustomize`` of the path, as Python does when it starts; the warm process had its own, if any."""
    sys.modules.pop("sitecustomize", None)
    importlib.invalidate_caches()
    if importlib.util.find_spec("sitecustomize") is not None:
        importlib.import_module("sitecustomize")


def _obey_permissions() -> None:
    """Give up what lets root write where nobody may (capabilities 1 to 3: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER)."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    for place in range(3):
        sets[place] &= ~0b1110
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")


def _call(arguments: list[str]) -> int:
    from tidemill.cli.main import main

    try:
        main(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    sys.path[:] = [entry for entry in sys.path if Path(entry or os.curdir).resolve() != Path(__file__).resolve().parent]
    warm_up()
    with socket.socket(fileno=int(sys.argv[1])) as given:
        _say(given, "ready")
        serve(given)
