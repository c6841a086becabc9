"""Rules over code that decides: a DEX's pure modules, strategies, risk checks and codecs reach nothing but their arguments."""

import ast
from collections.abc import Iterator

from tidemill.api.checks.code import called, dotted, imports, reachable
from tidemill.api.checks.rule import Fault, static_rule
from tidemill.api.checks.source import Module, PluginSource

PURE_MODULES = ("decoding", "quoting", "instructions")
NETWORK = frozenset({
    "aiohttp", "asyncio", "anyio", "ftplib", "http", "httpx", "multiprocessing", "requests", "select", "selectors", "smtplib", "socket",
    "socketserver", "ssl", "subprocess", "telnetlib", "threading", "trio", "urllib", "urllib3", "web3", "websocket", "websockets",
})  # fmt: skip
CLOCKS = frozenset({"time"})
CHANCE = frozenset({"random", "secrets", "uuid"})
FILES = frozenset({"fileinput", "glob", "io", "mmap", "os", "pathlib", "shutil", "sqlite3", "tempfile"})
STORES = frozenset({"fileinput", "mmap", "shutil", "sqlite3", "tempfile"})
"""Of these no type is needed either, as ``Path`` may be in settings."""
HARMLESS = frozenset({"urllib.parse", "http.HTTPStatus"})
_FROM_SNAPSHOT = "decide from the snapshot; what is not in it, ask for in needs"
DECIDING = {"strategy": _FROM_SNAPSHOT, "risk": _FROM_SNAPSHOT, "codec": "compute from the bytes that are given"}
"""Kinds whose code decides by its arguments alone, and what to do instead of reaching further."""


@static_rule("PKG-12", "decoding, quoting and instructions are pure")
def pure_modules(source: PluginSource) -> Iterator[Fault]:
    """The fold and every replay call them: what they answer may depend on their arguments alone."""
    banned = NETWORK | CLOCKS | CHANCE | FILES | {"datetime"}
    for module in _pure(source):
        yield from _banned(module, banned, "pass it in as an argument, or move it to another module")


@static_rule("PKG-13", "decoding, quoting and instructions count in integers")
def whole_numbers(source: PluginSource) -> Iterator[Fault]:
    """A float loses the last digits of an amount, and rounds otherwise than the chain."""
    for module in _pure(source):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
                yield module.fault(node, f"{node.value} is a float", "write it as an integer with a scale: parts per million, Q96")
            elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
                yield module.fault(node, "/ is true division", "use //, and say which way it rounds")
            elif isinstance(node, ast.Call) and (called(node) == "float" or dotted(node.func) in ("math.sqrt", "math.pow", "math.log")):
                yield module.fault(node, f"{called(node)}() makes a float", "use integers: math.isqrt, pow with integers")


@static_rule("PKG-14", "strategies, risk checks and codecs see their arguments alone")
def deciding_code(source: PluginSource) -> Iterator[Fault]:
    """Equal arguments must give equal answers: in a replay there is no network, and another clock."""
    remedies: dict[str, str] = {}
    for entry in source.entries:
        if entry.kind is not None and entry.kind.name in DECIDING:
            for name in reachable(source, entry.module):
                remedies.setdefault(name, DECIDING[entry.kind.name])
    for name, remedy in remedies.items():
        yield from _banned(source.modules[name], NETWORK | CLOCKS | CHANCE | STORES, remedy)


def _pure(source: PluginSource) -> list[Module]:
    if not any(kind.name == "dex" for kind in source.kinds):
        return []
    starts = [name for name in source.modules if name.rpartition(".")[2] in PURE_MODULES]
    # What they lean on counts like themselves: arithmetic moved to a module of its own is still the quote's
    return [source.modules[name] for name in dict.fromkeys(name for start in starts for name in reachable(source, start))]


def _banned(module: Module, banned: frozenset[str], remedy: str) -> Iterator[Fault]:
    for found in imports(module):
        full = f"{found.module}.{found.name}" if found.name else found.module
        if found.top in banned and found.module not in HARMLESS and full not in HARMLESS:
            yield module.fault(found.line, f"{found.module} is {_sort(found.top)}", remedy)
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in ("open", "input"):
            yield module.fault(node, f"{node.func.id}() reads what is no argument", remedy)
        elif dotted(node.func).split(".")[-2:] in (["datetime", "now"], ["datetime", "utcnow"], ["datetime", "today"], ["date", "today"]):
            yield module.fault(node, f"{dotted(node.func)}() asks the clock", remedy)


def _sort(module: str) -> str:
    sorts = ((CLOCKS | {"datetime"}, "a clock"), (CHANCE, "chance"), (FILES, "files"))
    return next((said for names, said in sorts if module in names), "the world outside")
