"""Whether an emergency stop holds on a data folder, whether a run is on there or not."""

from collections.abc import Iterator
from pathlib import Path

from tidemill.domain.finding import Finding
from tidemill.pipeline.brake import ASKED, Brake


def stop_findings(data: Path) -> Iterator[Finding]:
    """Say whether an emergency stop holds; a file ``STOP`` is seen and not yet acted on."""
    brake = Brake(data)
    brake.load()
    if brake.is_asked:
        said = f"stopped by file: there is a file {ASKED} in {data}"
        yield Finding("emergency stop", "error", said, f"remove {data / ASKED}; then `tidemill resume --cause TEXT`, where a run saw it")
    elif (stopped := brake.stopped) is not None:
        said = f"stopped by {stopped.by}{f' at {stopped.at}' if stopped.at else ''}: {stopped.cause}"
        yield Finding("emergency stop", "error", said, "`tidemill resume --cause TEXT` lets trading go on")
    else:
        yield Finding("emergency stop", "ok", "none holds")
