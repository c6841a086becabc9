"""An empty folder with an environment of its own, as a reader of a page has one."""

import ast
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

from tests.docs.blocks import Block, apply, matches

PATIENCE_S = 120
WARMED = """
import sys
if sys.orig_argv[2:3] == ["run"]:
    from tidemill_search_cycles import compiled
    compiled.warm()
"""
SITE = Path(sysconfig.get_path("purelib"))


class Folder:
    """A page's folder; the packages of this workspace are installed in its environment, and others can be, without a network."""

    def __init__(self, top: Path, kernels: str | None = None) -> None:
        self.path = top / "page"
        self.path.mkdir()
        self._top = top
        self._groups: list[int] = []
        self._output = ""
        self._unrun: dict[Path, Block] = {}
        self._environment = environment(top, kernels)

    def follow(self, blocks: Sequence[Block]) -> None:
        """Do what the blocks of a page say, in order.

        Raises:
            AssertionError: a command ends with another code, or prints something else, than the page says; or the page has its
                reader write a program and never run it.
        """
        for block in blocks:
            if block.how == "output":
                shown, found = block.text, self._output
                assert matches(shown, found), f"line {block.line}: the page shows\n{shown}\nand it printed\n{found}"
            elif block.how == "run":
                self._run(block, ["bash", "-euc", block.text] if block.language == "sh" else ["python", "-c", block.text])
            elif block.how != "shown":
                self._write(block)
        for path in list(self._unrun):
            self._was_run(path)

    def close(self) -> None:
        """End what the page's commands left running."""
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    def _write(self, block: Block) -> None:
        self._was_run(self.path / block.file)
        path = apply(block, self.path)
        text = path.read_text("utf-8")
        if path.suffix == ".py":
            ast.parse(text, str(path))
            # Not run here: what it writes would be there for a reader who was never told to run it
            self._unrun[path] = block
        elif path.suffix == ".json":
            json.loads(text)
        elif path.name == "tidemill.toml":
            self._run(block, ["tidemill", "config", "check", path.name])
        elif path.suffix == ".toml":
            tomllib.loads(text)

    def _was_run(self, path: Path) -> None:
        """Hold that a program that was written has been run or imported since: a command named it, or it left its bytecode."""
        block = self._unrun.pop(path, None)
        if block is None:
            return
        compiled = list(path.parent.glob(f"__pycache__/{path.stem}.*.pyc"))
        assert compiled, f"line {block.line}: the page says to write {block.file}, and nothing that follows runs it"
        for one in compiled:
            one.unlink()

    def _run(self, block: Block, command: list[str]) -> None:
        written = self._top / "output"
        # A file and no pipe: a command that goes on in the background would hold a pipe open
        with written.open("w") as output:
            running = subprocess.Popen(
                command,
                cwd=self.path,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            self._groups.append(running.pid)
            code = running.wait(PATIENCE_S)
        self._output = written.read_text("utf-8")
        for path in [path for path in self._unrun if path.name in block.text and block.language == "sh"]:
            del self._unrun[path]
        assert block.exits == code, (
            f"line {block.line}: ended with {code}, and not {block.exits}:\n{block.text}\nIt printed\n{self._output}"
        )


def environment(top: Path, kernels: str | None = None) -> dict[str, str]:
    """Make a virtual environment beside the page's folder and return the variables that switch it on.

    Where ``kernels`` names the folder of the compiled search kernels, ``tidemill run`` begins with them.
    """
    folder = top / "environment"
    venv.EnvBuilder(symlinks=True).create(folder)
    site = folder / SITE.relative_to(sys.prefix)
    for package in SITE.iterdir():
        place = site / package.name
        if package.suffix == ".dist-info":  # uv follows no links here
            shutil.copytree(package, place)
        elif not place.exists():
            place.symlink_to(package)
    for script in Path(sys.prefix, "bin").iterdir():
        _link_script(script, folder)
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT") if name in os.environ}
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv, "the pages install with uv, which is not on the path: pip install uv"
    path = os.pathsep.join([str(folder / "bin"), str(_alone(Path(uv), top)), "/usr/bin", "/bin"])
    quiet = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(top / "cache"), "UV_NO_PROGRESS": "1", "NO_COLOR": "1", "COLUMNS": "120"}
    # A page's runs are shorter than what compiles kernels on the side, and its reader waits for no line of it
    quiet["TIDEMILL__EXECUTION__WARM"] = "false"
    if kernels is not None:
        quiet["NUMBA_CACHE_DIR"] = kernels
        (site / "sitecustomize.py").write_text(WARMED, "utf-8")
    return {**kept, **quiet, "HOME": str(top), "PATH": path, "VIRTUAL_ENV": str(folder), "PYTHONIOENCODING": "utf-8"}


def _alone(uv: Path, top: Path) -> Path:
    """Return a folder that holds uv and nothing else."""
    folder = top / "uv"
    folder.mkdir()
    (folder / "uv").write_text(f'#!/bin/sh\nexec "{uv}" "$@"\n', "utf-8")
    (folder / "uv").chmod(0o755)
    return folder


def _link_script(script: Path, folder: Path) -> None:
    place, interpreter = folder / "bin" / script.name, f"#!{sys.prefix}/".encode()
    if place.exists() or not script.is_file():
        return
    text = script.read_bytes()
    if text.startswith(interpreter):
        place.write_bytes(text.replace(interpreter, f"#!{folder}/".encode(), 1))
        place.chmod(0o755)
    elif text.startswith(b"\x7fELF"):
        place.symlink_to(script)
