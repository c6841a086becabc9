"""A running instance from Python: what it is at, and the commands an operator has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from tidemill.api.commanded import Commanded, commanded_of
from tidemill.api.config import load_config
from tidemill.api.live.asking_stop import stop_findings
from tidemill.api.reconciled import Reconciled, reconciled_from_json
from tidemill.api.status import Status, status_from_json
from tidemill.errors import ControlError
from tidemill.pipeline.brake import Brake
from tidemill.pipeline.control_folder import InstanceEnded, call
from tidemill.pipeline.protocol import ANSWER_BYTES, Request, cause_line, decode_answer, encode_request

TIMEOUT_S = 15
"""Longer than an instance takes to say that it is busy."""
RECONCILE_S = 60
"""So long nodes may take until they have said what became of everything."""


@frozen
class Instance:
    """A running instance, reached over the socket in its data folder; every call is a connection of its own.

    Every method raises ControlError where the instance has ended, does not answer, or refuses; then nothing was done.
    """

    data: Path

    def status(self) -> Status:
        """Return what the run is at; where it cannot say, the error names an emergency stop that holds all the same."""
        try:
            return status_from_json(self._ask(Request("status")))
        except ControlError as error:
            held = _held(self.data)
            if held:
                raise ControlError(f"{error}\n{held}") from error
            raise

    def pause(self, strategy: str = "", cause: str = "") -> Commanded:
        """Let a strategy, or all, no longer be asked; plans in flight settle as they would. It lasts as long as the run.

        Args:
            strategy: its name as in ``[strategies.NAME]``; "": all.
            cause: why, in a line; it stands on the tape and in the status.
        """
        return self._command(Request("pause", strategy, cause))

    def resume(self, strategy: str = "", cause: str = "") -> Commanded:
        """Let a paused strategy, or all, be asked again from the next batch on; what changed meanwhile counts as changed for it.

        Without a strategy it also ends an emergency stop, which needs a cause.
        """
        return self._command(Request("resume", strategy, cause))

    def stop(self) -> Commanded:
        """End the run as Ctrl-C does; returns as soon as it has been taken in, while the run settles what is in flight.

        A run that was ending already is no error, also where it ended before it could say so: ``changed`` is empty.
        """
        try:
            return self._command(Request("stop"))
        except InstanceEnded:
            return Commanded("stop", (), (), "ending already: the run has ended")

    def stop_now(self, cause: str = "") -> Commanded:
        """Let nothing leave any more, at once; the run goes on and watches what is out. It holds until it is released with a cause."""
        return self._command(Request("stop-now", cause=cause_line(cause)))

    def reconcile(self) -> Reconciled:
        """Let the run look now at what became of everything that is open and at what its accounts hold; return what it found and did.

        It does so by itself with every block, and compares balances every so many: this hastens it.
        """
        return reconciled_from_json(self._ask(Request("reconcile"), RECONCILE_S))

    def flatten(self, cause: str = "") -> Commanded:
        """Stop as ``stop_now`` does, and sell what is neither a book's base asset nor a native coin; nothing but that leaves.

        Plans in flight are watched to their end. What cannot be sold stays, and is named.
        """
        return self._command(Request("flatten", cause=cause_line(cause)))

    def _command(self, request: Request) -> Commanded:
        return commanded_of(self.data, self._ask(request))

    def _ask(self, request: Request, timeout_s: float = TIMEOUT_S) -> Mapping[str, Any]:
        return decode_answer(call(self.data, encode_request(request), longest=ANSWER_BYTES, timeout_s=timeout_s))


def _held(data: Path) -> str:
    """Return who stopped what trades on a folder, since when and how it goes on; "" where nobody did."""
    (found,) = stop_findings(data)
    return f"{found.message}: nothing leaves a run with real money; {found.remedy}" if found.severity == "error" else ""


def release_folder(data: Path, cause: str) -> Commanded:
    """Release the brake of a data folder on which no instance runs.

    Raises:
        ControlError: nothing is stopped there, or there is no cause.
    """
    brake = Brake(data)
    brake.load()
    stopped = brake.release(cause)
    return Commanded("resume", (), ("broadcast",), f"released what {stopped.by} had stopped ({stopped.cause}); a live run may start")


def connect(data: Path | str | None = None) -> Instance:
    """Return the instance that runs on a data folder.

    Args:
        data: the folder; None: the one of the configuration in the current folder, else ``tidemill-data``.

    Raises:
        ControlError: no instance runs there, or it belongs to another user.
        ConfigError: ``data`` is None and the configuration cannot be read.
    """
    instance = Instance(Path(data if data is not None else load_config().data))
    instance.status()
    return instance
