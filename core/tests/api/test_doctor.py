"""The doctor: what is fine is one short line, what is wrong has its remedy, and nothing that it asks can end or hold it up."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tidemill.api import config as api_config
from tidemill.api import doctor as looking
from tidemill.api import ledger as api_ledger
from tidemill.api.diagnosis import packages as installed
from tidemill.api.diagnosis.folder import config_rights
from tidemill.api.doctor import doctor
from tidemill.api.run import RunOptions, run
from tidemill.discovery.scan import find_plugins
from tidemill.domain.finding import Finding

Install = Callable[..., Path]
SOURCE = """
import sys, time
from tidemill import Finding, Strategy, hookimpl


class Lag(Strategy):
    name = "lag"

    def find_opportunities(self, snapshot):
        yield from ()

    async def diagnose(self):
        {body}


@hookimpl
def tidemill_register_strategies():
    return [Lag]
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test looks at an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in [name for name in os.environ if name.startswith("TIDEMILL__")]:
        monkeypatch.delenv(name)


def wrong(findings: tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    return [(finding.subject, finding.severity, finding.message) for finding in findings if finding.severity != "ok"]


def about(findings: Iterable[Finding], subject: str) -> Finding:
    (found,) = [finding for finding in findings if finding.subject == subject]
    return found


def test_doctor_default_configuration_is_sound() -> None:
    """Where nothing is wrong every line is ok, has no remedy, and the folder is left as it was."""
    found = doctor()

    assert (True, []) == (found.sound, wrong(found.findings))
    assert all(finding.remedy == "" for finding in found.findings)
    assert {"python", "clock", "open files", "tidemill", "configuration", "plugins", "data folder", "disk"} == {
        finding.subject for finding in found.findings
    }
    assert [] == list(Path().iterdir())


def test_doctor_after_a_run_verifies_its_ledger() -> None:
    """The newest run is verified; a row that was altered is told."""
    run(options=RunOptions(blocks=3, speed="max"), notifiers=[])
    sound = doctor()
    database = Path("tidemill-data/ledger.db")
    database.write_bytes(b"no database at all, but of some length")
    for name in ("-wal", "-shm"):
        Path(f"{database}{name}").unlink(missing_ok=True)
    broken = doctor()

    assert (True, "1 run in tidemill-data, the newest is sound") == (sound.sound, about(sound.findings, "ledger").message)
    assert (False, "error") == (broken.sound, about(broken.findings, "ledger").severity)
    assert "keep a copy" in about(broken.findings, "ledger").remedy


def test_doctor_wrong_configuration_tells_every_problem_and_looks_on() -> None:
    """A configuration that is wrong hides nothing else: each problem with its place, then folder and disk as before."""
    Path("tidemill.toml").write_text('mode = "papre"\ndata = "books"\n[chains.sim]\n[dex.uniswap]\nmax_slipage_bps = 1\n')

    found = doctor()
    told = [finding.message for finding in found.findings if finding.subject == "configuration"]

    assert not found.sound
    assert ["tidemill.toml:1 $.mode", "tidemill.toml:5 $.dex.uniswap.max_slipage_bps"] == [message.partition(": ")[0] for message in told]
    assert about(found.findings, "data folder").message == "books, which a run makes"


def test_doctor_configuration_that_cannot_be_read_is_told_once() -> None:
    """What is no TOML, or is not there, is one error."""
    Path("tidemill.toml").write_text("mode = [")

    assert ["configuration"] == [subject for subject, _, _ in wrong(doctor().findings)]
    assert ["no-such.toml $: there is no such file; `tidemill config init` writes one"] == [
        message for _, _, message in wrong(doctor("no-such.toml").findings)
    ]


# Python 3.11 may fail to start a thread under coverage while another one starts: nothing of ours
@pytest.mark.filterwarnings("ignore:Exception ignored in thread started by:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("body", "severity", "message"),
    [
        ('return [Finding("rpc", "warning", "400 ms away", "choose a nearer one")]', "warning", "400 ms away"),
        ('raise RuntimeError("boom")', "error", "diagnose() raised RuntimeError: boom"),
        ("sys.exit(3)", "error", "diagnose() raised SystemExit: 3"),
        ('raise __import__("tidemill").UsageError("no rpc")', "error", "diagnose() raised UsageError: no rpc"),
        ("return 7", "error", "diagnose() gave 7, expected a list of findings"),
        ("return [7]", "error", "diagnose() gave [7], expected a list of findings"),
        ("time.sleep(30)", "error", "did not answer within 1 s (acme-lag)"),
        ('await __import__("anyio").sleep(30)', "error", "did not answer within 1 s (acme-lag)"),
    ],
)
def test_doctor_plugin_is_asked_apart_and_bounded(body: str, severity: str, message: str, install: Install) -> None:
    """What a plugin finds is told under its name; one that raises, lies, ends or hangs costs only itself."""
    install("acme-lag", "acme_lag", SOURCE.format(body=body))
    Path("tidemill.toml").write_text("[chains.sim]\n[strategies.lag]\n")

    found = doctor(timeout_s=1)
    told = [finding for finding in found.findings if finding.subject.startswith("strategies.lag")]

    assert [(severity, message)] == [(finding.severity, finding.message) for finding in told]
    assert found.sound == (severity == "warning")
    assert told[0].remedy
    assert "5 of 6" in about(found.findings, "plugins").message


def test_doctor_broken_entry_point_of_an_enabled_plugin_is_told(install: Install) -> None:
    """An enabled plugin that cannot be imported is an error; one that is only installed is left alone."""
    install("acme-lag", "acme_lag", "raise OSError('no library')")
    install("acme-more", "acme_more", "raise SystemExit", names=("more",))
    Path("tidemill.toml").write_text("[chains.sim]\n[strategies.lag]\n")

    found = doctor()

    assert 1 == len(wrong(found.findings))
    assert "cannot import acme_lag: OSError: no library (acme-lag)" in about(found.findings, "configuration").message
    assert "acme_more" not in sys.modules


def test_doctor_interface_owners_and_bounds_are_errors_where_enabled(install: Install) -> None:
    """A refused interface, two owners and bounds that do not hold only warn while nothing needs them."""
    install("acme-old", "acme_old", "", names=("old",), interface=7)
    site = install("acme-one", "acme_one", "", names=("twin",))
    install("acme-two", "acme_two", "", names=("twin",))
    metadata = site / "acme_one-1.2.3.dist-info" / "METADATA"
    metadata.write_text(
        "Metadata-Version: 2.1\nName: acme-one\nVersion: 1.2.3\nRequires-Dist: tidemill<0.1\nRequires-Dist: acme-nothing>=1\n"
        "Requires-Dist: acme-extra; extra == 'x'\nRequires-Dist: attrs\n\n"
    )
    shutil.copytree(site / "acme_two-1.2.3.dist-info", site / "acme_two-1.2.2.dist-info")
    found = find_plugins()
    loose = list(installed.packages(found, set()))
    strict = list(installed.packages(found, {"strategies.old", "strategies.twin"}))

    told = [(finding.subject, finding.message) for finding in loose if finding.severity == "warning"]
    assert [
        (
            "strategies.old",
            "is made for version 7 of the strategy interface, this tidemill supports version 1: install a newer acme-old (acme-old)",
        ),
        ("strategies.twin", "has 2 owners: acme-one 1.2.3 and acme-two 1.2.3"),
        ("acme-one", "needs tidemill<0.1, installed is 0.1.0"),
        ("acme-one", "needs acme-nothing>=1, which is not installed"),
        ("acme-two", "2 copies are installed, 1.2.3 is the one that counts"),
    ] == [(subject, message.replace("a newer tidemill", "a newer acme-old")) for subject, message in told]
    assert [
        ("strategies.old", "error"),
        ("strategies.twin", "error"),
        ("acme-one", "error"),
        ("acme-one", "error"),
        ("acme-two", "warning"),
    ] == [(finding.subject, finding.severity) for finding in strict if finding.severity != "ok"]
    assert all(finding.remedy for finding in strict if finding.severity != "ok")


def test_doctor_missing_plugin_of_ours_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not installed is told once, with the command that installs it; a store that is missing is no damaged ledger."""
    run(options=RunOptions(blocks=2, speed="max"), notifiers=[])
    left = tuple(plugin for plugin in find_plugins() if plugin.kind != "store")
    for module in (looking, api_config, api_ledger):
        monkeypatch.setattr(module, "find_plugins", lambda: left)

    found = doctor()

    assert [("configuration", "`tidemill plugins install stores.sqlite`; all that the default names: pip install 'tidemill[starter]'")] == [
        (finding.subject, finding.remedy) for finding in found.findings if finding.severity != "ok"
    ]


def test_doctor_fault_of_a_plugin_is_put_to_its_author(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that cannot be built are no slip in the configuration: the remedy is not to mend the file."""
    monkeypatch.chdir(tmp_path)
    source = SOURCE.format(body="return ()").replace('name = "lag"', 'name = "lag"\n    settings: "Nothing"')
    install("acme-lag", "acme_lag", source)
    config = api_config.write_default_config()
    config.write_text(config.read_text() + "\n[strategies.lag]\n")

    told = [finding for finding in doctor(config).findings if finding.severity == "error"]

    assert ["tell the author of acme-lag, with this line; enabled = false in [strategies.lag] goes on without it"] == [
        finding.remedy for finding in told
    ]
    assert "its settings annotation cannot be resolved: name 'Nothing' is not defined" in told[0].message


def test_doctor_configuration_that_everybody_may_write_is_a_warning(tmp_path: Path) -> None:
    """Whoever may change the file says what is traded; what cannot be read, or is no file, is told by what reads it."""
    config = tmp_path / "tidemill.toml"
    config.write_text("")
    config.chmod(0o666)
    loose = list(config_rights(config))
    config.chmod(0o644)

    assert [("warning", f"chmod o-w {config}")] == [(finding.severity, finding.remedy) for finding in loose]
    assert [[], [], []] == [list(config_rights(path)) for path in (config, tmp_path / "nothing", Path("/dev/null"))]
    config.chmod(0o666)
    assert ("configuration", "warning") in {(finding.subject, finding.severity) for finding in doctor(config).findings}


@pytest.mark.parametrize("impostor", ["aa-impostor", "zz-impostor"])
def test_doctor_has_the_one_go_that_took_a_name_of_ours(impostor: str, install: Install) -> None:
    """Of two owners of a built-in's name it is the other that is to be uninstalled, whichever comes first."""
    install(impostor, impostor.replace("-", "_"), "", names=("spatial",))
    found = [one.remedy for one in installed.packages(find_plugins(), set()) if one.subject == "strategies.spatial"]

    assert [f"`tidemill plugins uninstall {impostor}`, or another of them"] == found
