"""Books with everything resolved: assets by id, capital in base units."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from tidemill.config.assets import KnownAssets, base_units
from tidemill.config.misfit import Misfit
from tidemill.config.model import BookConfig, Config
from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.errors import ConfigError, Problem
from tidemill.hookspecs.chain import ChainRules

PAPER_DOLLARS, PAPER_COINS, PAPER_GAS = "50000", "100", "10"
"""Paper money of a book that names no capital: of a base that is a dollar, of any other, and native coins for gas; whole tokens."""


@frozen
class ResolvedBook:
    """A book as the core starts it.

    ``capital`` in base units and in order of ids, ``accounts`` per chain; ``strategies`` None: all that are enabled.
    """

    id: BookId
    base: AssetId
    capital: Mapping[AssetId, int] = field(factory=dict)
    accounts: Mapping[ChainId, str] = field(factory=dict)
    strategies: tuple[str, ...] | None = None


def resolve_books(config: Config, assets: KnownAssets, rules: Sequence[ChainRules]) -> tuple[ResolvedBook, ...]:
    """Return the books in the configuration's order.

    A book without ``base`` is measured in the first chain's first dollar, else its wrapped, else its native coin. In paper mode a book
    without ``capital`` has paper money; in live mode none is made up.

    Args:
        config: whose books.
        assets: what symbols mean.
        rules: of the enabled chains, in order; not empty.

    Raises:
        ConfigError: symbols that are not verified, amounts with more decimals than their asset; all of them.
    """
    problems: list[Problem] = []
    books = [_resolve(book, config, assets, rules[0], problems) for book in config.books]
    if problems:
        raise ConfigError(problems)
    return tuple(books)


def _resolve(book: BookConfig, config: Config, assets: KnownAssets, first: ChainRules, problems: list[Problem]) -> ResolvedBook:
    base = first.dollars[0] if first.dollars else first.wrapped or first.native
    capital: dict[AssetId, int] = {}
    try:
        base = assets.asset_of(book.base or base).id
    except Misfit as misfit:
        problems += [book.problem(fault.message, "base") for fault in misfit.faults]
    amounts = dict(book.capital)
    if not amounts and config.mode == "paper":
        amounts = {base: PAPER_DOLLARS if base in first.dollars else PAPER_COINS, first.native: PAPER_GAS}
    for name, amount in amounts.items():
        try:
            asset = assets.asset_of(name)
            capital[asset.id] = capital.get(asset.id, 0) + base_units(amount, asset)
        except Misfit as misfit:
            problems += [book.problem(fault.message, "capital", name) for fault in misfit.faults]
    accounts = {ChainId(chain): account for chain, account in book.accounts.items()}
    return ResolvedBook(book.id, base, dict(sorted(capital.items())), accounts, book.strategies)
