"""One command proves the tree: `uv run nox`. CI calls the same sessions and nothing else."""

import atexit
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
# The synced environment is the one under test: building one for each session would take minutes
nox.options.default_venv_backend = "none"
nox.options.error_on_external_run = False
nox.options.stop_on_first_error = False

ROOT = Path(__file__).parent
RESULTS = ROOT / ".nox" / "results"
TESTS, COVERAGE = RESULTS / "tests.xml", RESULTS / "coverage.json"
KERNELS = ROOT / ".nox" / "kernels"
CONTRACTS = ROOT / "tests" / "npm"
PACKAGES = ("libs/*", "plugins/*/*")

# One more than there are cores: some tests wait, for deadlines and for processes of their own
WORKERS = str(min(4, (os.cpu_count() or 1) + 1))

left_out: dict[str, str] = {}
ran: list[str] = []


@nox.session
def format(session: nox.Session) -> None:  # noqa: A001 - the word for what it does
    """Is every file formatted? `ruff format` repairs it."""
    session.run("ruff", "format", "--check", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Does the code keep ruff's rules, and does no key lie in the tree?"""
    session.run("ruff", "check", ".")
    session.run("python", "-m", "scripts.checks", "secrets")


@nox.session
def types(session: nox.Session) -> None:
    """Does every type agree, in sources and tests?"""
    session.run("mypy")
    for example in sorted(ROOT.glob("examples/third-party/*/pyproject.toml")):
        # As its author does, in its own folder: it is no member of the workspace
        with session.chdir(example.parent):
            session.run("mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache" / example.parent.name), "src")


@nox.session
def imports(session: nox.Session) -> None:
    """Does nothing import what its layer may not?"""
    session.run("lint-imports", "--no-cache")


@nox.session
def checks(session: nox.Session) -> None:
    """Are the rules kept that only this repository has, and does every version have its pin?"""
    session.run("python", "-m", "scripts.checks")
    session.run("python", "-m", "scripts.pins", "--check")


@nox.session
def docs(session: nox.Session) -> None:
    """Are the pages that are made from code up to date? `python -m scripts.docs` writes them."""
    session.run("python", "-m", "scripts.docs", "--check")


@nox.session
def tests(session: nox.Session) -> None:
    """Do all tests pass, and do they run more than 95 % of each package?"""
    RESULTS.mkdir(parents=True, exist_ok=True)
    TESTS.unlink(missing_ok=True)
    ran.append(str(TESTS))
    reason = _no_bytecode()
    if reason:
        left_out["bytecode"] = reason
    selected = session.posargs
    # Tests start hundreds of processes: each would compile all that it imports
    session.env["PYTHONDONTWRITEBYTECODE"] = ""
    # Compiled for one source and trusted for no other: what a session before this one compiled need not be compiled again
    session.env["NUMBA_CACHE_DIR"] = str(KERNELS)
    session.run("coverage", "erase")
    # Files in the order of testpaths, not those of many tests first: some of few tests take longest
    workers = ("-n", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder")
    # Before pytest: its plugins import the packages that are measured
    session.run("coverage", "run", "-m", "pytest", *workers, f"--junit-xml={TESTS}", "-q", *selected)
    session.run("coverage", "combine", "--quiet")
    if not selected:
        session.run("coverage", "json", "--quiet", "-o", str(COVERAGE))
        session.run("python", "-m", "scripts.coverage_floor", str(COVERAGE))


@nox.session
def changelog(session: nox.Session) -> None:
    """Does the next release's page come out of changes/?"""
    session.run("towncrier", "build", "--draft", "--version", "next")


@nox.session(default=False)
def bytecode(session: nox.Session) -> None:
    """Runs the tests against real contracts alone; they need node once, to install the contracts."""
    reason = _no_bytecode()
    if reason and shutil.which("npm"):
        with session.chdir(CONTRACTS):
            session.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        reason = None
    if reason:
        left_out["bytecode"] = reason
        session.skip(reason)
    session.run("pytest", "-q", "-m", "bytecode", *session.posargs)


@nox.session(default=False)
def heavy(session: nox.Session) -> None:
    """Runs the tests that take minutes alone: thousands of random markets, whole recordings, every update of ten thousand."""
    session.run("pytest", "-q", "-m", "heavy", *session.posargs)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Kills runs with real money on the simulated chain, 500 times unless `-- N` says otherwise, and compares books and chain."""
    session.run("python", "-m", "tests.faults.live_kills", *session.posargs)


@nox.session(default=False)
def soak(session: nox.Session) -> None:
    """Trades 24 simulated hours with real money while everything fails, twice with one seed; `-- HOURS SEED`: so many, another seed."""
    session.run("python", "-m", "tests.faults.soak", *session.posargs)


@nox.session(default=False)
def isolated(session: nox.Session) -> None:
    """Runs the tests of each lib and plugin with nothing installed but what it declares."""
    paths = [path for pattern in PACKAGES for path in sorted(ROOT.glob(f"{pattern}/pyproject.toml"))]
    folders = {_name(path): path.parent.relative_to(ROOT).as_posix() for path in paths}
    unknown = sorted(set(session.posargs) - set(folders))
    if unknown:
        session.error(f"no lib or plugin is named {', '.join(unknown)}; there are {', '.join(folders)}")
    for name in session.posargs or folders:
        session.run("uv", "run", "--isolated", "--package", name, "pytest", "-q", f"{folders[name]}/tests")


@nox.session(default=False)
def pins(session: nox.Session) -> None:
    """Resolves the workspace and writes every version into pyproject.toml; `-- --upgrade`: the newest."""
    session.run("python", "-m", "scripts.pins", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measures what docs/benchmarks.md tells and writes its tables, in about nine minutes; `-- search scan`: only these."""
    known = sorted(path.stem.removeprefix("bench_") for path in ROOT.glob("benchmarks/bench_*.py"))
    unknown = sorted(set(session.posargs) - set(known))
    if unknown:
        session.error(f"no benchmark is named {', '.join(unknown)}; there are {', '.join(known)}")
    # Nothing fails for being slow
    session.run("python", "-m", "benchmarks.write", *session.posargs)


def _name(pyproject: Path) -> str:
    return str(nox.project.load_toml(pyproject)["project"]["name"])


def _no_bytecode() -> str | None:
    """Tells why the tests against real contracts cannot run, or None where they can."""
    if "TIDEMILL_NPM" in os.environ or (CONTRACTS / "node_modules").is_dir():
        return None
    remedy = "`nox -s bytecode` installs the contracts" if shutil.which("npm") else "install nodejs and npm"
    return f"tests/npm/node_modules is absent: {remedy}"


@atexit.register
def _close() -> None:
    # nox prints its own table last; what is said here stands below it
    if ran or left_out:
        lanes = [f"{lane}: {reason}" for lane, reason in left_out.items()]
        subprocess.run([sys.executable, "-m", "scripts.lanes", "".join(ran), *lanes], cwd=ROOT, check=False)
