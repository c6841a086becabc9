"""The pages that people write, and what is executed of each."""

from collections.abc import Mapping
from pathlib import Path

from scripts.docs.pages import pages
from tests.docs.blocks import Block, blocks_of
from tests.docs.folder import Folder

ROOT = Path(__file__).parents[2]
NEEDS_PACKAGES = "fetches packages"
NOT_RUN: Mapping[tuple[str, str], str] = {
    ("README.md", "pip install uv && uv run --no-dev tidemill run"): NEEDS_PACKAGES,
    ("README.md", "pip install uv && uv run nox"): "runs these tests",
    (
        "docs/benchmarks.md",
        "$ uv run nox -s bench                     # everything, about nine minutes, into this page",
    ): "measures for minutes",
    ("docs/tutorial/first-strategy.md", "$ mkdir lag && cd lag"): NEEDS_PACKAGES,
}
"""Blocks that cannot be run here, by page and first line, each with its reason."""
DRAWN = {"README.md"}
"""Pages whose text blocks are no output: a picture and a summary, which tests of their own compare."""
SAID = {
    "README.md": "uv pip install --quiet --editable .\n"
    "printf '[chains.sim]\\n[dex.uniswap]\\n[strategies.lag]\\n' > tidemill.toml\n"
    "tidemill config check tidemill.toml\n"
}
"""What a page tells its reader to do in a sentence and not in a block, by page: done after its blocks."""


def written_pages() -> dict[str, str]:
    """Return every page of docs/ that people write, and the README, by path."""
    made = pages()
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    names = {path.relative_to(ROOT).as_posix(): path for path in paths}
    return {name: path.read_text("utf-8") for name, path in names.items() if name not in made}


PAGES = {name: text for name, text in written_pages().items() if blocks_of(text)}
HOW_TOS = sorted(name for name in PAGES if name.startswith("docs/how-to/"))
OTHERS = sorted(set(PAGES) - set(HOW_TOS))
"""Two lots of about the same length, for two workers."""


def left_out(page: str, block: Block) -> str | None:
    """Return why a block is not run, or None where it is."""
    return NOT_RUN.get((page, block.text.splitlines()[0]))


def executed(page: str) -> list[Block]:
    """Return the blocks of a page that are run or compared: not those on the list, nor what they would print."""
    found, runs = [], True
    for block in blocks_of(PAGES[page]):
        if block.how != "output":
            runs = left_out(page, block) is None
        if runs and not (page in DRAWN and block.how == "output"):
            found.append(block)
    if page in SAID:
        found.append(Block("sh", SAID[page], PAGES[page].count("\n"), "run"))
    return found


def follow(page: str, top: Path, kernels: str | None = None) -> None:
    """Do what a page says, in an empty folder below ``top``; its runs begin with the compiled kernels of a folder where one is given."""
    folder = Folder(top, kernels)
    try:
        folder.follow(executed(page))
    finally:
        folder.close()
