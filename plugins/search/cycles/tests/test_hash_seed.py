"""Equal markets give equal answers under any PYTHONHASHSEED."""

import os
import subprocess
import sys

PROGRAM = """
import hashlib
from random import Random
from tidemill.domain.search import CycleQuery
from tidemill_search_cycles import Cycles
from tidemill_testing.market import SIM, pair_pool, snapshot_of, token
random, names = Random(4), [token(f"T{place}") for place in range(7)]
pools = []
for place in range(50):
    one, other = random.sample(names, 2)
    held = {one: random.randint(9, 11) * 10**18, other: random.randint(9, 11) * 10**18}
    pools.append(pair_pool(f"P{place}", held, opaque=place % 3 == 0))
searcher = Cycles()
snapshot_of(pools, searcher=searcher)
answers = [list(searcher.find(CycleQuery(SIM, tuple(names[:2]), 2, 4, work=work))) for work in (0, 300, 1_000)]
snapshot_of(pools, changed=[pool.id for pool in pools[:4]], searcher=searcher)
answers.append(list(searcher.find(CycleQuery(SIM, tuple(names[:2]), 2, 4, changed_only=True))))
print([len(answer) for answer in answers], hashlib.sha256(repr(answers).encode()).hexdigest())
"""


KEPT = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
"""Lines are measured in this process: in others that takes longer than the search."""


def test_find_any_hash_seed_gives_the_same() -> None:
    """What is found, in which order, and where the effort ends does not depend on the order of sets and maps."""
    printed = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env=KEPT | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1", "4242")
    }

    assert 1 == len(printed)
    assert not printed.pop().startswith("[0")
