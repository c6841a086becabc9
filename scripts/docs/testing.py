"""The page of what tests of plugins use: functions, fakes, fixtures and options of `tidemill_testing`."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from scripts.docs.markdown import code, member, one_line, page, prose, shape, table, whole
from scripts.docs.source import Source, read_source
from tidemill_testing import conformance
from tidemill_testing.plugin import pytest_addoption

PACKAGE = "tidemill_testing"
FIXTURES = (("fixtures", "loopback"), ("recorded", "recorded"), ("bytecode", "bytecode"))
"""The fixtures that the pytest plugin gives, each with the module that holds it."""
FULL = ("market", "sim", "desk", "scripted", "chain_reader", "signing_keys", "keys", "sim_node", "power_loss")
"""Modules that are shown whole, in the order in which an author meets them."""
LOOPBACK = {"server": ("Loopback", "unused_address"), "record": ("Call",), "answers": ("Refusal",), "faults": ()}
"""What `tidemill_testing.loopback` exports, by the module that holds it; () is all of it."""
BYTECODE = ("bytecode_chain", "bytecode_token", "bytecode_v2", "bytecode_v3")
"""Where the names of `tidemill_testing.bytecode` come from."""
EXAMPLES = ("plain_dex", "plain_chain", "plain_prices", "toy")
"""Whole plugins, to read: the page names what is in them, their source shows the rest."""


class Options:
    """Takes down the options that a pytest plugin adds, as pytest's parser would."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    def getgroup(self, name: str, description: str = "") -> "Options":
        """Return itself: all options stand in one table."""
        return self

    def addoption(self, name: str, *, metavar: str, help: str, **_: Any) -> None:  # noqa: A002
        """Take one down."""
        self.rows.append((f"{name} {metavar}", help))


def testing_page() -> str:
    """Everything that a test of a plugin may import, ask for as a fixture, or give to pytest."""
    return page(
        "Testing",
        "the docstrings of `tidemill_testing`",
        "What tests of plugins use; [write a test](../how-to/write-a-test.md) shows it at work. It is `tidemill-testing`, whose\n"
        "fixtures pytest finds by itself. Amounts are integers in base units: `10**18` is one token of 18 decimals. Heights count blocks.\n"
        "What snapshots, books and ledger rows hold stands with [the values](values.md). Each `Example` is run by a test.",
        "## Fixtures and options\n",
        "A test asks for a fixture by its name, without an import.",
        *[part for module, name in FIXTURES for part in _contents(read_source(f"{PACKAGE}.{module}"), (name,))],
        table(("option of pytest", "what it does"), [(code(name), says) for name, says in options()]),
        *[part for name in FULL for part in _module(read_source(f"{PACKAGE}.{name}"))],
        *_loopback(),
        *_conformance(),
        *_recorded(),
        *_bytecode(),
        "## Plugins to read\n",
        "Whole plugins without a network that keep every rule of their kind. They are what the suites' own tests break, one rule at a\n"
        "time, and may be imported.",
        *[_list(f"{PACKAGE}.{name}") for name in EXAMPLES],
    )


def options() -> Sequence[tuple[str, str]]:
    """Return what can be given to pytest, and what it does."""
    found = Options()
    pytest_addoption(cast("pytest.Parser", found))
    return found.rows


def _module(source: Source, title: str = "") -> Iterator[str]:
    yield f"## `{title or source.module}`\n\n{prose(source.doc)}"
    yield from _contents(source, ())


def _contents(source: Source, wanted: Sequence[str]) -> Iterator[str]:
    """Give the names of a module; of those that are wanted, or of all."""
    names = [found for found in source.names if not wanted or found.name in wanted]
    if names:
        yield table(("name", "meaning"), [(code(found.name), whole(found.doc)) for found in names])
    yield from (member(found, "", 3) for found in source.functions if not wanted or found.name in wanted)
    yield from (shape(found) for found in source.shapes if not wanted or found.name in wanted)


def _loopback() -> Iterator[str]:
    yield f"## `{PACKAGE}.loopback`\n\n{prose(read_source(f'{PACKAGE}.loopback').doc)}"
    for name, wanted in LOOPBACK.items():
        source = read_source(f"{PACKAGE}.loopback.{name}")
        yield prose(source.doc)
        yield from _contents(source, wanted)


def _conformance() -> Iterator[str]:
    yield f"## `{PACKAGE}.conformance`\n\n{prose(read_source(f'{PACKAGE}.conformance').doc)}"
    rows = []
    for name in sorted(conformance.__all__):
        if name.endswith("Conformance") and name != "Conformance":
            kind = name.removesuffix("Conformance").lower()
            rows.append((f"[{code(name)}](conformance/{kind}.md)", one_line(getattr(conformance, name).__doc__ or "")))
    yield table(("suite", "what it holds"), rows)
    yield from _contents(read_source(f"{PACKAGE}.conformance.suite"), ("Conformance",))
    yield from _contents(read_source(f"{PACKAGE}.conformance.rule"), ("Rule", "Broken"))
    yield from _contents(read_source(f"{PACKAGE}.conformance.dex.pool_case"), ("PoolCase", "RecordedAnswer", "recorded_answers"))
    yield from _contents(read_source(f"{PACKAGE}.conformance.codec.case"), ("CodecCase",))


def _recorded() -> Iterator[str]:
    source = read_source(f"{PACKAGE}.recorded")
    yield f"## `{source.module}`\n\n{prose(source.doc)}"
    yield from _contents(source, ("VARIABLE", "data_folder", "locate"))


def _bytecode() -> Iterator[str]:
    source = read_source(f"{PACKAGE}.bytecode")
    yield f"## `{source.module}`\n\n{prose(source.doc)}"
    yield from _contents(source, ("INIT_CODE_HASHES", "chain_or_skip", "open_chain"))
    for name in BYTECODE:
        yield from _contents(read_source(f"{PACKAGE}.{name}"), ())


def _list(module: str) -> str:
    source = read_source(module)
    named = [(found.name, found.doc) for found in source.shapes] + [(found.name, found.doc) for found in source.functions]
    rows = [(code(name), one_line(doc)) for name, doc in named]
    return f"### `{module}`\n\n{prose(source.doc)}\n{table(('name', 'what it is'), rows)}"
