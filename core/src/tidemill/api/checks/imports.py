"""Rules over what a plugin imports: the public kernel, declared distributions, never another plugin."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import packages_distributions
from pkgutil import iter_modules

import tidemill
from tidemill.api.checks.code import Import, dotted, imports
from tidemill.api.checks.purity import deciding_code, pure_modules
from tidemill.api.checks.rule import Fault, static_rule
from tidemill.api.checks.source import Module, PluginSource, table, texts
from tidemill.discovery.packages import LIBS
from tidemill.discovery.scan import find_plugins
from tidemill.discovery.versions import normal, parse_requirement
from tidemill.hookspecs.kinds import KIND_BY_FOLDER, KIND_BY_NAME

PUBLIC = ("tidemill.domain", "tidemill.errors", "tidemill.hookspecs", "tidemill.planning", "tidemill.units")
ALSO = {"command": ("tidemill.signing",), "store": ("tidemill.ledger",)}
"""What a kind may see besides: a store keeps rows, and the ledger says what they mean; the signer is a command, and runs speak to it."""
TESTING = "tidemill_testing"
BROUGHT = frozenset({"anyio", "attrs", "click", "immutables"})
"""What stands in the interfaces themselves: ``tidemill`` brings it, and its bounds hold."""

_PLUGIN = re.compile(rf"tidemill_(?:{'|'.join(sorted({*KIND_BY_NAME, *KIND_BY_FOLDER}))})_\w+")


@static_rule("PKG-08", "only the public kernel is imported")
def public_kernel(source: PluginSource) -> Iterator[Fault]:
    """What is not public changes without notice, and lets a plugin reach around what holds it."""
    allowed = (*PUBLIC, *(name for kind in source.kinds for name in ALSO.get(kind.name, ())))
    remedy = f"import from tidemill itself, or from {', '.join(allowed)}"
    for module in source.modules.values():
        for found in imports(module):
            name = _private(found, allowed)
            if name:
                yield module.fault(found.line, f"{name} is not public", remedy)
            if found.top == TESTING:
                yield module.fault(found.line, f"{TESTING} is for tests", "move it to tests/: users do not have it installed")
        for node in ast.walk(module.tree):
            name = dotted(node) if isinstance(node, ast.Attribute) else ""
            if name.count(".") == 1 and name.startswith("tidemill.") and name not in allowed and name.partition(".")[2] in _subpackages():
                yield module.fault(node, f"{name} is not public", remedy)
    for module in source.tests:
        for found in imports(module):
            name = _private(found, (*allowed, "tidemill.ledger", "tidemill.tape", "tidemill.api", "tidemill.config"))
            if name:
                yield module.fault(found.line, f"{name} is not public", f"{remedy}; tests may use {TESTING} as well")


@lru_cache(maxsize=1)
def _subpackages() -> frozenset[str]:
    return frozenset(module.name for module in iter_modules(tidemill.__path__))


def _private(found: Import, allowed: tuple[str, ...]) -> str:
    """Return the private module that an import reaches for, or ""."""
    if found.top != "tidemill":
        return ""
    name = found.module
    if name == "tidemill":
        if not found.name or found.name in tidemill.__all__:
            return ""
        name = f"tidemill.{found.name}"
    return "" if any(name == one or name.startswith(f"{one}.") for one in allowed) else name


@static_rule("PKG-09", "no other plugin is imported")
def no_other_plugin(source: PluginSource) -> Iterator[Fault]:
    """A plugin is enabled or not, alone: what two share is a library, what one needs of another comes through the interfaces."""
    own = source.packages
    others = {plugin.module.partition(".")[0].partition(":")[0]: plugin.path for plugin in find_plugins()}
    remedy = "move what both need into a package of its own that is no plugin, or take it from the snapshot"
    for module in source.modules.values():
        for found in imports(module):
            if found.top not in own and found.top not in LIBS and (found.top in others or _PLUGIN.fullmatch(found.top)):
                yield module.fault(found.line, f"{found.module} is another plugin", remedy)


@static_rule("PKG-10", "what is imported is declared")
def declared(source: PluginSource) -> Iterator[Fault]:
    """An undeclared import works where something else happens to bring it, and fails at the user's."""
    known = {*_requirements(texts(source.project.get("dependencies"))), normal(source.distribution)}
    if "tidemill" in known:
        known |= BROUGHT
    for group in table(source.project, "optional-dependencies").values():
        known |= _requirements(texts(group))
    own = {*source.packages, *sys.stdlib_module_names}
    # What must not be imported at all is told by the rule that says so: declaring it would mend nothing
    banned = {(fault.file, fault.line) for rule in (no_other_plugin, pure_modules, deciding_code) for fault in rule.find(source)}
    for module in source.modules.values():
        for found in imports(module):
            if found.top in own or found.top in ("", TESTING) or _only_for_types(module, found.line) or (module.path, found.line) in banned:
                continue
            holders = _holders().get(found.top) or (normal(found.top),)
            if not known.intersection(holders):
                yield module.fault(found.line, f"{found.top} is not declared", f'add "{holders[0]}" to dependencies in pyproject.toml')


def _requirements(given: tuple[str, ...]) -> set[str]:
    found = [parse_requirement(text) for text in given]
    return {bounds.name for bounds in found if bounds is not None}


def _only_for_types(module: Module, line: int) -> bool:
    """Tell whether a line stands under ``if TYPE_CHECKING:``, which no user runs."""
    return any(
        isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and node.lineno <= line <= (node.body[-1].end_lineno or 0)
        for node in ast.walk(module.tree)
    )


@lru_cache(maxsize=1)
def _holders() -> Mapping[str, tuple[str, ...]]:
    """Return which installed distributions hold which top-level package."""
    return {package: tuple(sorted({normal(name) for name in names})) for package, names in packages_distributions().items()}
