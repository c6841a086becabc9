"""What a ledger keeps beside a run, read back: names of assets, accounts of books, the coins that chains charge."""

import json
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.hookspecs.store import RunInfo

COIN = "/slip44:"


@frozen
class LedgerHeader:
    """The header of one run; what it does not tell is empty."""

    mode: str = ""
    chains: tuple[ChainId, ...] = ()
    assets: Mapping[AssetId, Asset] = field(factory=dict)
    accounts: Mapping[tuple[BookId, ChainId], str] = field(factory=dict)
    bases: Mapping[BookId, AssetId] = field(factory=dict)
    natives: Mapping[ChainId, AssetId] = field(factory=dict)


def header_of(info: RunInfo) -> LedgerHeader:
    """Return what a run's header tells: ``ledger_header`` of ``tidemill.api.run_facts`` wrote it, this version's or an older one's."""
    try:
        told = json.loads(info.header)
    except ValueError:
        return LedgerHeader()
    if not isinstance(told, dict):
        return LedgerHeader()
    assets = _assets(told.get("assets"))
    chains = tuple(ChainId(str(chain)) for chain in _list(told.get("chains")))
    natives = {ChainId(chain): AssetId(str(asset)) for chain, asset in _dict(told.get("natives")).items()}
    coins = {chain: asset for chain in chains for asset in assets if asset.startswith(chain + COIN)}
    accounts, bases = _books(told)
    return LedgerHeader(str(told.get("mode", "")), chains, assets, accounts, bases, {**coins, **natives})


def _assets(named: object) -> dict[AssetId, Asset]:
    """Return the assets that a header names, by id: ``{id: [symbol, decimals]}``; none where it names none."""
    try:
        found = _dict(named).items()
        return {AssetId(asset): Asset(AssetId(asset), str(symbol), int(decimals)) for asset, (symbol, decimals) in found}
    except (ValueError, TypeError):
        return {}


def _books(told: Mapping[str, Any]) -> tuple[dict[tuple[BookId, ChainId], str], dict[BookId, AssetId]]:
    bases = {BookId(book): AssetId(str(base)) for book, base in _dict(told.get("bases")).items()}
    accounts: dict[tuple[BookId, ChainId], str] = {}
    for book in map(_dict, _list(_dict(told.get("config")).get("books"))):
        for chain, account in _dict(book.get("accounts")).items():
            accounts[BookId(str(book.get("id", ""))), ChainId(chain)] = str(account)
    return accounts, bases


def _dict(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _list(found: object) -> list[Any]:
    return found if isinstance(found, list) else []
