"""Growth of the process is told once, and a limit to it holds."""

import subprocess
import sys

import pytest

from tidemill.pipeline import memory as module
from tidemill.pipeline.memory import EVERY_HEADS, WARM_UP_HEADS, MemoryWatch, resident_mb


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the process holds, and in front of it nothing: a test puts the figure in."""
    figures = [100]
    monkeypatch.setattr(module, "resident_mb", lambda: figures[0])
    return figures


def test_growth_since_the_first_blocks_is_told_once(held: list[int]) -> None:
    """Measured after the warm-up, looked at every so many heads; both figures stand in the sentence."""
    watch = MemoryWatch(50)
    told = []
    for head in range(1, WARM_UP_HEADS + 4 * EVERY_HEADS):
        held[0] = 100 if head <= WARM_UP_HEADS else 149 if head < WARM_UP_HEADS + 2 * EVERY_HEADS else 151
        if text := watch.heads(1):
            told.append((head, text))

    ((head, text),) = told
    assert WARM_UP_HEADS + 2 * EVERY_HEADS == head
    assert text.startswith("this process holds 151 MB, 51 MB more than after its first 64 blocks")
    assert 'isolation = "process"' in text


def test_growth_is_not_told_where_it_is_turned_off(held: list[int]) -> None:
    """0 megabytes: never."""
    watch = MemoryWatch(0)
    held[0] = 10**6
    assert {""} == {watch.heads(EVERY_HEADS) for _ in range(9)}


def test_resident_memory_is_that_of_this_process() -> None:
    """A Python with its modules holds some megabytes; a hundred more show."""
    before = resident_mb()
    more = bytearray(b"x") * 100_000_000
    assert 5 < before < resident_mb() - 90
    assert more


def test_limit_of_growth_stops_a_call_that_takes_everything() -> None:
    """Beyond it an allocation is a MemoryError, in that process alone."""
    code = "from tidemill.pipeline.memory import limit_growth; limit_growth(50); bytearray(20_000_000); bytearray(200_000_000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.rstrip().endswith("MemoryError")
    free = code.replace("limit_growth(50)", "limit_growth(0)")
    assert 0 == subprocess.run([sys.executable, "-c", free], check=False).returncode


def test_want_of_memory_names_the_setting_where_the_process_is_limited() -> None:
    """Python says nothing but the type: without the setting's name one would look for a bug; without a limit the type stands alone."""
    code = """
from tidemill.errors import said
from tidemill.pipeline.memory import limit_growth
from tidemill.pipeline.supervise import Supervisor

def told(call):
    print(Supervisor({}, 3).call("strategies.acme", call).reason)

told(lambda: bytearray(1 << 60))
limit_growth(50)
told(lambda: bytearray(200_000_000))
told(lambda: int("x"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    limited = "MemoryError: memory_mb = 50 allows its process no more"
    assert ["MemoryError", limited, "ValueError: invalid literal for int() with base 10: 'x'"] == done.stdout.splitlines()


def test_limit_that_the_system_sets_lower_is_not_put_to_the_setting() -> None:
    """Where the process may hold less than ``memory_mb`` allows anyway, that is not the cause."""
    code = """
import resource
from tidemill.errors import said
from tidemill.pipeline.memory import limit_growth
resource.setrlimit(resource.RLIMIT_DATA, (1_000_000_000, 1_000_000_000))
limit_growth(5_000)
try:
    bytearray(3_000_000_000)
except MemoryError as error:
    print(said(error))
"""
    assert "MemoryError\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
