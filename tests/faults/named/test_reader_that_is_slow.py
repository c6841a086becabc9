"""Whoever reads what a run says is slow, or does not read at all: money is traded on, and the books are the chain's."""

import fcntl
from pathlib import Path

from tests.faults.live_stand import live_stand
from tests.faults.named.altered import check_books, included, until

PIPE_BYTES = 4_096
BLOCKS = 200


def test_reader_that_stops_reading_holds_nobody_up(tmp_path: Path) -> None:
    """A pipe that is full takes nothing more for the rest of a run: it trades to its last block all the same, and ends."""
    with live_stand(tmp_path) as stand:
        process = stand.start("--blocks", str(BLOCKS))
        assert process.stdout is not None
        # As small as a pipe can be: it is full within some blocks
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        until(lambda: stand.chain.hello().head.height >= BLOCKS - 1, "the last block")
        out, err = process.communicate(timeout=60)
        traded = included(stand)
        check_books(stand)

    assert 0 == process.returncode, err
    assert len(out) > 4 * PIPE_BYTES
    assert len(traded) > 20
