"""``new_plugin``: the whole package or nothing, and one clear word about what cannot be."""

import ast
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill import __version__
from tidemill.api import scaffold
from tidemill.api.quality import LEVELS, RULES
from tidemill.api.scaffold import new_plugin, render
from tidemill.api.scaffold_names import names_of
from tidemill.errors import UsageError
from tidemill.hookspecs.kinds import KINDS, Kind

Install = Callable[..., Path]

COMMON = {".gitignore", "LICENSE", "README.md", "pyproject.toml", "quality.toml"}
OWN = {
    "chain": {"blocks.py", "family.py", "link.py", "plugin.py", "rules.py", "test_blocks.py", "test_rules.py"},
    "price": {"connection.py", "decoding.py", "source.py", "test_decoding.py", "test_source.py"},
    "dex": {
        "adapter.py", "decoding.py", "instructions.py", "quoting.py", "conftest.py", "test_discovery.py", "test_quoting.py",
        "test_trading.py",
    },
    "lender": {"lender.py", "terms.py", "test_terms.py"},
    "search": {"routes.py", "searcher.py", "test_searcher.py"},
    "strategy": {"strategy.py", "test_trading.py"},
    "risk": {"check.py", "test_check.py"},
    "store": {"intents.py", "lines.py", "lock.py", "rows.py", "store.py", "test_faults.py"},
    "codec": {"codec.py", "payload.py", "test_payload.py"},
    "notifier": {"notifier.py", "wording.py", "test_notifier.py"},
    "command": {"command.py", "figures.py", "conftest.py", "test_command.py", "test_figures.py"},
}  # fmt: skip

kinds = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])


def expected_files(kind: str) -> set[str]:
    """Return the paths of a package called acme."""
    package = f"src/tidemill_{kind}_acme"
    own = {f"tests/{name}" if name.startswith(("test_", "conftest")) else f"{package}/{name}" for name in OWN[kind]}
    return {*COMMON, f"{package}/__init__.py", f"{package}/py.typed", "tests/test_conformance.py", *own}


@kinds
def test_new_plugin_writes_exactly_its_files(kind: Kind, tmp_path: Path) -> None:
    """A package has these files and no others, and what is told is what is there."""
    made = new_plugin(kind.name, "acme", tmp_path)
    found = {path.relative_to(made.folder).as_posix() for path in made.folder.rglob("*") if path.is_file()}

    assert expected_files(kind.name) == found == set(made.files)
    assert [tmp_path / f"tidemill-{kind.name}-acme"] == list(tmp_path.iterdir())


@kinds
def test_new_plugin_of_every_kind_is_one_name_in_all_spellings(kind: Kind, tmp_path: Path) -> None:
    """Distribution, package, entry point and class agree; every Python file parses; no placeholder is left."""
    made = new_plugin(kind.name, "acme_swap", tmp_path)
    texts = {path: (made.folder / path).read_text("utf-8") for path in made.files}
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    package = f"tidemill_{kind.name}_acme_swap"

    assert f"tidemill-{kind.name}-acme-swap" == made.folder.name == project["name"]
    assert {kind.group: {"acme_swap": package}} == project["entry-points"]
    assert "tidemill>=0.1,<0.2" in project["dependencies"]
    assert {*COMMON, f"src/{package}/__init__.py", f"src/{package}/py.typed"} <= set(texts)
    assert f"def {kind.hook}(" in texts[f"src/{package}/__init__.py"]
    assert len(texts[f"src/{package}/__init__.py"].splitlines()) <= 40
    for path, text in texts.items():
        assert "${" not in text, path
        assert "TO" + "DO" not in text, path
        if path.endswith(".py"):
            assert ast.get_docstring(ast.parse(text, path)), path


@kinds
def test_new_plugin_quality_answers_every_rule(kind: Kind) -> None:
    """``quality.toml`` says of every rule done, todo, or why it is exempt; a new package conforms and is at least bronze."""
    rules = tomllib.loads(render(names_of(kind.name, "acme"))["quality.toml"])["rules"]

    assert list(RULES) == list(rules)
    assert all(state in ("done", "todo") or (list(state) == ["exempt"] and state["exempt"]) for state in rules.values())
    assert all(rules[rule] != "todo" for rule in LEVELS["bronze"])


def test_new_plugin_of_any_name_is_valid_python() -> None:
    """Whatever name is accepted, the files parse and the class has the name's title."""

    @given(st.from_regex(r"[a-z][a-z0-9]{0,8}(_[a-z0-9]{1,6}){0,2}", fullmatch=True))
    def holds(name: str) -> None:
        try:
            names = names_of("notifier", name)
            texts = render(names)
        except UsageError:
            return
        module = ast.parse(texts[f"src/{names.package}/notifier.py"])
        assert names.title in {node.name for node in module.body if isinstance(node, ast.ClassDef)}

    holds()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Acme",
        "acme-swap",
        "9acme",
        "_acme",
        "acme_",
        "acme__swap",
        "äcme",
        "acme swap",
        "../acme",
        "..",
        ".",
        "/tmp/acme",
        "a/b",
        "acme\n",
        "acme\0",
        "a" * 61,
    ],
)
def test_new_plugin_name_that_is_no_identifier_is_refused(name: str, tmp_path: Path) -> None:
    """A name is lower case letters, digits and single underscores."""
    with pytest.raises(UsageError, match="is no name for a plugin: write up to 60 lower case letters"):
        new_plugin("dex", name, tmp_path)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["class", "import", "none", "true"])
def test_new_plugin_word_of_python_is_refused(name: str, tmp_path: Path) -> None:
    """Neither the name nor its class may be a keyword."""
    with pytest.raises(UsageError, match="is a word of Python: choose another name"):
        new_plugin("notifier", name, tmp_path)


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("notifier", "notifier", "makes a class Notifier, as the interface is called"),
        ("notifier", "exception", "makes a class Exception, which is something else in Python itself"),
        ("notifier", "note", "makes a class Note, which is something else in src/tidemill_notifier_note/notifier.py"),
    ],
)
def test_new_plugin_class_that_means_something_else_is_refused(kind: str, name: str, words: str, tmp_path: Path) -> None:
    """A class that would hide what the templates or Python call so would break the package."""
    with pytest.raises(UsageError, match=words):
        new_plugin(kind, name, tmp_path)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("dx", "there is no kind 'dx'; did you mean dex"),
        ("strategies", "did you mean strategy"),
        ("zzz", "there is no kind 'zzz'; the kinds are chain, price, dex, "),
    ],
)
def test_new_plugin_unknown_kind_suggests_the_nearest(kind: str, words: str, tmp_path: Path) -> None:
    """A slip is answered with what was meant, the name of a folder with its kind."""
    with pytest.raises(UsageError, match=words):
        new_plugin(kind, "acme", tmp_path)


def test_new_plugin_name_of_ours_or_installed_is_refused(tmp_path: Path, install: Install) -> None:
    """A name that a plugin of the kind has is taken, wherever that plugin is; of another kind it is free."""
    install("acme-lag", "acme_lag", kind="store", names=("lag",))

    with pytest.raises(UsageError, match=r"dex\.sushiswap is one of our own plugins, in tidemill-dex-uniswap"):
        new_plugin("dex", "sushiswap", tmp_path)
    with pytest.raises(UsageError, match=r"stores\.lag is installed already, from acme-lag 1\.2\.3"):
        new_plugin("store", "lag", tmp_path)
    assert (tmp_path / "tidemill-notifier-lag") == new_plugin("notifier", "lag", tmp_path).folder


def test_new_plugin_command_of_ours_is_refused(tmp_path: Path) -> None:
    """A command cannot be called like one of tidemill's own."""
    with pytest.raises(UsageError, match="tidemill has a command run of its own"):
        new_plugin("command", "run", tmp_path)


def test_new_plugin_strategy_flatten_is_refused(tmp_path: Path) -> None:
    """What sells everything back leaves under that name while everything else is held back."""
    with pytest.raises(UsageError, match=r"flatten is no strategy's name: what `tidemill stop --now --flatten` sells .*; choose another"):
        new_plugin("strategy", "flatten", tmp_path)


def test_new_plugin_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """Nothing is overwritten, not even an empty folder or a link to nothing."""
    for name, make in (("one", Path.mkdir), ("two", Path.touch), ("three", lambda path: path.symlink_to("nowhere"))):
        target = tmp_path / f"tidemill-store-{name}"
        make(target)
        with pytest.raises(UsageError, match="is there already: choose another name, give another folder with --dir"):
            new_plugin("store", name, tmp_path)
    assert 3 == len(list(tmp_path.iterdir()))
    assert [] == list((tmp_path / "tidemill-store-one").iterdir())


def test_new_plugin_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    """Every folder on the way is made."""
    assert (tmp_path / "a" / "b" / "tidemill-store-acme") == new_plugin("store", "acme", tmp_path / "a" / "b").folder


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/acme"])
def test_new_plugin_where_nothing_can_be_written_says_so(place: str, tmp_path: Path) -> None:
    """A place that cannot be written is named; what was made on the way is taken away again."""
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="nothing was written; give a folder that can be written with --dir"):
        new_plugin("store", "acme", tmp_path / place)
    assert ["file"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("raised", "told", "words"),
    [
        (OSError(28, "No space left on device"), UsageError, "No space left on device: nothing was written"),
        (KeyboardInterrupt("stop"), KeyboardInterrupt, "stop"),
    ],
)
def test_new_plugin_that_fails_half_way_leaves_nothing(
    raised: BaseException, told: type[BaseException], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up or a Ctrl-C in the middle leaves neither a package nor a part of one, nor the folders on the way."""
    written: list[Path] = []
    write = Path.write_text

    def fill_up(self: Path, *arguments: object, **options: object) -> int:
        written.append(self)
        if len(written) > 3:
            raise raised
        return write(self, *arguments, **options)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(Path, "write_text", fill_up)

    with pytest.raises(told, match=words):
        new_plugin("store", "acme", tmp_path / "a" / "b")
    assert 4 == len(written)
    assert [] == list(tmp_path.iterdir())


def test_new_plugin_without_templates_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that lost its templates is told to be made anew."""
    monkeypatch.setattr(scaffold, "files", lambda _: tmp_path)

    with pytest.raises(UsageError, match="no templates of kind store in this installation: install tidemill anew"):
        new_plugin("store", "acme", tmp_path)


def test_new_plugin_bounds_are_this_version(tmp_path: Path) -> None:
    """The package accepts the host's minor version only."""
    major, minor = __version__.split(".")[:2]
    text = render(names_of("store", "acme"))["pyproject.toml"]

    assert f'"tidemill>={major}.{minor},<{major}.{int(minor) + 1}"' in text
