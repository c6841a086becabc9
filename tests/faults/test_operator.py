"""What an operator asks at three in the morning of a run with real money, and of what one that was killed left behind."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands import Ended, run_fresh
from tests.faults.live_kills import KILL_AT, NATIVE, POINTS
from tests.faults.live_stand import Stand, live_stand


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with live_stand(tmp_path_factory.mktemp("stand")) as made:
        status, _, err = made.run("--blocks", "12")
        assert status == 0, err
        yield made


def told(stand: Stand, *command: str) -> Any:
    """What a command says as JSON."""
    ran = run_fresh(*command, "--json", cwd=stand.folder)
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def said(stand: Stand, *command: str) -> Ended:
    return run_fresh(*command, cwd=stand.folder)


def on_chain(stand: Stand) -> dict[str, int]:
    """What the chain's own account holds, by asset."""
    view = stand.chain.account(stand.account)
    held = {f"sim:1/erc20:{address}": amount for address, amount in view.tokens} | {NATIVE: view.native}
    return {asset: amount for asset, amount in held.items() if amount}


def held(found: Any) -> dict[str, int]:
    return {one["asset"]: int(one["held"]) for one in found["holdings"] if int(one["held"])}


def killed(stand: Stand, point: str, count: int = 1) -> None:
    """Let a run be killed at a named point of an intent's way."""
    module, name, when = POINTS[point]
    status, out, err = stand.run("--blocks", "40", first=KILL_AT.format(module=module, name=name, when=when, count=count))
    assert status == -9, (status, out, err)
