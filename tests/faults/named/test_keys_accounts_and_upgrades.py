"""A key that is rotated or wrong, two instances on one account, and a ledger of an older version: clear words, and nothing twice."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.live_judge import NATIVE, PATIENCE
from tests.faults.live_stand import Stand, live_stand
from tests.faults.named.altered import altered, audit, check_books, included, until, waiting
from tests.faults.named.test_run_that_is_killed import AFTER_BROADCAST, DIE
from tidemill.domain.intent import IntentState

OLD = Path(__file__).parents[3] / "plugins" / "stores" / "sqlite" / "tests" / "ledger_v1.sql"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """One stand for all: each test leaves it with books that are the chain's."""
    with live_stand(tmp_path_factory.mktemp("keys")) as stand:
        yield stand


def test_second_instance_on_the_same_account_with_a_folder_of_its_own(stand: Stand) -> None:
    """The signer signs for one of them: the second is told who has the account, and sends nothing."""
    before = len(included(stand))
    process = stand.start_writing(stand.folder / "said", "--blocks", "4000")
    until(lambda: len(included(stand)) > before, "a trade")
    signed = {fields["owner"] for fields in audit(stand, "signed")}
    status, _, err = stand.run("--blocks", "4", "--data", "other")
    during = len(included(stand))
    until(lambda: len(included(stand)) > during, "a trade of the first, after the second was refused")
    assert stand.kill(process, 0)

    assert 1 == status
    assert f"{stand.account} signs for 'tidemill run, process {process.pid}, data' until that connection closes" in err
    assert "other" not in "".join({fields["owner"] for fields in audit(stand, "signed")} - signed)
    check_books(stand)


def test_second_instance_on_the_same_ledger(stand: Stand) -> None:
    """It is told which process writes the ledger; the first does not notice."""
    before = len(included(stand))
    process = stand.start_writing(stand.folder / "said", "--blocks", "4000")
    until(lambda: len(included(stand)) > before, "a trade")
    status, _, err = stand.run("--blocks", "4")
    during = len(included(stand))
    until(lambda: len(included(stand)) > during, "a trade of the first, after the second was refused")
    assert stand.kill(process, 0)

    assert 1 == status
    assert f"process {process.pid} is writing this ledger" in err
    check_books(stand)


def make_old(ledger: Path) -> None:
    """Make a ledger what version 1 had: no transactions of ours."""
    with closing(sqlite3.connect(":memory:")) as first, closing(sqlite3.connect(ledger)) as made:
        first.executescript(OLD.read_text("utf-8"))
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        before = {name for (name,) in first.execute(query)}
        for name in sorted({name for (name,) in made.execute(query)} - before, reverse=True):
            made.execute(f"DROP TABLE {name}")
        made.execute("PRAGMA user_version=1")
        made.commit()


def test_upgrade_from_an_older_ledger_then_trades_on(stand: Stand) -> None:
    """Its runs and balances are carried on, a copy of it is kept, and a transaction that is open then is settled by the next run."""
    assert 0 == stand.run("--blocks", "12")[0]
    balances = stand.booked().balances
    make_old(stand.folder / "data" / "ledger.db")
    status, _, err = stand.run("--blocks", "60", first=altered({"tidemill_chain_sim.link": AFTER_BROADCAST}, DIE))
    left = [one for one in stand.booked().intents if not one.ended]
    version, said = stand.command("ledger", "verify", "--data", "data", "--json")

    assert -9 == status, err
    assert (stand.folder / "data" / "ledger.db.v1.bak").exists()
    assert 1 == len(left)
    assert (0, True) == (version, json.loads(said)["sound"]), said
    assert balances.keys() <= stand.booked().balances.keys()
    check_old_books(stand)


def check_old_books(stand: Stand) -> None:
    """What the chain holds of us is what the books say, those transactions left out that version 1 did not keep."""
    account, booked = stand.booked().intents[-1].account, stand.booked()
    for _ in range(PATIENCE):
        assert 0 == stand.run("--blocks", "6")[0]
        booked = stand.booked()
        if all(one.ended for one in booked.intents):
            break
    view = stand.chain.account(account)
    held = {NATIVE: view.native, **{f"sim:1/erc20:{token}": amount for token, amount in view.tokens}}

    assert all(one.ended for one in booked.intents)
    assert held == {asset: amount for asset, amount in booked.balances.items() if amount or asset in held}


def test_key_that_is_rotated_while_a_transaction_is_in_flight(stand: Stand) -> None:
    """New orders wait for a configuration that names the new account; what the old key signed settles, and the trail tells of it."""
    status, _, err = stand.run("--blocks", "60", first=altered({"tidemill_chain_sim.link": AFTER_BROADCAST}, DIE))
    (left,) = (one for one in stand.booked().intents if not one.ended)
    assert -9 == status, err
    assert left.tx in [*waiting(stand), *included(stand)]
    rotated, said = stand.command("keys", "rotate", "main", "--keystore", "keys", "--passphrase-file", "pass")
    stand.restart_signer()
    refused, _, words = stand.run("--blocks", "4")
    listed = [json.loads(line) for line in stand.command("keys", "list", "--keystore", "keys", "--json")[1].splitlines()]
    old, new = stand.account, next(str(row["address"]).lower() for row in listed if row["name"] == "main")
    path = stand.folder / "tidemill.toml"
    path.write_text(path.read_text("utf-8").replace(old, new))
    went_on, _, err = stand.run("--blocks", "30")
    booked = stand.booked().intents

    assert 0 == rotated, said
    assert 2 == refused
    assert f"the signer has no key of {old}, which book main pays from on sim:1" in words
    assert 0 == went_on, err
    assert booked[left.number - 1].state in (IntentState.FINAL, IntentState.REVERTED)
    of_plan = [fields["tx"] for fields in audit(stand, "signed") if fields["plan"] == left.plan]
    assert ([left.tx], 1) == (of_plan, included(stand).count(left.tx))
    assert {old, new} == {one.account for one in booked}
    assert [new] == sorted({one.account for one in booked if one.number > left.number})
    assert ["main"] == [fields["name"] for fields in audit(stand, "key-rotated")]
