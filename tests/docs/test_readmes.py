"""The blocks of the packages' READMEs, and the README's summary, are true: programs run, tables are taken by the plugins they are of."""

import re
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

import tidemill as tm
from tidemill.cli.main import main

ROOT = Path(__file__).parents[2]
ELSEWHERE = ROOT / "examples" / "third-party" / "README.md"
"""Its blocks need wheels and an environment of their own: tests/wheels/test_third_party_page.py follows it."""
READMES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sorted({*ROOT.glob("*/*/README.md")} - {ELSEWHERE})}
READMES |= {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sorted(ROOT.glob("plugins/*/*/README.md"))}
READMES |= {f"{name}/README.md": (ROOT / name / "README.md").read_text("utf-8") for name in ("core", "testing")}
REST = {"chains.sim": "[chains.sim]\n", "dex.uniswap": "[dex.uniswap]\n", "strategies.spatial": "[strategies.spatial]\n"}
"""The least of a configuration, by table; a README's own table takes the place of the one of its name."""


def blocks(text: str) -> list[tuple[str, str]]:
    """Return (language, text) of every block; an indented one is toml where it begins with a table, else text."""
    fenced = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
    found = fenced.findall(text)
    for indented in re.findall(r"(?<=\n\n)((?:(?: {4}.*)?\n)+)", fenced.sub("", text)):
        block = textwrap.dedent(indented).strip()
        if block:
            found.append(("toml" if block.startswith("[") else "text", f"{block}\n"))
    return found


def of(language: str) -> list[tuple[str, str]]:
    return [(name, block) for name, text in READMES.items() for found, block in blocks(text) if found == language]


@pytest.mark.parametrize(("name", "program"), of("python"), ids=lambda value: value.partition("\n")[0])
def test_program_of_a_readme_runs(name: str, program: str) -> None:
    """What a package's README shows runs as it stands; its `assert`s hold."""
    exec(compile(program, name, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize(("name", "table"), of("toml"), ids=lambda value: value.partition("\n")[0])
def test_table_of_a_readme_is_taken_by_its_plugin(name: str, table: str, tmp_path: Path) -> None:
    """Every key that a plugin's README shows is one of its settings, with a value that it takes."""
    shown = set(re.findall(r"^\[([\w.-]+)\]", table, re.MULTILINE))
    rest = [
        text
        for path, text in REST.items()
        if path not in shown and not (path.startswith("chains.") and any("chains." in one for one in shown))
    ]
    path = tmp_path / "tidemill.toml"
    path.write_text("".join([*rest, table]), "utf-8")
    tm.check_config(path)


def test_readmes_show_no_other_language() -> None:
    """What no test here runs stands in no README: `sh` and `json` need a page of docs/, where they are run."""
    known = {"python", "toml"}
    others = [(name, language) for name, text in READMES.items() for language, _ in blocks(text) if language not in known]

    assert [] == others


def test_blocks_finds_fenced_and_indented_ones() -> None:
    """Neither form hides a block."""
    text = "# A\n\nText:\n\n    [dex.a]\n    b = 1\n\n    c = 2\n\nMore.\n\n```python\nx = 1\n```\n\nEnd.\n\n    plain\n"

    assert [("python", "x = 1\n"), ("toml", "[dex.a]\nb = 1\n\nc = 2\n"), ("text", "plain\n")] == blocks(text)


def test_readme_shows_the_summary_as_a_run_prints_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The summary of the README has the form, word for word, of what a run prints; only its figures are of another run."""
    monkeypatch.chdir(tmp_path)
    shown = next(line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if re.match(r"\d+ blocks · ", line))
    tm.run(options=tm.RunOptions(blocks=int(shown.partition(" ")[0]), speed="max"))
    printed = next(line for line in capsys.readouterr().out.splitlines() if re.match(r"\d+ blocks · ", line))

    assert _form(shown) == _form(printed)


def test_readme_checks_the_folder_that_new_plugin_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two commands of the README that belong together can be typed one after the other."""
    monkeypatch.chdir(tmp_path)
    shown = re.search(r"`tidemill (new plugin \S+ \S+)`, `tidemill (check plugin \S+)`", (ROOT / "README.md").read_text("utf-8"))
    assert shown is not None
    for command in (shown[1], f"{shown[2]} --no-tests"):
        result = CliRunner().invoke(main, command.split())

        assert 0 == result.exit_code, result.output


def _form(summary: str) -> str:
    """Return a line with its figures left out, and one word for one and many."""
    figures = re.sub(r"[+-]?\d[\d.,]*", "#", re.sub(r"hash [0-9a-f]+", "hash", summary))
    return re.sub(r"\b(fill|revert)s?\b", r"\1s", figures)
