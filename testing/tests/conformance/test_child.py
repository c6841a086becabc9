"""A forked process that suites talk to: what it says is heard, what it raises is told, and it never outlives its block."""

import os
import time

import pytest

from tidemill_testing.conformance.child import Child, Say


def test_child_lines_are_heard_one_by_one_and_end() -> None:
    """Lines come in order, a line feed inside one does not part it, and after the last there is none."""

    def work(say: Say) -> None:
        say("one")
        say("two\nlines")

    with Child(work) as child:
        assert ["one", "two lines", None] == [child.line(10) for _ in range(3)]


def test_child_that_raises_says_so() -> None:
    """Whatever the work raises is said, and the parent's tests do not run on in the child."""

    def work(say: Say) -> None:
        raise SystemExit("enough")

    with Child(work) as child:
        assert "SystemExit: enough" == child.line(10)
        assert child.line(10) is None


def test_child_that_says_nothing_is_waited_for_in_vain() -> None:
    """Patience ends; the block's end kills the process, and killing it again does no harm."""
    with Child(lambda say: time.sleep(60)) as child:
        assert child.line(0) is None
        pid = child._pid
        child.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
