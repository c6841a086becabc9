"""What commands print: JSON of the API's values."""

import json
from collections.abc import Iterable
from typing import Any

import cattrs
import click


def to_json(value: object) -> str:
    """Return a value of the API as one line of JSON, through cattrs."""
    plain: Any = cattrs.unstructure(value)
    return json.dumps(plain, ensure_ascii=False, default=str)


def print_json(value: object) -> None:
    """Print one object on one line."""
    click.echo(to_json(value))


def print_json_lines(values: Iterable[object]) -> None:
    """Print one object a line."""
    for value in values:
        print_json(value)
