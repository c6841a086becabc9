"""Writes the pages that are made from code; `--check` says which are out of date."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tidemill.hookspecs.kinds import KIND_BY_NAME
from tidemill.stages.flow import FLOW, draw_flow

ROOT = Path(__file__).parents[1]


def flow_page() -> str:
    """The order of the pipeline, as `FLOW` has it."""
    rows = [
        f"| {stage.name} | {stage.takes} | {stage.gives} | {', '.join(_kind(kind) for kind in stage.kinds)} | {stage.sentence} |"
        for stage in FLOW
    ]
    return "\n".join(
        [
            "# The flow",
            "",
            "Made from `tidemill.stages.flow.FLOW` by `python -m scripts.docs`; `tidemill explain` draws it with your own plugins.",
            "",
            "```text",
            draw_flow(),
            "```",
            "",
            "| stage | takes | gives | plugin kinds that serve it (folder) | what it does |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _kind(name: str) -> str:
    return f"{name} ({KIND_BY_NAME[name].folder})"


PAGES = {"docs/flow.md": flow_page}


def main(arguments: Sequence[str]) -> int:
    """Write every page, or with `--check` name those that differ; returns the exit code."""
    stale = []
    for name, page in PAGES.items():
        path, text = ROOT / name, page()
        if "--check" not in arguments:
            path.write_text(text, "utf-8")
        elif not path.is_file() or path.read_text("utf-8") != text:
            stale.append(name)
    for name in stale:
        print(f"{name}: out of date: run `python -m scripts.docs`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
