"""Compiled kernels: equal bits, and no way in which compiling can fail that stops a search."""

import importlib.util
import os
import pickle
import shutil
import subprocess
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.search import Candidate, CycleQuery
from tidemill_search_cycles import Cycles, compiled
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.kernels import pairs, ranked
from tidemill_search_cycles.short import ShortCycles, Wanted
from tidemill_testing.market import SIM, PairPool, snapshot_of, token

Market = Callable[..., list[PairPool]]
Switch = Callable[[bool], None]
needs_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed: there is nothing to compare")


@pytest.fixture
def cache(kept_kernels: object) -> Path:
    """The folder that keeps what was compiled for all tests."""
    kept = compiled.cache_folder()
    assert kept is not None
    return kept


@pytest.fixture
def switch(kept_kernels: compiled.Kernels, monkeypatch: pytest.MonkeyPatch) -> Switch:
    """Let the compiled kernels run, or the plain ones, from now on: without reading them from the cache each time."""

    def to(quick: bool) -> None:
        monkeypatch.setattr(compiled, "_current", kept_kernels if quick else compiled._PLAIN)
        assert quick == compiled.kernels().compiled

    return to


def unmeasured(**more: str) -> dict[str, str]:
    """Return an environment for a process that compiles: the compiler is not ours to measure."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("COV")}, **more}


@needs_numba
def test_warm_compiles_then_loads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was compiled once is loaded the next time; asked again, there is nothing left to do."""
    monkeypatch.setattr(compiled, "KERNELS", compiled.KERNELS[:1])
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert not compiled.kernels().compiled
    assert "compiled and are kept in" in compiled.warm()
    assert compiled.kernels().compiled
    assert "compiled already" in compiled.warm()
    compiled.cool()

    assert not compiled.kernels().compiled
    assert "loaded from" in compiled.warm()
    assert Cycles().warm() == compiled.warm()


@needs_numba
def test_warm_loads_all_that_another_process_compiled(cache: Path) -> None:
    """A process that finds every kernel in the cache compiles none, and runs a twin of each."""
    assert f"the search kernels were loaded from {cache}" == compiled.warm()
    assert all(compiled.kernels().of(kernel) is not kernel for kernel in compiled.KERNELS)


@needs_numba
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("most", [40, pytest.param(90, marks=pytest.mark.heavy)])
def test_kernels_plain_and_compiled_write_equal_bits(seed: int, most: int, switch: Switch, market: Market) -> None:
    """Every array that a search writes is the same to the last bit, and so is the effort, whether it was cut short or not."""
    random = Random(seed)
    pools = market(random, tokens=random.randint(3, 9), count=random.randint(6, most), opaque_share=20)
    graph = Graph()
    graph.take(snapshot_of(pools))
    changed = [pool.id for pool in pools[:2]]
    names = ("out_edge", "out_sold", "out_hops", "out_rate", "out_profit", "work")

    def searched() -> list[object]:
        short = ShortCycles(graph)
        seen: list[object] = []
        for left in (10**7, 900, 60):
            for least in (1, 10**15):
                wanted = Wanted(2, 4, {}, least, 900 * seed)
                for start in (None, token("T0"), token("T1")):
                    short.left = left
                    seen.append(list(short.from_any(SIM, wanted) if start is None else short.from_start(start, wanted)))
                    seen.append((short.left, [bytes(short._room[name]) for name in names]))
                    short.left = left
                    seen.append(list(short.through(start, SIM, changed, wanted)))
                    seen.append((short.left, [bytes(short._room[name]) for name in names]))
        return seen

    switch(False)
    plain = searched()
    switch(True)
    quick = searched()

    assert any(plain)
    assert plain == quick


@needs_numba
@pytest.mark.parametrize("count", [24, pytest.param(60, marks=pytest.mark.heavy)])
def test_find_switched_between_queries_finds_the_same(count: int, switch: Switch, market: Market) -> None:
    """Kernels that become ready while a run goes on change no answer of it."""
    pools = market(Random(5), tokens=6, count=count)
    searchers = [Cycles(), Cycles()]
    answers: list[list[list[Candidate]]] = [[], []]
    for turn in range(6):
        held = pools[turn]
        pools[turn] = evolve(held, reserves=(held.reserves[0] + 10**6, held.reserves[1]))
        for searcher, given in zip(searchers, answers, strict=True):
            switch(searcher is searchers[0] and turn % 2 == 1)
            snapshot_of(pools, changed=[held.id], searcher=searcher)
            for starts in ((), (token("T0"),)):
                for only in (False, True):
                    given.append(list(searcher.find(CycleQuery(SIM, starts, 2, 4, changed_only=only))))

    assert any(answers[0])
    assert answers[0] == answers[1]


@needs_numba
def test_pairs_plain_and_compiled_keep_equal_tables() -> None:
    """The table of pairs is the same after equal changes, and finds what a dict finds."""
    random = Random(2)
    put, find, drop = (compiled.compiled(function) for function in (pairs.put_arc, pairs.find_arc, pairs.drop_arc))
    tables = [(array("q", bytes(8 * 256)), array("i", bytes(4 * 256))) for _ in range(2)]
    addresses = [table.buffer_info()[0] for table in tables[1]]
    held: dict[tuple[int, int], int] = {}
    for turn in range(3_000):
        one, other = random.randrange(12), random.randrange(12)
        if random.randrange(3) and len(held) < 100:
            assert pairs.put_arc(one, other, turn, *tables[0], 255) == entry(put)(one, other, turn, *addresses, 255)
            held[one, other] = turn
        else:
            assert pairs.drop_arc(one, other, tables[0][0], 255) == entry(drop)(one, other, addresses[0], 255) == ((one, other) in held)
            held.pop((one, other), None)
        sought = random.randrange(12), random.randrange(12)
        assert held.get(sought, -1) == pairs.find_arc(*sought, *tables[0], 255) == entry(find)(*sought, *addresses, 255)
    assert tables[0] == tables[1]


def entry(twin: Any) -> Callable[..., Any]:
    """Return what calls a compiled function with addresses."""
    (result,) = twin.overloads.values()
    called: Callable[..., Any] = result.entry_point
    return called


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50, 257])
def test_rank_down_sorts_by_falling_key_then_item(count: int) -> None:
    """Heapsort in arrays gives one order, that of Python's sort; how many are above a bound is counted in it."""
    random = Random(count)
    items = list(range(count))
    keys = [random.choice([0.5, 1.0, 2.0, random.random()]) for _ in items]
    key, item = array("d", keys), array("q", items)
    ranked.rank_down(count, key, item)
    want = sorted(zip(keys, items, strict=True), reverse=True)

    assert want == list(zip(key, item, strict=True))
    for bound in (0.0, 0.5, 0.75, 1.0, 2.0):
        assert sum(1 for value in keys if value > bound) == ranked.count_above(bound, count, key)


def rooms_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in {".nbi", ".nbc"}]


@needs_numba
@pytest.mark.parametrize("harm", ["torn", "other", "no manifest", "rubbish manifest", "gone"])
def test_warm_with_a_harmed_cache_compiles_anew(harm: str, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache that is torn, somebody else's or half there is thrown away: what is not as it was written is not loaded."""
    kept = tmp_path / cache.name
    shutil.copytree(cache, kept)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    files = rooms_of(kept)
    assert files
    for path in files:
        if harm == "torn":
            path.write_bytes(path.read_bytes()[:40])
        elif harm == "other":
            path.write_bytes(b"made on another machine")
        elif harm == "gone":
            path.unlink()
    if harm.endswith("manifest"):
        (kept / "manifest.json").unlink() if harm.startswith("no") else (kept / "manifest.json").write_text("{")
    compiled.cool()
    calls = []

    def compiles(folder: Path | None) -> tuple[dict[object, object], bool]:
        calls.append(folder)
        return {len: len}, False

    monkeypatch.setattr(compiled, "_compile_all", compiles)
    assert not compiled._is_whole(kept)
    assert "compiled" in compiled.warm()
    assert [kept] == calls


@needs_numba
def test_warm_in_several_processes_at_once_leaves_one_whole_cache(tmp_path: Path) -> None:
    """Runs that start together compile side by side; none loads, or throws away, what another is still writing."""
    program = """
from tidemill_search_cycles import compiled
compiled.KERNELS = compiled.KERNELS[:1]
said = compiled.warm()
assert compiled.kernels().compiled, said
print(said)
"""
    environment = unmeasured(NUMBA_CACHE_DIR=str(tmp_path))

    def started() -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)

    together = [started() for _ in range(3)]
    said = [process.communicate()[0] for process in together]
    assert ["compiled and are kept" in text or "loaded from" in text for text in said] == [True] * 3
    (kept,) = tmp_path.iterdir()
    assert compiled._is_whole(kept)
    assert "loaded from" in started().communicate()[0]


@needs_numba
def test_warm_with_the_cache_of_another_processor_compiles_anew(tmp_path: Path) -> None:
    """Code for a processor that this one is not is never run: numba keeps it apart by the processor's name."""
    program = """
from tidemill_search_cycles import compiled
compiled.KERNELS = compiled.KERNELS[:1]
print(compiled.warm())
"""

    def said(processor: dict[str, str]) -> str:
        environment = unmeasured(NUMBA_CACHE_DIR=str(tmp_path), **processor)
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment).stdout

    other = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    assert "compiled and are kept" in said(other)
    assert "loaded from" in said(other)
    assert "compiled and are kept" in said({})
    assert "loaded from" in said({})


@needs_numba
def test_warm_where_numba_fails_goes_on_plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, market: Market) -> None:
    """A numba that cannot compile costs speed, not the search: one sentence says so."""

    def fails(folder: Path | None) -> None:
        raise RuntimeError("LLVM is not what it was")

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiled, "_compile_all", fails)
    said = compiled.warm()

    assert "LLVM is not what it was" in said
    assert "plain" in said
    assert not compiled.kernels().compiled


def test_warm_without_numba_goes_on_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without numba the sentence tells what to install."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "numba" else find_spec(name))

    assert "tidemill-search-cycles[numba]" in compiled.warm()
    assert not compiled.kernels().compiled


def test_cache_folder_is_the_stated_one_or_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """NUMBA_CACHE_DIR decides, else the user's cache folder of each system; one that cannot be made is none."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "stated"))
    stated = compiled.cache_folder()
    assert stated is not None
    assert tmp_path / "stated" == stated.parent
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    for platform, variable, parts in (
        ("linux", "XDG_CACHE_HOME", ()),
        ("win32", "LOCALAPPDATA", ()),
        ("darwin", "HOME", ("Library", "Caches")),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setenv(variable, str(tmp_path / platform))
        found = compiled.cache_folder()
        assert found is not None
        assert (tmp_path / platform).joinpath(*parts, "tidemill") == found.parent
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))

    assert compiled.cache_folder() is None


@needs_numba
def test_searcher_that_ran_compiled_kernels_goes_to_another_process(switch: Switch, market: Market, tmp_path: Path) -> None:
    """What is sent holds no compiled code and no address: the other process runs its own kernels, and finds the same."""
    switch(True)
    searcher = Cycles()
    snapshot_of(market(Random(5), tokens=6, count=60), searcher=searcher)
    query = CycleQuery(SIM, (token("T0"),), 2, 7, top=200)
    found = list(searcher.find(query))
    (tmp_path / "searcher").write_bytes(pickle.dumps((searcher, query)))
    program = """
import pickle, sys
searcher, query = pickle.load(open(sys.argv[1], "rb"))
sys.stdout.buffer.write(pickle.dumps(list(searcher.find(query))))
"""
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path / "searcher")], capture_output=True, check=True, env=unmeasured())

    assert found
    assert found == pickle.loads(run.stdout)


def test_import_of_the_searcher_imports_no_numba() -> None:
    """A search without ``warm`` never pays for numba, nor for numpy."""
    program = "import sys, tidemill_search_cycles; print(sorted({'numba', 'numpy'} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)

    assert "[]" == printed.stdout.strip()


PRINTS = """
from tidemill_search_cycles import Cycles, compiled
from tidemill.domain.search import CycleQuery
from tidemill_testing.market import SIM, pair_pool, snapshot_of, token
print(compiled.warm().partition(" and ")[0])
one, two = token("one"), token("two")
searcher = Cycles()
snapshot_of([pair_pool("cheap", {one: 10**20, two: 12 * 10**19}), pair_pool("dear", {one: 10**20, two: 10**20})], searcher=searcher)
print([candidate.amounts for candidate in searcher.find(CycleQuery(SIM, (one,), 2, 4))])
"""


@needs_numba
@pytest.mark.heavy
def test_warm_with_kernels_of_another_cpu_in_the_cache_compiles_for_this_one(tmp_path: Path) -> None:
    """A cache that moved to another processor is no help and no harm: kernels are compiled for this one, beside it, and find the same."""
    said, found = [], []
    for cpu in ("generic", "", "", "generic"):
        environment = unmeasured(NUMBA_CACHE_DIR=str(tmp_path)) | ({"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": ""} if cpu else {})
        ran = subprocess.run([sys.executable, "-c", PRINTS], env=environment, capture_output=True, text=True, check=False)
        assert 0 == ran.returncode, ran.stderr
        one, other = ran.stdout.splitlines()
        said.append(one.rpartition(" ")[0] if "loaded" in one else one)
        found.append(other)

    assert 1 == len(set(found))
    assert ["compiled" in one for one in said[:2]] == [True, True]
    assert "loaded" in said[2]
