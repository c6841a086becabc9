"""Wall clocks that step and drift: runs wait by clocks that do not, plans expire by blocks, and a day's limit is never given back."""

import time
from collections.abc import Iterator

import pytest

from tests.faults.live_stand import Stand, live_stand
from tests.faults.named.altered import audit, check_books, included

CLOCK = """
import datetime as _datetime
import os
import time as _time

_shift = os.environ["CLOCK"]
_wall, _wall_ns, _began = _time.time, _time.time_ns, _time.monotonic_ns()

def _off():
    with open(_shift) as file:
        seconds, ppm = file.read().split()
    return int(seconds) * 10**9 + (_time.monotonic_ns() - _began) * int(ppm) // 10**6

class datetime(_datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + _datetime.timedelta(microseconds=_off() // 1000)

    @classmethod
    def utcnow(cls):
        return super().utcnow() + _datetime.timedelta(microseconds=_off() // 1000)

_datetime.datetime = datetime
_time.time = lambda: _wall() + _off() / 10**9
_time.time_ns = lambda: _wall_ns() + _off()
"""
"""The process's wall clock stands off by what a file says: whole seconds, and parts per million since it began."""
HOUR_S = 3_600
LIMIT = 2 * 10**15
"""What inclusion may cost in a day, 0.002 coins."""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A stand on which every process has the clock that the file says."""
    folder = tmp_path_factory.mktemp("clock")
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(CLOCK)
    (folder / "clock").write_text("0 0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOCK", str(folder / "clock"))
        patch.setenv("PYTHONPATH", str(site))
        with live_stand(folder, fresh=True) as stand:
            stand.always = CLOCK
            yield stand


def shift(stand: Stand, seconds: int, ppm: int = 0) -> None:
    """Set how far the clock stands off; whole at any moment."""
    path = stand.folder / "clock.new"
    path.write_text(f"{seconds} {ppm}")
    path.replace(stand.folder / "clock")


@pytest.mark.parametrize("steps", [(HOUR_S, -HOUR_S), (-HOUR_S, HOUR_S)], ids=["ahead, then back", "back, then ahead"])
def test_clock_steps_an_hour_in_the_middle_of_a_run(steps: tuple[int, int], stand: Stand) -> None:
    """A run of two seconds takes two seconds, trades on, and its books are the chain's."""
    before = len(included(stand))
    process = stand.start_writing(stand.folder / "said", "--for", "4s")
    began = time.monotonic()
    for step in steps:
        time.sleep(1.2)
        shift(stand, step)
    status = process.wait(timeout=60)
    took = time.monotonic() - began
    shift(stand, 0)

    assert 0 == status, (stand.folder / "said").read_text("utf-8")
    assert 4 <= took < 30
    assert len(included(stand)) > before
    check_books(stand)


def test_clock_that_drifts(stand: Stand) -> None:
    """200 parts per million, and a thousand times that: neither signer nor run decides by it."""
    for ppm in (200, 200_000):
        shift(stand, 0, ppm)
        status, _, err = stand.run("--blocks", "12")
        assert 0 == status, err
    shift(stand, 0)
    check_books(stand)


def test_clock_that_steps_frees_nothing_of_a_days_limit(stand: Stand) -> None:
    """Over midnight a new day begins; back again the day that is over is not charged anew, and what it had is not given twice."""
    path = stand.folder / "tidemill.toml"
    whole = path.read_text("utf-8")
    path.write_text(whole.replace('max_fee = "1"', 'max_fee = "0.002"').replace('"1_000"\n[signer', '"0.002"\n[signer'))
    shift(stand, 48 * HOUR_S)
    stand.restart_signer()
    counts, before_all = [], len(audit(stand, "signed"))
    for hours in (48, 48 - 25, 48 + 25, 48):
        shift(stand, hours * HOUR_S)
        before = len(audit(stand, "signed"))
        status, _, err = stand.run("--blocks", "24")
        assert 0 == status, err
        counts.append(len(audit(stand, "signed")) - before)
    path.write_text(whole)
    shift(stand, 100 * HOUR_S)
    stand.restart_signer()

    # What is left of a day may still be enough for a cheap transaction
    assert [True, True] == [counts[0] > 0, counts[2] > 0], counts
    assert "per_day" in {fields["rule"] for fields in audit(stand, "refused")}
    signed = audit(stand, "signed")[before_all:]
    days = [fields["day"] for fields in signed]
    assert (sorted(days), 2) == (days, len(set(days)))
    assert all(sum(int(fields["fee"]) for fields in signed if fields["day"] == day) <= LIMIT for day in days)
    check_books(stand)
