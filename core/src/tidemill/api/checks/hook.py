"""Rules over the entry point's module: it is there, its hook is rightly spelled and marked, and gives classes under the right name."""

import ast
from collections.abc import Iterator
from difflib import get_close_matches

from tidemill.api.checks.code import bound_names, called, definition, imports, last_name
from tidemill.api.checks.rule import Fault, static_rule
from tidemill.api.checks.source import Entry, Module, PluginSource
from tidemill.hookspecs.kinds import KINDS, Kind

HOOKS = {kind.hook: kind for kind in KINDS}
MARK = "put @hookimpl above it (from tidemill import hookimpl)"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@static_rule("PKG-02", "the entry point's module exists")
def module_exists(source: PluginSource) -> Iterator[Fault]:
    """An entry point to nothing is found only when a user enables the plugin."""
    for entry in source.entries:
        if entry.module not in source.modules:
            near = get_close_matches(entry.module, source.modules, n=1, cutoff=0.5)
            remedy = f"did you mean {near[0]}?" if near else "name the module that holds the hook"
            keys = ("project", "entry-points", entry.group, entry.name)
            yield source.fault(f"{entry.target} names no module of this package", remedy, *keys)
            continue
        attribute = entry.target.partition(":")[2].strip().partition(".")[0]
        if attribute and attribute not in bound_names(source.modules[entry.module]):
            keys = ("project", "entry-points", entry.group, entry.name)
            remedy = f"name an object that {entry.module} defines, or the module alone"
            yield source.fault(f"{entry.target} names nothing: {entry.module} has no {attribute}", remedy, *keys)


@static_rule("PKG-03", "the hook is marked and rightly spelled")
def hook_marked(source: PluginSource) -> Iterator[Fault]:
    """A hook that is misspelt or unmarked registers nothing: the plugin would be installed and do nothing."""
    for entry, module, kind in _entered(source):
        place = hook_of(source, module, kind)
        near = [node for node in _functions(module) if node.name.startswith("tidemill_register") or is_marked(node)]
        if place is not None:
            at, node = place
            if not is_marked(node):
                yield at.fault(node, f"{kind.hook} is not marked", MARK)
            required = len(node.args.posonlyargs) + len(node.args.args) - len(node.args.defaults)
            if required > 0 or isinstance(node, ast.AsyncFunctionDef):
                what = "is a coroutine" if isinstance(node, ast.AsyncFunctionDef) else "wants arguments"
                yield at.fault(node, f"{kind.hook} {what}: it is called plainly, with none", f"write def {kind.hook}():")
        elif not near and ":" not in entry.target:
            remedy = f"define {kind.hook} there, with @hookimpl, and return the classes"
            yield module.fault(
                1, f"{module.name} does not implement {kind.hook}, with which a plugin of kind {kind.name} registers", remedy
            )
        for node in near:
            if node.name not in HOOKS:
                meant = get_close_matches(node.name, HOOKS, n=1)
                yield module.fault(node, f"there is no hook {node.name}", f"write {meant[0] if meant else kind.hook}")
            elif place is None:
                group = HOOKS[node.name].group
                remedy = f"write {kind.hook}, or put the entry point into {group}"
                yield module.fault(node, f"{node.name} is not the hook of {entry.group}", remedy)


@static_rule("PKG-04", "the hook returns classes")
def hook_returns_classes(source: PluginSource) -> Iterator[Fault]:
    """The kernel makes the instances, with checked settings: a hook gives the classes alone."""
    for _, kind, at, node in _hooked(source):
        remedy = f"return a list of classes derived from {kind.interface}"
        returns = [one for one in ast.walk(node) if isinstance(one, ast.Return)]
        if any(isinstance(one, ast.Yield | ast.YieldFrom) for one in ast.walk(node)):
            yield at.fault(node, f"{kind.hook} yields", remedy)
        elif not returns:
            yield at.fault(node, f"{kind.hook} returns nothing", remedy)
        for one in returns:
            yield from _answer(at, one, kind, remedy)


def _answer(at: Module, answer: ast.Return, kind: Kind, remedy: str) -> Iterator[Fault]:
    value = answer.value
    if value is None or isinstance(value, ast.Constant):
        yield at.fault(answer, f"{kind.hook} returns no list", remedy)
    elif isinstance(value, ast.Name) and value.id[:1].isupper() and not value.id.isupper():
        yield at.fault(answer, f"{kind.hook} returns {value.id} itself, not a list", remedy)
    elif isinstance(value, ast.Call) and called(value) not in ("list", "tuple"):
        yield at.fault(answer, f"{kind.hook} returns an instance, not a list of classes", remedy)
    elif isinstance(value, ast.Set | ast.Dict):
        yield at.fault(answer, f"{kind.hook} returns something without an order", remedy)
    elif isinstance(value, ast.List | ast.Tuple):
        for member in value.elts:
            if isinstance(member, ast.Call | ast.Constant):
                yield at.fault(member, f"{kind.hook} gives {ast.unparse(member)[:40]}, which is no class", remedy)


@static_rule("PKG-05", "the class has the entry point's name")
def class_name(source: PluginSource) -> Iterator[Fault]:
    """The class whose ``name`` is the entry point's is the one that a table in the configuration means."""
    for entry, _, at, node in _hooked(source):
        named = list(_named(source, at, node))
        if not named or any(name in (entry.name, None) for _, _, name in named):
            continue
        where, found, name = named[0]
        remedy = f'write name = "{entry.name}" in it, or rename the entry point'
        yield where.fault(_name_given(found) or found, f'{found.name} has the name "{name}", the entry point is {entry.name}', remedy)


def hook_of(source: PluginSource, module: Module, kind: Kind) -> tuple[Module, Function] | None:
    """Return the function that registers a kind's classes, where it is defined in a module or imported into it."""
    place = definition(source, module, kind.hook)
    return (place[0], place[1]) if place is not None and isinstance(place[1], Function) else None


def is_marked(node: Function) -> bool:
    """Tell whether a function carries ``@hookimpl``, called or not."""
    return any(last_name(mark.func if isinstance(mark, ast.Call) else mark) == "hookimpl" for mark in node.decorator_list)


def registered(source: PluginSource, entry: Entry) -> Iterator[tuple[Module, ast.ClassDef]]:
    """Yield the classes that an entry point's hook returns, as far as the text shows them."""
    if entry.kind is None or entry.module not in source.modules:
        return
    place = hook_of(source, source.modules[entry.module], entry.kind)
    for at, found, _ in _named(source, *place) if place is not None else ():
        yield at, found


def _entered(source: PluginSource) -> Iterator[tuple[Entry, Module, Kind]]:
    for entry in source.entries:
        if entry.kind is not None and entry.module in source.modules:
            yield entry, source.modules[entry.module], entry.kind


def _hooked(source: PluginSource) -> Iterator[tuple[Entry, Kind, Module, Function]]:
    """Yield each entry point whose hook the text shows, with the module and the function that is it."""
    for entry, module, kind in _entered(source):
        place = hook_of(source, module, kind)
        if place is not None:
            yield entry, kind, *place


def _functions(module: Module) -> list[Function]:
    return [node for node in module.tree.body if isinstance(node, Function)]


def _named(source: PluginSource, at: Module, node: Function) -> Iterator[tuple[Module, ast.ClassDef, str | None]]:
    """Yield the classes that a hook returns with the name each has; None where the text does not show it."""
    for answer in [one for one in ast.walk(node) if isinstance(one, ast.Return)]:
        members = answer.value.elts if isinstance(answer.value, ast.List | ast.Tuple) else []
        for member in members:
            place = definition(source, at, member.id) if isinstance(member, ast.Name) else None
            if place is not None and isinstance(place[1], ast.ClassDef):
                yield place[0], place[1], _name(source, place[0], place[1])


def _name_given(found: ast.ClassDef) -> ast.Assign | ast.AnnAssign | None:
    """Return where a class itself gives ``name`` a value."""
    for node in found.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == "name" for target in targets):
            return node if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None else None
    return None


def _name(source: PluginSource, at: Module, found: ast.ClassDef, depth: int = 8) -> str | None:
    given = _name_given(found)
    if given is not None:
        value = given.value
        return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    for base in found.bases:
        place = definition(source, at, base.id) if isinstance(base, ast.Name) and depth else None
        if place is not None and isinstance(place[1], ast.ClassDef):
            return _name(source, place[0], place[1], depth - 1)
    inherited = [one for one in imports(at) if found.bases and one.asname in {last_name(base) for base in found.bases}]
    return "" if not inherited or inherited[0].top == "tidemill" else None
