"""How far the clock may be off, as the kernel knows it."""

import ctypes
from types import SimpleNamespace
from typing import Any

import pytest

from tidemill.api.clock import clock_error_ms


def kernel(monkeypatch: pytest.MonkeyPatch, state: int, status: int, most: int) -> None:
    def ntp_adjtime(found: Any) -> int:
        found._obj.status, found._obj.most = status, most
        return state

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(ntp_adjtime=ntp_adjtime))


@pytest.mark.parametrize(
    ("state", "status", "most", "told"), [(0, 1, 2_001, 3), (0, 1, 0, 0), (5, 0x41, 16_000_000, None), (-1, 0, 5, None)]
)
def test_clock_that_nobody_keeps_is_not_known(
    state: int, status: int, most: int, told: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounded up to milliseconds; unsynchronised, or an error of the call, is no figure."""
    kernel(monkeypatch, state, status, most)
    assert told == clock_error_ms()


def test_clock_of_a_platform_that_does_not_tell_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Linux, or a C library without the call."""
    monkeypatch.setattr("sys.platform", "darwin")
    assert clock_error_ms() is None
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    assert clock_error_ms() is None
