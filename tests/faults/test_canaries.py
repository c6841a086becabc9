"""Secrets that everybody would recognise: after everything that touches them was done, none stands in any place where it could be left."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import LEAN, Forks, Tidemill
from tests.faults.canary_search import hits, spellings
from tests.faults.canary_stand import ACME, METADATA, TOKEN, Gathered, everything, gathered

SAFETY = Path(__file__).parents[2] / "docs" / "safety.md"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Iterator[Gathered]:
    """A whole stand, driven once."""
    with pytest.MonkeyPatch.context() as patch:
        yield gathered(tmp_path_factory.mktemp("canaries"), patch, forks)


def test_no_place_holds_a_secret(found: Gathered) -> None:
    """0 hits: neither keys, nor the passphrase, nor a plugin's secret, in any spelling, anywhere."""
    places = everything(found)
    for kind, contents in sorted(found.places.items()):
        sys.stdout.write(f"{kind}: {len(contents)} places, {sum(map(len, contents.values()))} bytes\n")

    assert 5 == len(found.canaries)
    assert [] == sorted(map(str, hits(found.canaries, places)))


def test_every_kind_of_place_was_looked_into_and_is_documented(found: Gathered) -> None:
    """Nothing is 0 because nothing was there: each kind holds something, and docs/safety.md lists it."""
    documented = SAFETY.read_text("utf-8")
    kinds = {
        "output of commands", "output of runs", "output of the signer", "argument lists", "environments", "stacks with local variables",
        "objects, as text and pickled", "ledger", "ledger and its log, of a run that was killed", "tapes", "keystore and audit trail",
        "temporary files", "plugins with their bytecode", "other files",
    }  # fmt: skip

    assert kinds == set(found.places)
    assert [] == [kind for kind, contents in found.places.items() if not any(contents.values()) and kind != "temporary files"]
    assert [] == [kind for kind in sorted(kinds) if f"* {kind}" not in documented]
    stacks = b"".join(found.places["stacks with local variables"].values())
    assert all(frame in stacks for frame in (b"in sign", b"in unseal", b"in take", b"secret = SecretBytes", b"passphrase = SecretBytes"))
    assert b"KeyRing" in b"".join(found.places["objects, as text and pickled"].values())
    assert any(name.endswith("-wal") for name in found.places["ledger and its log, of a run that was killed"])
    assert b"[redacted]" in b"".join(found.places["output of runs"].values())


def test_signer_leaves_no_core_file(found: Gathered) -> None:
    """The system writes no core file of it, and no process of its user may look into its memory."""
    (line,) = (line for line in found.limits.splitlines() if line.startswith("Max core file size"))

    assert ["0", "0"] == line.split()[4:6]
    assert "0" == found.dumpable


@pytest.mark.parametrize("name", list(spellings(b"\x00\xff\x10" * 10 + b'"\n')))
def test_search_finds_a_secret_in_each_spelling(name: str) -> None:
    """Written in any of the ways that are looked for, in the middle of anything else."""
    secret = b"\x00\xff\x10" * 10 + b'"\n'
    content = b"some text before " + spellings(secret)[name] + b" and behind"

    assert name in [hit.spelling for hit in hits({"key": secret}, {"a place": content, "another": b"nothing"})]
    assert {"a place"} == {hit.place for hit in hits({"key": secret}, {"a place": content, "another": b"nothing"})}


def test_plugin_that_leaks_on_purpose_is_found(tidemill: Tidemill, tmp_path: Path) -> None:
    """The same search over what a run leaves: a plugin that writes its secret down in each spelling is caught with each of them."""
    site = tmp_path / "site"
    (site / "acme-1.0.dist-info").mkdir(parents=True)
    (site / "acme-1.0.dist-info" / "METADATA").write_text(METADATA)
    (site / "acme-1.0.dist-info" / "entry_points.txt").write_text("[tidemill.strategy.v1]\nacme = acme\n")
    leak = (
        f"import sys; sys.path.append({str(Path(__file__).parents[2])!r}); from tests.faults.canary_search import spellings; "
        "sys.stderr.buffer.write(b'\\n'.join(spellings(token.encode()).values()) + b'\\n')"
    )
    (site / "acme.py").write_text(ACME.replace("        structlog.get_logger", f"        {leak}\n        structlog.get_logger", 1))
    config = tmp_path / "tidemill.toml"
    assert 0 == tidemill("config", "init", env=LEAN).code
    config.write_text(config.read_text("utf-8") + '\n[strategies.acme]\ntoken = "env:ACME_TOKEN"\n', "utf-8")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("tidemill")), "run", "--blocks", "2", "--speed", "max"],
        cwd=tmp_path,
        env={**__import__("os").environ, **LEAN, "PYTHONPATH": str(site), "ACME_TOKEN": TOKEN},
        capture_output=True,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert set(spellings(TOKEN.encode())) == {hit.spelling for hit in hits({"token": TOKEN.encode()}, {"standard error": done.stderr})}
