"""What stands between a run and real money, end to end: a real signer, a chain that lives in a node, and runs that are let in or not."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.faults.live_judge import judged
from tests.faults.live_stand import Stand, live_stand, wait_until
from tidemill.api.doctor import Diagnosis, doctor
from tidemill.api.ledger import open_ledger
from tidemill.api.live import asking_chains
from tidemill.api.run import RunOptions, run
from tidemill.cli.doctor import command
from tidemill.domain.finding import Finding
from tidemill.domain.intent import IntentState
from tidemill.errors import UsageError
from tidemill.pipeline import writer
from tidemill_chain_sim.rules import SimRules

HOURS = timedelta(hours=25)


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    """A stand whose folder is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEMILL__DATA", raising=False)
    with live_stand(tmp_path) as found:
        yield found


def trail(stand: Stand, *events: str) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in (stand.folder / "keys" / "audit.log").read_text("utf-8").splitlines()]
    return [entry for entry in entries if entry["event"] in events]


def header(stand: Stand, number: int) -> dict[str, Any]:
    with open_ledger(stand.folder / "data") as ledger:
        found: dict[str, Any] = json.loads(ledger.run(number).header)
    return found


def wrong(found: Diagnosis) -> list[Finding]:
    return [one for one in found.findings if one.severity == "error"]


def live(blocks: int = 3, *, without: bool = False) -> None:
    run("tidemill.toml", RunOptions(live=True, blocks=blocks, without_paper_hours=without), notifiers=[])


def refusal() -> str:
    with pytest.raises(UsageError) as caught:
        live()
    return str(caught.value)


def test_doctor_live_looks_at_everything_and_touches_nothing(stand: Stand) -> None:
    """Every subject is there; no account is leased, nothing is signed, no ledger is made."""
    found = doctor(live=True)
    live()
    again = doctor(live=True)

    assert [] == wrong(found)
    assert found.sound
    assert again.sound
    subjects = [one.subject for one in found.findings]
    asked = ["mode", "risk", "policy", "emergency stop", "durable", "codecs", "keystore", "signer", "sim:1", "sim:1", "paper hours"]
    assert asked == [subject for subject in subjects if subject in asked]
    assert "open intents" in subjects
    assert ["lease", "signed"] == [entry["event"] for entry in trail(stand, "lease", "signed")][:2]
    assert 1 == len(trail(stand, "lease"))


def test_run_refuses_what_doctor_live_finds_and_says_the_same(stand: Stand) -> None:
    """A signer of another policy, keys that others can read, an account without coins: all in one go, by both."""
    path = stand.folder / "tidemill.toml"
    whole = path.read_text("utf-8")
    path.write_text(whole.replace('max_fee = "1"', 'max_fee = "2"'), "utf-8")
    (stand.folder / "keys" / "main.json").chmod(0o640)
    found = wrong(doctor(live=True))
    said = refusal()

    assert ["keystore", "signer"] == [one.subject for one in found]
    assert ["live trading does not start:", *(f"{one.message}: {one.remedy}" for one in found)] == said.splitlines()[:-1]
    assert "`tidemill doctor --live` looks at all of it again" == said.splitlines()[-1]
    assert [] == trail(stand, "lease", "signed")
    (stand.folder / "keys" / "main.json").chmod(0o600)
    path.write_text(whole, "utf-8")
    live()


def test_doctor_live_command_fails_where_a_run_would(stand: Stand) -> None:
    """Exit code 1 and JSON with the findings; a configuration that cannot be read hides none of it."""
    path = stand.folder / "tidemill.toml"
    path.write_text(path.read_text("utf-8").replace('mode = "live"', 'mode = "paper"'), "utf-8")
    done = CliRunner().invoke(command, ["--live", "--json"])
    found = json.loads(done.output)
    path.write_text("mode = [", "utf-8")
    broken = doctor(live=True)

    assert (1, False) == (done.exit_code, found["sound"])
    assert [('mode is "paper"', True)] == [(one["message"], bool(one["remedy"])) for one in found["findings"] if one["severity"] == "error"]
    assert ["configuration", "live"] == [one.subject for one in wrong(broken)]


def test_doctor_live_without_signer_codec_or_answer_says_which(stand: Stand) -> None:
    """No [signer]; a policy that nobody reads; a node that is gone: each is named, and the rest is looked at."""
    path = stand.folder / "tidemill.toml"
    whole = path.read_text("utf-8")
    path.write_text(whole[: whole.index("[signer]")], "utf-8")
    unsigned = wrong(doctor(live=True))
    path.write_text(whole.replace("[codecs.sim]", "[codecs.sim]\nenabled = false"), "utf-8")
    unread = wrong(doctor(live=True))
    path.write_text(whole, "utf-8")
    stand.node.kill()
    silent = wrong(doctor(live=True))
    stand.signer.kill()
    stand.signer.wait()
    alone = wrong(doctor(live=True))

    assert [("policy", "no [signer] says what may be signed")] == [(one.subject, one.message) for one in unsigned]
    assert ["codecs"] == [one.subject for one in unread]
    assert ["sim:1"] == [one.subject for one in silent]
    assert ["signer", "sim:1"] == [one.subject for one in alone]


class Clock:
    """The wall clock of a run: its start and its end are so far apart."""

    def __init__(self) -> None:
        self._moments = iter((datetime.now(UTC) - HOURS - timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)))

    def __call__(self) -> str:
        return next(self._moments).isoformat(timespec="seconds")


def test_chain_of_worth_is_traded_on_after_a_day_on_paper_alone(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused without; let in with the option, which stands in trail and ledger; let in by itself after the hours."""
    monkeypatch.setattr(SimRules, "play_money", False)
    # The simulated chain's clock is its own
    monkeypatch.setattr(asking_chains, "OLD_S", 10**12)
    monkeypatch.setattr(asking_chains, "AHEAD_S", 10**12)
    needed = "0.0 h in 0 runs of this configuration are in the ledger, 24 h are needed"
    assert needed in refusal()
    assert [needed] == [one.message for one in wrong(doctor(live=True))]
    assert [] == trail(stand, "lease", "signed", "gate-overridden")
    live(without=True)
    (noted,) = trail(stand, "gate-overridden")
    paper = stand.folder / "paper.toml"
    paper.write_text((stand.folder / "tidemill.toml").read_text("utf-8").replace('mode = "live"', 'mode = "paper"'), "utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(writer, "_now", Clock())
        run(paper, RunOptions(blocks=3), notifiers=[])
    live()

    assert "--without-paper-hours: 0.0 h in 0 runs of 24 h on paper" == noted["fields"]["text"]
    assert noted["fields"]["owner"].startswith("tidemill run, process ")
    assert [
        {"required": 24, "found_s": 0, "waived": True},
        None,
        {"required": 24, "found_s": int(HOURS.total_seconds()), "waived": False},
    ] == [header(stand, number).get("paper_hours") for number in (1, 2, 3)]
    assert 1 == len({header(stand, number)["deciding"] for number in (1, 2, 3)})
    assert 1 == len(trail(stand, "gate-overridden"))


def test_option_without_real_money_is_a_usage_error(stand: Stand) -> None:
    """It may be a slip of somebody who wanted the other thing."""
    with pytest.raises(UsageError, match="--without-paper-hours is for runs with real money alone"):
        run("tidemill.toml", RunOptions(blocks=3, without_paper_hours=True), notifiers=[])
    status, said = stand.command("run", "--without-paper-hours", "--blocks", "3")

    assert (2, True) == (status, "--without-paper-hours is for runs with real money alone: add --live" in said)


def test_plan_above_the_policy_is_refused_by_the_signer_although_risk_lets_it_pass(stand: Stand) -> None:
    """Nothing moves: the trail has every refusal, the ledger who refused, the chain no transaction."""
    path = stand.folder / "tidemill.toml"
    path.write_text(path.read_text("utf-8").replace('per_transaction = "1_000_000_000"', 'per_transaction = "0.000001"'), "utf-8")
    stand.restart_signer()
    live(blocks=6)
    refused = trail(stand, "refused")
    with open_ledger(stand.folder / "data") as ledger:
        figures = ledger.statement()

    assert {"spend"} == {entry["fields"]["rule"] for entry in refused}
    assert figures.refused_by["signer"] > 0
    assert (0, {}) == (figures.fills, figures.cost)
    assert {IntentState.DEAD} == {one.state for one in stand.booked().intents}
    assert ((), []) == (stand.chain.statement(stand.account), trail(stand, "signed"))


def test_resume_without_a_cause_lets_nothing_go_on(stand: Stand) -> None:
    """Neither on a folder without a run nor for a run that starts: what was stopped, and what is missing, is said."""
    (stand.folder / "data").mkdir()
    assert 0 == stand.command("stop", "--now", "--cause", "a drill", "--data", "data")[0]
    kept = (stand.folder / "data" / "stopped.json").read_bytes()
    for cause in ((), ("--cause", ""), ("--cause", "  ")):
        status, said = stand.command("resume", *cause, "--data", "data")
        assert (1, True) == (status, "stopped by command: a drill; say why it may go on with --cause TEXT" in said), said
    assert "stopped by command" in refusal()
    assert kept == (stand.folder / "data" / "stopped.json").read_bytes()
    assert 0 == stand.command("resume", "--cause", "the drill is over", "--data", "data")[0]
    live()


def wait_for(stand: Stand, event: str, more_than: int) -> None:
    until = time.monotonic() + 60
    while len(trail(stand, event)) <= more_than:
        assert time.monotonic() < until, f"no more than {more_than} entries {event}"
        time.sleep(0.1)


def test_run_outlives_its_signer(stand: Stand) -> None:
    """Killed in the middle and started again: the same run signs on with a new lease, and the books are the chain's."""
    out = stand.folder / "out"
    process = stand.start_writing(out, "--for", "90s")
    wait_for(stand, "signed", 3)
    stand.restart_signer()
    before = len(trail(stand, "signed"))
    wait_for(stand, "signed", before + 3)
    process.terminate()
    status = process.wait(60)
    leases = trail(stand, "lease")
    tally = judged(stand, 0)

    assert status == 0, out.read_text("utf-8")[-500:]
    assert [1, 2] == [entry["fields"]["token"] for entry in leases]
    assert 1 == len({entry["fields"]["owner"] for entry in leases})
    assert tally.clean, str(tally)


def test_rotated_key_lets_what_is_out_settle_and_signs_nothing_more(stand: Stand) -> None:
    """Rotated under a run: its plans are refused with the new address, what it sent is booked; a run on the new account goes on."""
    out = stand.folder / "out"
    process = stand.start_writing(out, "--for", "90s")
    wait_for(stand, "signed", 3)
    assert 0 == stand.command("keys", "rotate", "main", "--keystore", "keys", "--passphrase-file", "pass")[0]
    wait_for(stand, "refused", 1)
    process.terminate()
    status = process.wait(60)
    (opened,) = trail(stand, "key-opened")
    refused = trail(stand, "refused")[0]["fields"]
    booked = stand.booked()
    on_chain = {entry.tx for entry in stand.chain.statement(stand.account)}
    new = refused["reason"].rpartition("its account is ")[2].removesuffix(" now")
    path = stand.folder / "tidemill.toml"
    path.write_text(path.read_text("utf-8").replace(stand.account, new), "utf-8")
    live(blocks=20)

    assert status == 0, out.read_text("utf-8")[-500:]
    assert ("main", 2) == (opened["fields"]["name"], opened["fields"]["version"])
    assert "account" == refused["rule"]
    assert refused["reason"].startswith(f"key main of sim:1 was rotated: {stand.account} signs nothing more")
    assert on_chain == {one.tx for one in booked.intents if one.state in (IntentState.SEEN, IntentState.FINAL, IntentState.REVERTED)}
    assert new == trail(stand, "signed")[-1]["fields"]["account"]


def test_stops_and_resumes_stand_in_the_audit_trail_with_their_causes(stand: Stand) -> None:
    """Without a run the command hands them to the signer that answers; beside one the run does; a resume without a cause too."""
    done = [stand.command("stop", "--now", "--cause", "a drill", "--data", "data"), stand.command("resume", "--data", "data")]
    done.append(stand.command("resume", "--cause", "the drill is over", "--data", "data"))
    process = stand.start_writing(stand.folder / "out", "--blocks", "100000")
    wait_until(lambda: stand.command("status", "--data", "data")[0] == 0, stand.folder / "out")
    done += [stand.command("stop", "--now", "--cause", "gas is dear", "--data", "data"), stand.command("resume", "--data", "data")]
    wait_until(lambda: len(trail(stand, "stopped", "resumed", "resume-refused")) == 5, stand.folder / "out")
    process.kill()
    process.wait()
    noted = [(entry["event"], entry["fields"]["text"].partition(" ")[2]) for entry in trail(stand, "stopped", "resumed", "resume-refused")]

    assert [0, 1, 0, 0, 1] == [code for code, _ in done], done
    assert [
        ("stopped", "by command: a drill"),
        ("resume-refused", "no cause was given; stopped by command: a drill"),
        ("resumed", "the drill is over; stopped by command: a drill"),
        ("stopped", "by command: gas is dear"),
        ("resume-refused", "no cause was given; stopped by command: gas is dear"),
    ] == noted
    assert 0 == stand.command("audit", "verify", "keys/audit.log")[0]
