"""Which of our distributions holds which plugin, so that a message can say what to install."""

from difflib import get_close_matches

# <written by scripts/packages.py>
PACKAGES = {
    "chains.recorded": "tidemill-chain-recorded",
    "chains.sim": "tidemill-chain-sim",
    "codecs.evm": "tidemill-codec-evm",
    "codecs.sim": "tidemill-codec-sim",
    "codecs.solana": "tidemill-codec-solana",
    "commands.audit": "tidemill-command-signer",
    "commands.keys": "tidemill-command-signer",
    "commands.signer": "tidemill-command-signer",
    "dex.pancakeswap": "tidemill-dex-uniswap",
    "dex.quickswap": "tidemill-dex-uniswap",
    "dex.sushiswap": "tidemill-dex-uniswap",
    "dex.uniswap": "tidemill-dex-uniswap",
    "lenders.sim": "tidemill-lender-sim",
    "notifiers.console": "tidemill-notifier-console",
    "notifiers.jsonl": "tidemill-notifier-jsonl",
    "prices.sim": "tidemill-price-sim",
    "risk.limits": "tidemill-risk-limits",
    "search.cycles": "tidemill-search-cycles",
    "stores.sqlite": "tidemill-store-sqlite",
    "strategies.compound": "tidemill-strategy-compound",
    "strategies.spatial": "tidemill-strategy-spatial",
    "strategies.temporal": "tidemill-strategy-temporal",
    "strategies.triangular": "tidemill-strategy-triangular",
}
"""Plugins by ``<folder>.<name>``."""

CHECKOUT = {
    "tidemill-amm": "libs/amm",
    "tidemill-chain-recorded": "plugins/chains/recorded",
    "tidemill-chain-sim": "plugins/chains/sim",
    "tidemill-codec-evm": "plugins/codecs/evm",
    "tidemill-codec-sim": "plugins/codecs/sim",
    "tidemill-codec-solana": "plugins/codecs/solana",
    "tidemill-command-signer": "plugins/commands/signer",
    "tidemill-dex-uniswap": "plugins/dex/uniswap",
    "tidemill-evm": "libs/evm",
    "tidemill-lender-sim": "plugins/lenders/sim",
    "tidemill-notifier-console": "plugins/notifiers/console",
    "tidemill-notifier-jsonl": "plugins/notifiers/jsonl",
    "tidemill-price-sim": "plugins/prices/sim",
    "tidemill-risk-limits": "plugins/risk/limits",
    "tidemill-search-cycles": "plugins/search/cycles",
    "tidemill-simworld": "libs/simworld",
    "tidemill-store-sqlite": "plugins/stores/sqlite",
    "tidemill-strategy-compound": "plugins/strategies/compound",
    "tidemill-strategy-spatial": "plugins/strategies/spatial",
    "tidemill-strategy-temporal": "plugins/strategies/temporal",
    "tidemill-strategy-triangular": "plugins/strategies/triangular",
}
"""Where each distribution lies in a checkout of this repository."""

LIBS = frozenset({"tidemill_amm", "tidemill_evm", "tidemill_simworld"})
"""The libraries that plugins may share, as they are imported."""
# </written by scripts/packages.py>


def where_to_get(folder: str, name: str, installed: tuple[str, ...]) -> str:
    """Return what the operator can do about a plugin that is not installed: a name that was meant, or a package to install.

    Args:
        folder: as in ``[<folder>.<name>]``.
        name: as the configuration has it.
        installed: the names of that folder that are installed.
    """
    published = [path.partition(".")[2] for path in PACKAGES if path.startswith(f"{folder}.")]
    near = get_close_matches(name, sorted({*published, *installed}), n=1, cutoff=0.6)
    if near and near[0] in installed:
        return f'did you mean "{near[0]}"?'
    if near:
        package = PACKAGES[f"{folder}.{near[0]}"]
        return f'"{near[0]}" is in {package} (pip install {package})'
    if installed:
        return f"installed are {', '.join(sorted(installed))}"
    return "install the package that holds it"
