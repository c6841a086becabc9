"""Runs command lines in forks of one process that has imported everything: a start costs milliseconds instead of seconds.

Reads one JSON object a line and answers each with one line, as ``tests.commands.Forks`` sends them.
"""

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import resource
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

WARM = ("tidemill", "tidemill_chain_recorded", "tidemill_chain_sim", "tidemill_dex_uniswap", "tidemill_lender_sim",
        "tidemill_notifier_console", "tidemill_price_sim", "tidemill_risk_limits", "tidemill_search_cycles", "tidemill_store_sqlite",
        "tidemill_strategy_spatial", "tidemill_strategy_triangular", "pyarrow", "sqlalchemy.dialects.sqlite", "anyio._backends._asyncio",
        "encodings.ascii", "encodings.idna", "rich.live", "rich.table", "locale")  # fmt: skip


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


def serve() -> None:
    """Answer orders until the input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if not answer:
                _become(order)
        _say(answer)


def _say(answer: object) -> None:
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()


def _become(order: dict[str, Any]) -> None:
    """Be the command: its folder, variables, streams and limits, then its arguments; never returns."""
    code = 70
    try:
        for stream, name, flags in ((0, os.devnull, os.O_RDONLY), (1, order["out"], os.O_WRONLY), (2, order["err"], os.O_WRONLY)):
            os.dup2(os.open(name, flags), stream)
        os.chdir(order["cwd"])
        os.environ.clear()
        os.environ.update(order["env"])
        sys.path[:0] = [entry for entry in order["env"].get("PYTHONPATH", "").split(os.pathsep) if entry]
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
    _say("ready")
    serve()
