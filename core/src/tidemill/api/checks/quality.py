"""Rules over quality.toml: every rule answered, nothing called done that reading the package shows undone, and the level reached."""

import ast
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from tidemill.api.checks.code import last_name
from tidemill.api.checks.hook import registered
from tidemill.api.checks.project import LICENCES, licence, nearest, readme
from tidemill.api.checks.rule import Fault, static_rule
from tidemill.api.checks.source import Module, PluginSource
from tidemill.api.checks.suites import derives_from_suite
from tidemill.api.quality import LEVELS, RULES
from tidemill.config.locate import locate

QUALITY_FILE = Path("quality.toml")
STATES = ("done", "todo")


@frozen
class Answers:
    """What quality.toml says: the state of each rule it knows (``done``, ``todo``, ``exempt``), where, and what is wrong with it."""

    states: Mapping[str, str]
    lines: Mapping[str, int]
    faults: tuple[Fault, ...] = ()


def read_answers(source: PluginSource) -> Answers:
    """Read quality.toml as far as it can be understood."""
    path = source.folder / QUALITY_FILE
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        remedy = "write one with a table [rules]; `tidemill new plugin` shows what stands in it"
        return Answers({}, {}, (Fault(QUALITY_FILE, 0, "there is no quality.toml", remedy),))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Answers({}, {}, (Fault(QUALITY_FILE, 0, f"is not TOML: {error}", "mend it"),))
    places = locate(text)
    rules = document.get("rules")
    if not isinstance(rules, dict):
        return Answers({}, {}, (Fault(QUALITY_FILE, 1, "has no table [rules]", "put the answers under [rules]"),))
    lines = {name: places.get(("rules", name), 0) for name in rules}
    states: dict[str, str] = {}
    faults = [Fault(QUALITY_FILE, places.get((key,), 0), f"{key} means nothing here", "remove it") for key in document if key != "rules"]
    for name, answer in rules.items():
        wrong = _wrong(name, answer)
        if wrong is not None:
            faults.append(Fault(QUALITY_FILE, lines[name], *wrong))
        elif name in RULES:
            states[name] = "exempt" if isinstance(answer, dict) else answer
    faults += [Fault(QUALITY_FILE, 0, f"{name} is not answered", f'add {name} = "todo"') for name in RULES if name not in rules]
    return Answers(states, lines, tuple(faults))


def _wrong(name: str, answer: Any) -> tuple[str, str] | None:
    """Return what is wrong with an answer and what to write instead, or None."""
    if name not in RULES:
        return f"there is no rule {name}{nearest(name, list(RULES))}", f"the rules are {', '.join(RULES)}"
    if isinstance(answer, dict):
        reason = answer.get("exempt")
        if set(answer) == {"exempt"} and isinstance(reason, str) and reason.strip():
            return None
        return f"{name} is exempt without a reason", f'write {name} = {{ exempt = "why it does not apply" }}'
    if answer in STATES:
        return None
    return f"{name} = {answer!r} is no answer", f'write "done", "todo" or {{ exempt = "why" }} after {name} ='


@static_rule("PKG-17", "quality.toml answers every rule")
def well_formed(source: PluginSource) -> Iterator[Fault]:
    """It tells users what stands behind the plugin; an unknown or unexplained answer tells nothing."""
    yield from read_answers(source).faults


@static_rule("PKG-18", "what is called done is done")
def done_is_done(source: PluginSource) -> Iterator[Fault]:
    """A level that is claimed and not reached is worse than none."""
    answers = read_answers(source)
    for name, state in answers.states.items():
        reason = undone(source, name) if state == "done" else ""
        if reason:
            yield Fault(QUALITY_FILE, answers.lines[name], f"{name} is called done, but {reason}", f'do it, or write {name} = "todo"')


def undone(source: PluginSource, name: str) -> str:
    """Return what shows that a rule is not done, or "" where nothing in the package shows it."""
    match name:
        case "readme":
            return next((fault.message for fault in readme.find(source)), "")
        case "licence":
            there = any((source.folder / file).is_file() for file in LICENCES)
            return next((fault.message for fault in licence.find(source)), "" if there else "there is no LICENSE")
        case "typed":
            return _untyped(source)
        case "conformance":
            kinds = [kind.name for kind in source.kinds if not derives_from_suite(source, kind)]
            return f"no test derives from the suite of kind {', '.join(kinds)}" if kinds else ""
        case "settings-documented":
            return _undocumented(source)
        case "changelog":
            there = any((source.folder / name).exists() for name in ("CHANGELOG.md", "CHANGELOG.rst", "CHANGES.md", "changes"))
            return "" if there else "there is no CHANGELOG.md"
        case "recorded-answers":
            folders = ("golden", "recorded", "recordings")
            there = any((source.folder / "tests" / folder).is_dir() for folder in folders)
            return (
                "" if there or _tests_name(source, "recorded", "recorded_answers", "RecordedAnswer") else "no test uses a recorded answer"
            )
        case "benchmarks":
            return (
                ""
                if any((source.folder / name).exists() for name in ("benchmarks", "tests/benchmarks"))
                else "there is no folder benchmarks"
            )
        case _:
            return "" if source.tests else "there are no tests"


def level_of(source: PluginSource, failed: frozenset[str] = frozenset()) -> tuple[str, tuple[str, ...]]:
    """Return the highest level reached, or "" for none, and the rules that keep it from the next one.

    Args:
        source: the package.
        failed: rules of quality.toml that a run of the tests showed undone, whatever the file says.
    """
    states = read_answers(source).states
    reached = ""
    for level, rules in LEVELS.items():
        missing = tuple(name for name in rules if not _stands(source, name, states.get(name, "todo"), failed))
        if missing:
            return reached, missing
        reached = level
    return reached, ()


def _stands(source: PluginSource, name: str, state: str, failed: frozenset[str]) -> bool:
    return state == "exempt" or (state == "done" and name not in failed and not undone(source, name))


def _untyped(source: PluginSource) -> str:
    for name, module in source.modules.items():
        if module.is_package and "." not in name and not (source.folder / module.path).with_name("py.typed").is_file():
            return f"{module.path.parent.as_posix()} has no py.typed"
    for module in source.modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _lacks_types(node):
                return f"{module.path.as_posix()}:{node.lineno} {node.name} has arguments or an answer without a type"
    return ""


def _lacks_types(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, *filter(None, (node.args.vararg, node.args.kwarg))]
    bare = [one for place, one in enumerate(arguments) if one.annotation is None and not (place == 0 and one.arg in ("self", "cls"))]
    return bool(bare) or (node.returns is None and node.name != "__init__")


def _undocumented(source: PluginSource) -> str:
    """Return which setting nothing explains: neither its class, nor its own ``doc``, a comment beside it, or the README."""
    text = "\n".join(_readable(source.folder / name) for name in ("README.md", "README.rst", "README.txt"))
    for module in dict.fromkeys(module for entry in source.entries for module, _ in registered(source, entry)):
        package = module.name.partition(".")[0]
        for other in [one for name, one in source.modules.items() if name.partition(".")[0] == package]:
            for node in other.tree.body:
                if isinstance(node, ast.ClassDef) and any(last_name(mark) == "settings" for mark in node.decorator_list):
                    missing = [name for name in _keys(node) if name not in text]
                    if missing:
                        return f"the README does not say what {missing[0]} means"
    return ""


def _keys(node: ast.ClassDef) -> list[str]:
    return [one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]


def _readable(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _tests_name(source: PluginSource, *names: str) -> bool:
    return any(_names_of(module) & set(names) for module in source.tests)


def _names_of(module: Module) -> set[str]:
    found = {node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name)}
    return found | {node.arg for node in ast.walk(module.tree) if isinstance(node, ast.arg)}
