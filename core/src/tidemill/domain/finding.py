"""What a check of the surroundings found: fine, worth knowing, or wrong, each with what to do."""

from typing import Literal

from attrs import frozen

Severity = Literal["ok", "warning", "error"]


@frozen
class Finding:
    """One thing that was looked at.

    ``subject`` is what it is about in a word or two (``clock``, ``rpc``), ``message`` what was found with its numbers, ``remedy`` what to
    do; it is empty where ``severity`` is ``ok``. An ``error`` keeps a run from working, a ``warning`` may.
    """

    subject: str
    severity: Severity
    message: str
    remedy: str = ""


CLOCK_WARNING_MS = 250
CLOCK_ERROR_MS = 2_000


def clock_finding(venue: str, venue_ns: int, local_ns: int) -> Finding:
    """Compare this machine's clock with a venue's.

    Args:
        venue: who told the time.
        venue_ns: its time, nanoseconds since 1970; take it in the middle of the request, so that half its duration is no difference.
        local_ns: this machine's time then, nanoseconds since 1970.
    """
    apart_ms = abs(local_ns - venue_ns) // 1_000_000
    message = f"{apart_ms} ms {'ahead of' if local_ns >= venue_ns else 'behind'} {venue}"
    if apart_ms < CLOCK_WARNING_MS:
        return Finding("clock", "ok", message)
    severity: Severity = "warning" if apart_ms < CLOCK_ERROR_MS else "error"
    return Finding("clock", severity, message, "let the system keep its clock (systemd-timesyncd, chrony), and wait until it has")
