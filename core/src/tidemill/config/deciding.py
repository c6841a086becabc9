"""What of a configuration decides: two runs of the same are two tries of one thing."""

import hashlib
import json
from typing import Any

from tidemill.config.model import Config
from tidemill.config.text import config_to_json

KINDS = ("chain", "price", "dex", "lender", "search", "strategy", "risk")
"""The kinds of plugins whose settings decide what is traded. Where rows are kept, who is told and who signs do not."""
_OF_A_BOOK = ("id", "base", "strategies")


def deciding_digest(config: Config) -> str:
    """Return the sha256 of all that decides: plugins that see the market, find, limit and plan, books, assets, execution.

    Left out: mode, seed, speed, folder, signer, notifiers and stores; accounts and capital of books, since with real money the chain says
    what there is; what is not enabled; and settings of ``[execution]`` that have their default.
    """
    found = json.loads(config_to_json(config), parse_float=str)
    standard = json.loads(config_to_json(Config()), parse_float=str)["execution"]
    same = {
        "assets": found["assets"],
        "books": [{name: book[name] for name in _OF_A_BOOK} for book in found["books"]],
        "execution": {name: value for name, value in found["execution"].items() if value != standard[name]},
        "strategy_priorities": found["strategy_priorities"],
        "tables": [_deciding(table) for table in found["tables"] if table["enabled"] and table["kind"] in KINDS],
    }
    return hashlib.sha256(json.dumps(same, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _deciding(table: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in ("enabled", "isolation", "memory_mb")}
