"""What a ledger keeps beside a run, whoever wrote it."""

import json
from typing import Any

import pytest

from tidemill.api.header import LedgerHeader, header_of
from tidemill.domain.asset import Asset
from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId
from tidemill.hookspecs.store import RunInfo

SIM, ETH = ChainId("sim:1"), AssetId("sim:1/slip44:60")


def header(told: Any) -> LedgerHeader:
    return header_of(RunInfo(1, "", "", told if isinstance(told, str) else json.dumps(told), 0, ""))


@pytest.mark.parametrize("told", ["", "no json", "[]", {"assets": {ETH: ["ETH"]}}, {"assets": 3, "chains": "x", "config": {"books": [1]}}])
def test_header_that_tells_nothing_is_empty(told: Any) -> None:
    """What cannot be read is not there; nothing is made up."""
    found = header(told)
    assert ((), {}, {}) == (found.chains, dict(found.assets), dict(found.bases))


def test_header_of_an_older_version_has_the_coin_among_its_assets() -> None:
    """It wrote down no native coins: the one asset of the chain that is one."""
    found = header({"chains": [SIM], "assets": {ETH: ["ETH", 18]}})
    assert {SIM: ETH} == dict(found.natives)


def test_header_names_accounts_bases_and_coins() -> None:
    """As a run wrote them."""
    books = [{"id": MAIN_BOOK, "accounts": {SIM: "0xa"}}]
    found = header({"mode": "live", "chains": [SIM], "natives": {SIM: "x"}, "bases": {MAIN_BOOK: ETH}, "config": {"books": books}})

    assert ("live", {SIM: "x"}, {MAIN_BOOK: ETH}, {(MAIN_BOOK, SIM): "0xa"}) == (found.mode, found.natives, found.bases, found.accounts)
    assert {ETH: Asset(ETH, "ETH", 18)} == dict(header({"assets": {ETH: ["ETH", 18]}}).assets)
