"""The page of the configuration: the kernel's own tables, and the settings of every plugin in the workspace."""

from collections.abc import Mapping

import attrs

from scripts.docs.markdown import code, one_line, page, prose, table
from scripts.docs.setting import Setting, settings_of
from tidemill.config.model import ExecutionConfig, LiveConfig, PluginTable
from tidemill.config.plugin_tables import DexHead, Head, IsolableHead
from tidemill.config.sections import General
from tidemill.config.signer import ChainTable, SignerTable, SpendTable
from tidemill.discovery.load import load_plugins
from tidemill.discovery.packages import PACKAGES
from tidemill.discovery.scan import find_plugins
from tidemill.hookspecs.kinds import KIND_BY_FOLDER, KINDS, Kind
from tidemill.hookspecs.plugin import Plugin

GENERAL = {
    "mode": '`"paper"` trades with paper money; `"live"` needs `--live` on the command line as well',
    "seed": "seed of everything random: equal seeds give equal markets and equal ledgers",
    "speed": '`"real"`, `"max"`, or so many times as fast as the clock, such as `"4x"`',
    "data": "folder of the ledger; one running instance a folder",
}
EXECUTION = {
    "latency_blocks": "a paper plan fills so many blocks after it was made",
    "patience_blocks": "and stays valid so many blocks longer",
    "overlay_blocks": "our own paper swap stops counting so many blocks after others first moved its pool",
    "stacking": "plan on top of our own plans in flight; false rejects what touches their pools",
    "max_failures": "a plugin that fails so often in a row is disabled",
    "watchdog_s": "a run in which nothing moves for so long, because some code does not return, is ended; 0: never",
    "isolation_deadline_ms": "so long a batch waits for a strategy in a process of its own",
    "memory_warn_mb": "warned of once, when the process holds so much more than after its first blocks; 0: never",
    "max_exposure": "the most that legs which are not atomic together may be worth while their counterpart is missing, such as "
    '`"1_000 USDC"`; without it no such legs leave',
    "unwind_loss_bps": "what is sold back, because its counterpart did not fill or an operator says so, may lose so much of its worth",
    "warm": "the searcher makes ready what takes long at its first use, compiled kernels for instance, beside the run",
}
HEAD = {
    "enabled": "`false` turns the plugin off; its package is then not even imported",
    "priority": "higher is asked first where effort is short, and wins between equal ranks",
}
DEX_HEAD = {
    "min_liquidity_usd": "pools that hold less, in whole US dollars, are not traded",
    "max_slippage_bps": "a swap may pay so much less than quoted; without it the guard on the final balance decides alone",
    "fee_bps": "pools with a higher fee are not loaded",
    "oracle_required": "pools are traded only where oracle prices of their assets are known",
}
ISOLABLE_HEAD = {
    "isolation": '`"process"` runs the plugin in a process of its own',
    "memory_mb": "the most memory that this process may hold; 0: no limit",
}
BOOK = {
    "base": "the asset that profit is measured in; without it the first chain's first dollar, else its wrapped native coin",
    "capital": "a table of symbol or asset id = whole tokens; in paper mode an empty one is filled with paper money",
    "accounts": "a table of chain id = public address",
    "strategies": "names of the strategies that trade with this book; without it all that are enabled",
}
SIGNER = {
    "keystore": "folder of the keys, the audit trail and the socket; a relative one lies beside the configuration",
    "socket": "where the signer listens; without it `signer.sock` in the keystore",
    "live": "the signer's own switch: `false` signs nothing, whatever a run says",
}
LIVE = {
    "require_paper_hours": "hours on paper, over live data, by all that decides as it is now, that the ledger must show (0: none)",
}
SIGNER_CHAIN = {
    "keys": "names of the keys that sign on this chain",
    "decimals": "how many decimals one whole native coin has",
    "max_value": "native coins that one transaction may hand over, its fee not counted",
    "max_value_per_day": "and all of one day (UTC) together",
    "max_fee": "native coins that the inclusion of one transaction may cost",
    "max_fee_per_day": "and all of one day together",
    "targets": 'a table of contract or program = list of methods: `0x` and its first bytes, `""` a bare transfer, `"*"` any',
    "spends": "a table of asset id = limits; an asset that is not named may not be spent",
}
SIGNER_SPEND = {
    "decimals": "how many decimals one whole token has",
    "per_transaction": "whole tokens that one transaction may take",
    "per_day": "and all of one day together",
}
ASSET = {"id": "CAIP-19 id of the asset", "decimals": "how many decimals one whole token has, 0 to 255"}


def configuration_page() -> str:
    """Every table and key, with type, unit, default and sentence."""
    execution = settings_of(ExecutionConfig, EXECUTION)
    head = settings_of(Head, HEAD)
    dex = settings_of(DexHead, {**HEAD, **DEX_HEAD})[len(head) :]
    isolable = settings_of(IsolableHead, {**HEAD, **ISOLABLE_HEAD})[len(head) :]
    return page(
        "Configuration",
        "the settings classes of kernel and plugins",
        "One TOML file, by default `tidemill.toml` in the current folder. [How to configure](../how-to/configure.md) explains it;\n"
        "`tidemill config init` writes a commented one, `tidemill config check` tells all that is wrong with one.",
        "Any key can be set by a variable as well: `TIDEMILL__DEX__UNISWAP__FEE_BPS=30` is `fee_bps = 30` in `[dex.uniswap]`.",
        "## At the top of the file",
        _rows(settings_of(General, GENERAL)),
        "## `[execution]`",
        _rows(execution),
        "## `[live]`\n\nWhat must have been before real money moves; `tidemill doctor --live` says whether it was.",
        _rows(settings_of(LiveConfig, LIVE)),
        "## `[books.NAME]`\n\nWhose money: one table a book. A file without any has one book, `main`.",
        _rows(_stated(BOOK, {"base": "text", "capital": "table", "accounts": "table", "strategies": "list of text"})),
        "## `[assets]`\n\nWhat symbols mean: `SYMBOL = { id = …, decimals = … }`. A symbol can be forged, so only those\n"
        "listed here and those that a chain verifies may be typed.",
        _rows(_stated(ASSET, {"id": "asset id", "decimals": "whole number"})),
        "## `[strategy_priorities]`\n\n`NAME = priority` for several strategies at once; the same as `priority` in each strategy's table.",
        "## `[signer]`\n\nWhat `tidemill signer` signs; without it nothing can be signed.\n"
        "[How to run the signer](../how-to/run-the-signer.md) explains it.",
        _rows(settings_of(SignerTable, SIGNER)),
        '`[signer.chains."CHAIN"]`, one a chain; a chain that is not named is refused. Amounts are whole coins, best as text:',
        _rows(settings_of(ChainTable, SIGNER_CHAIN)),
        '`[signer.chains."CHAIN".spends."ASSET"]`:',
        _rows(settings_of(SpendTable, SIGNER_SPEND)),
        "## Every plugin's table\n\n`[<folder>.<name>]`; the folder is that of the plugin's kind.",
        _rows(head),
        "The table of a DEX, `[dex.NAME]` or `[[dex]]` with `name = …`, may have besides:",
        _rows(dex),
        "The table of a strategy or a notifier may have besides; [isolate a plugin](../how-to/isolate-a-plugin.md) explains it:",
        _rows(isolable),
        *[_kind(kind) for kind in KINDS if any(path.startswith(f"{kind.folder}.") for path in PACKAGES)],
    )


def plugin_classes() -> Mapping[str, type[Plugin]]:
    """Return the class of every plugin of the workspace by ``<folder>.<name>``."""
    installed = find_plugins()
    found = {}
    for path in sorted(PACKAGES):
        folder, _, name = path.partition(".")
        (loaded,) = load_plugins([PluginTable(KIND_BY_FOLDER[folder].name, name)], installed)
        found[path] = loaded.plugin_class
    return found


def _kind(kind: Kind) -> str:
    parts = [f"## {kind.folder}\n"]
    for path, plugin in plugin_classes().items():
        if path.startswith(f"{kind.folder}."):
            parts += [f"### `[{path}]`\n", f"From {code(PACKAGES[path])}. {one_line(plugin.__doc__ or '')}\n", *_settings(plugin)]
    return "\n".join(parts)


def _settings(plugin: type[Plugin]) -> list[str]:
    kind = plugin.settings_class()
    if not attrs.fields(kind):
        return ["It has no settings of its own.\n"]
    return [_rows(settings_of(kind, {})), prose(kind.__doc__ or "")]


def _rows(settings: list[Setting]) -> str:
    rows = [(code(one.key), one.type, one.unit, one.default, one.sentence) for one in settings]
    return table(("key", "type", "unit", "default", "meaning"), rows)


def _stated(sentences: Mapping[str, str], types: Mapping[str, str]) -> list[Setting]:
    """Return keys of tables whose classes hold them in another form."""
    return [Setting(key, types[key], "", "", sentence) for key, sentence in sentences.items()]
