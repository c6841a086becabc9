"""Commands that each break just the rule which their test class names, and one that breaks none."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import pytest

from tidemill import Command, UsageError
from tidemill_testing.conformance import CommandConformance

Options = Callable[[Path, bool], None]


def size(file: Path, as_json: bool) -> None:
    """Say how big a file is."""
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file")
    found = {"file": file.name, "bytes": file.stat().st_size}
    click.echo(json.dumps(found) if as_json else f"{found['file']}: {found['bytes']} bytes")


def made(function: Options, **options: object) -> click.Command:
    """Return a command with the options of all these."""
    parameters: list[click.Parameter] = [
        click.Option(["--file"], type=click.Path(path_type=Path), required=True, help="The file."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object."),
    ]
    return click.Command("size", callback=function, params=parameters, help=size.__doc__, **options)  # type: ignore[arg-type]  # as given


class Sound(Command):
    """Breaks nothing."""

    name = "size_of"

    def command(self) -> click.Command:
        return made(size)


class SoundSuite(CommandConformance):
    plugin = Sound
    capabilities = frozenset({"example", "json", "failing"})
    __test__ = False

    @pytest.fixture
    def arguments(self, tmp_path: Path) -> Sequence[str]:
        file = tmp_path / "a.txt"
        file.write_text("abc")
        return ("--file", str(file))

    @pytest.fixture
    def wrong_arguments(self, tmp_path: Path) -> Sequence[str]:
        return ("--file", str(tmp_path / "missing"))


class TestSound(SoundSuite):
    __test__ = True


class LooksAround(Sound):
    """Reads the environment before it is asked for anything."""

    def command(self) -> click.Command:
        os.environ.get("HOME")
        return super().command()


class TestCMD10(SoundSuite):
    plugin = LooksAround
    __test__ = True


class Pushes(Sound):
    """Is called like one of tidemill's own."""

    name = "run"


class TestCMD11(SoundSuite):
    plugin = Pushes
    __test__ = True


class Mumbles(Sound):
    """Has an option without a word about it."""

    def command(self) -> click.Command:
        command = super().command()
        command.params.append(click.Option(["--fast"], is_flag=True, expose_value=False))
        return command


class TestCMD12(SoundSuite):
    plugin = Mumbles
    __test__ = True


class TakesAnything(Sound):
    """Ends well whatever is misspelt."""

    def command(self) -> click.Command:
        command = made(size, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
        command.params[0].required = False
        command.params[0].default = Path(__file__)
        return command


class TestCMD13(SoundSuite):
    plugin = TakesAnything
    __test__ = True


class EndsBadly(Sound):
    """Ends with 3 though it told people all."""

    def command(self) -> click.Command:
        return made(ends_badly)


def ends_badly(file: Path, as_json: bool) -> None:
    size(file, as_json)
    sys.exit(0 if as_json else 3)


class TestCMD14(SoundSuite):
    plugin = EndsBadly
    __test__ = True


class Paints(Sound):
    """Is red wherever it stands."""

    def command(self) -> click.Command:
        return made(paints)


def paints(file: Path, as_json: bool) -> None:
    size(file, as_json)
    sys.stdout.write("" if as_json else "\x1b[31mdone\x1b[0m\n")


class TestCMD15(SoundSuite):
    plugin = Paints
    __test__ = True


class Greets(Sound):
    """Tells machines good morning."""

    def command(self) -> click.Command:
        return made(greets)


def greets(file: Path, as_json: bool) -> None:
    if as_json:
        click.echo("one moment")
    size(file, as_json)


class TestCMD16(SoundSuite):
    plugin = Greets
    __test__ = True


class Falls(Sound):
    """Shows its traceback."""

    def command(self) -> click.Command:
        return made(falls)


def falls(file: Path, as_json: bool) -> None:
    if not file.stat().st_size:
        raise UsageError("empty")
    size(file, as_json)


class TestCMD17(SoundSuite):
    plugin = Falls
    __test__ = True


class Silent(Sound):
    """Has no help at all."""

    def command(self) -> click.Command:
        command = super().command()
        command.help = None
        return command


class TestCMD12Silent(SoundSuite):
    plugin = Silent
    __test__ = True


class Nested(Sound):
    """Has a subcommand that says nothing of itself."""

    def command(self) -> click.Command:
        group = click.Group("size", help="Sizes.")
        group.add_command(super().command(), "of")
        group.add_command(click.Command("bare", callback=lambda: None))
        return group


class TestCMD12Nested(SoundSuite):
    plugin = Nested
    __test__ = True

    @pytest.fixture
    def arguments(self, tmp_path: Path) -> Sequence[str]:
        file = tmp_path / "a.txt"
        file.write_text("abc")
        return ("of", "--file", str(file))

    @pytest.fixture
    def wrong_arguments(self, tmp_path: Path) -> Sequence[str]:
        return ("of", "--file", str(tmp_path / "missing"))


def printing(text: str, code: int = 0) -> Options:
    """Return what prints a text for machines, and ends with a code then."""

    def show(file: Path, as_json: bool) -> None:
        if not as_json:
            size(file, as_json)
            return
        click.echo(text)
        sys.exit(code)

    return show


class Lists(Sound):
    """Gives machines a list."""

    def command(self) -> click.Command:
        return made(printing("[3]"))


class TestCMD16List(SoundSuite):
    plugin = Lists
    __test__ = True


class Wide(Sound):
    """Gives machines a number that they round."""

    def command(self) -> click.Command:
        return made(printing(json.dumps({"amount": 1 << 70})))


class TestCMD16Wide(SoundSuite):
    plugin = Wide
    __test__ = True


class Fails(Sound):
    """Ends badly for machines alone."""

    def command(self) -> click.Command:
        return made(printing("{}", 4))


class TestCMD16Code(SoundSuite):
    plugin = Fails
    __test__ = True


class Quiet(Sound):
    """Ends with 1, and does not say why."""

    def command(self) -> click.Command:
        return made(quiet)


def quiet(file: Path, as_json: bool) -> None:
    if not file.is_file():
        sys.exit(1)
    size(file, as_json)


class TestCMD17Quiet(SoundSuite):
    plugin = Quiet
    __test__ = True
