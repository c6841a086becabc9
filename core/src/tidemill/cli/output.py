"""What commands print: JSON of the API's values."""

import errno
import json
import os
import sys
from collections.abc import Iterable
from typing import Any

import cattrs
import click


def to_json(value: object) -> str:
    """Return a value of the API as one line of JSON, through cattrs."""
    plain: Any = cattrs.unstructure(value)
    return json.dumps(plain, ensure_ascii=False, default=str)


def print_json(value: object, *, unread: bool = False) -> None:
    """Print one object on one line.

    Args:
        value: what is printed.
        unread: whoever read a pipe or a terminal may have gone; then nothing is printed, and that is no failure.

    Raises:
        ClickException: standard output takes no more; what a command was asked for is not there then.
    """
    try:
        click.echo(to_json(value))
        sys.stdout.flush()
    except OSError as error:
        if unread and error.errno in (errno.EPIPE, errno.EIO):
            # What is still held is flushed once more when the interpreter ends
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
            return
        raise click.ClickException(f"standard output cannot be written: {error.strerror}") from error


def print_json_lines(values: Iterable[object]) -> None:
    """Print one object a line."""
    for value in values:
        print_json(value)
