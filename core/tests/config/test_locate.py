"""The locator knows the line of every key of any valid TOML."""

import tomllib

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from tidemill.config.locate import locate
from tidemill.config.place import Keys, Places, json_path
from tidemill.config.read import leaves

TEXT = '''# head
a = 1
"b c".d = { e = 1, "f.g" = [1, 2] }

[t.u] # comment with = and [x]
text = """
[not.a.table]
k = 1 \\" ""\\"""
""""
raw = \'\'\'
x = [
'\'\'\'
list = [
  1, # one
  [ "]", '}' ],
  { x = 1, y = 2 },

]
when = 1979-05-27 07:32:00
last = 'a'

[[t.arr]]
k = 1
[[t.arr]]
k = 2
[t.arr.sub]
z = 1
[[t.arr.deep]]
q = 1
'''.replace("'\\'\\'", "'''")


def test_locate_every_form_gives_its_line() -> None:
    """Dotted and quoted keys, headers, arrays of tables, inline tables, lists and texts over several lines are told apart."""
    expected: dict[Keys, int] = {
        ("a",): 2,
        ("b c", "d", "f.g", 1): 3,
        ("t",): 5,
        ("t", "u", "text"): 6,
        ("t", "u", "raw"): 10,
        ("t", "u", "list", 1, 1): 15,
        ("t", "u", "list", 2, "y"): 16,
        ("t", "u", "when"): 19,
        ("t", "u", "last"): 20,
        ("t", "arr"): 22,
        ("t", "arr", 1): 24,
        ("t", "arr", 1, "k"): 25,
        ("t", "arr", 1, "sub", "z"): 27,
        ("t", "arr", 1, "deep", 0, "q"): 29,
    }

    found = locate(TEXT)

    assert expected == {keys: found[keys] for keys in expected}
    assert {keys for keys, _ in leaves(tomllib.loads(TEXT))} <= set(found)


VALUES = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.text(max_size=6), st.dates(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(alphabet='ab.-" é#[=', min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(alphabet='xyz.-"', min_size=1, max_size=4), VALUES, max_size=5))
def test_locate_any_document_finds_the_line_of_every_leaf(tables: dict[str, object]) -> None:
    """Whatever tomlkit writes: a value is there once its line was read, and not before."""
    text = tomlkit.dumps(tables)
    lines = text.split("\n")
    found = locate(text)

    for keys, _ in leaves(tomllib.loads(text)):
        assert (True, False) == (_holds(lines[: found[keys]], keys), _holds(lines[: found[keys] - 1], keys))


def _holds(lines: list[str], keys: Keys) -> bool:
    return keys in [path for path, _ in leaves(tomllib.loads("\n".join(lines)))]


@pytest.mark.parametrize(("keys", "path"), [((), "$"), (("dex", 0, "fee_bps"), "$.dex[0].fee_bps"), (("a b", "c"), '$."a b".c')])
def test_json_path_gives_the_usual_form(keys: Keys, path: str) -> None:
    """Paths are written as people know them; odd names in quotes."""
    assert path == json_path(keys)


def test_places_problem_falls_back_to_the_nearest_line() -> None:
    """A key that was not written stands where its table stands; one without any line has the file alone."""
    places = Places("x.toml", {("a",): 3, ("a", "b"): 4}, {("v",): "TIDEMILL__V"}).below("a")

    assert "x.toml:4  $.a.b.c  m" == str(places.problem("m", "b", "c"))
    assert "x.toml:3  $.a.z  m" == str(places.problem("m", "z"))
    assert "x.toml  $.q  m" == str(Places("x.toml").problem("m", "q"))
    assert "$.q  m" == str(Places().problem("m", "q"))
