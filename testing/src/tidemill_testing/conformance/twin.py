"""Work with several arguments in a process with another PYTHONHASHSEED, which answers the same questions."""

from collections.abc import Callable, Sequence
from typing import Any

from tidemill_testing.conformance.other_process import HASH_SEEDS, in_other_process


def in_twin(work: Callable[..., Sequence[str]], plugin: type, arguments: tuple[Any, ...]) -> list[str]:
    """Return what ``work(*arguments)`` gives in the other process.

    Args:
        work: a function at module level of an installed package.
        plugin: whose module is imported there first, from its file where its name cannot be imported.
        arguments: what can be pickled.

    Raises:
        OtherProcessFailed: the work raised there, or its arguments cannot be sent there.
    """
    return in_other_process(spread, plugin, (work, arguments), HASH_SEEDS[-1])


def spread(call: tuple[Callable[..., Sequence[str]], tuple[Any, ...]]) -> list[str]:
    """Return the lines of a function and the arguments that it is given."""
    work, arguments = call
    return list(work(*arguments))
