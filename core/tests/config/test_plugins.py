"""Instances with checked settings: chains first, then the rest with what the chains have verified."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tidemill import AssetAmount, AssetId, BookId, ChainId, ChainLink, ChainRules, settings
from tidemill.config.assets import KnownAssets, base_units, known_assets, whole_tokens
from tidemill.config.books import ResolvedBook
from tidemill.config.load import parse_config
from tidemill.config.model import Config, PluginTable
from tidemill.config.plugins import Assembled, make_plugins
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.registry import Loaded
from tidemill.domain.asset import Asset
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import ConfigError, PluginContractError
from tidemill.hookspecs.chain import Chain, LinkSetup
from tidemill.hookspecs.plugin import Plugin
from tidemill.hookspecs.strategy import Strategy

USD = Asset(AssetId("acme:1/erc20:0x01"), "USD", 6)
COIN = Asset(AssetId("acme:1/slip44:60"), "COIN", 18)
WCOIN = Asset(AssetId("acme:1/erc20:0x02"), "WCOIN", 18)


class Rules(ChainRules):
    id = ChainId("acme:1")
    family = "acme"
    native = COIN.id
    wrapped = WCOIN.id
    spends_balance = guards_balance = True
    dollars = (USD.id,)

    def verified_assets(self) -> Mapping[str, Asset]:
        return {asset.symbol: asset for asset in (USD, COIN, WCOIN)}

    def executes_at(self, head: Any) -> Any: ...
    def estimate(self, swaps: Sequence[Any], loans: int, snapshot: Any) -> int: ...  # type: ignore[empty-body]
    def compose(self, plan: Any, steps: Sequence[Any], wallet: Any, snapshot: Any) -> Any: ...
    def cost(self, unsigned: Any, snapshot: Any) -> int: ...  # type: ignore[empty-body]


@settings
class AcmeSettings:
    fault: str = ""


class Acme(Chain):
    name = "acme"
    settings: AcmeSettings

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        if self.settings.fault == "constructor":
            raise RuntimeError("boom")

    def rules(self) -> ChainRules:
        if self.settings.fault == "rules":
            raise RuntimeError("boom")
        return Rules()

    def link(self, setup: LinkSetup) -> ChainLink:
        raise NotImplementedError


@settings
class CapSettings:
    most: AssetAmount | None = None


class Cap(Plugin):
    name = "cap"
    settings: CapSettings


class Seeker(Strategy):
    name = "seeker"
    searches = True

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        return iter(())


CLASSES: dict[str, type[Plugin]] = {"chain": Acme, "risk": Cap, "strategy": Seeker}


def loaded(config: Config) -> list[Loaded]:
    tables = [table for table in config.tables if table.kind in CLASSES and table.enabled]
    return [Loaded(table, PluginMetadata(table.kind, table.name, 1, "acme-all", "1", "", "x"), CLASSES[table.kind]) for table in tables]


def assembled(text: str) -> Assembled:
    config = parse_config(text, "x.toml", {})
    return make_plugins(config, loaded(config))


def told(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        assembled(text)
    return [str(problem) for problem in caught.value.problems]


def test_make_plugins_symbols_are_the_chains_and_the_files() -> None:
    """Settings may use what chains have verified and what ``[assets]`` declares, whatever the order of the tables."""
    made = assembled(
        """
        [risk.cap]
        most = "2 USD"
        [risk.other]
        most = "1.5 TKN"
        [chains.acme]
        [assets]
        TKN = { id = "acme:1/erc20:0x03", decimals = 1 }
        """
    )

    assert ["risk.cap", "risk.other", "chains.acme"] == list(made.plugins)
    assert AssetAmount(USD.id, 2_000_000) == made.plugins["risk.cap"].settings.most
    assert AssetAmount(AssetId("acme:1/erc20:0x03"), 15) == made.plugins["risk.other"].settings.most
    assert ["acme:1"] == [rules.id for rules in made.rules]


def test_make_plugins_books_are_resolved() -> None:
    """Books come out in the file's order, with ids, base units and sorted capital."""
    made = assembled(
        """
        [chains.acme]
        [books.a]
        base = "WCOIN"
        [books.a.capital]
        USD = 2
        COIN = "0.5"
        "acme:1/erc20:0x01" = 1
        [books.b]
        strategies = []
        """
    )

    capital = {USD.id: 3_000_000, COIN.id: 5 * 10**17}
    assert ResolvedBook(BookId("a"), WCOIN.id, capital) == made.books[0]
    assert sorted(capital) == list(made.books[0].capital)
    assert ResolvedBook(BookId("b"), USD.id, {USD.id: 50_000 * 10**6, COIN.id: 10 * 10**18}, {}, ()) == made.books[1]


def test_make_plugins_live_book_has_no_made_up_money() -> None:
    """In live mode a book without capital has none."""
    assert {} == assembled('mode = "live"\n[chains.acme]').books[0].capital


def test_make_plugins_book_base_that_is_no_dollar_has_coins() -> None:
    """Paper money of a book that is not measured in dollars is counted in its base."""
    assert {WCOIN.id: 100 * 10**18, COIN.id: 10 * 10**18} == assembled('[chains.acme]\n[books.main]\nbase = "WCOIN"').books[0].capital


def test_make_plugins_all_problems_come_together() -> None:
    """Settings of several plugins and of books are told in one go."""
    text = '[chains.acme]\n[risk.cap]\nmost = "2 PEPE"\nzz = 1\n[books.main]\nbase = "YYY"\ncapital = { ZZZ = 1, USD = "0.0000001" }'

    unverified = "is not a verified symbol; write its id, or declare the symbol in [assets]"

    assert [
        f'x.toml:3  $.risk.cap.most  "PEPE" {unverified}',
        "x.toml:4  $.risk.cap.zz  unknown key; known are enabled, most, priority",
        f'x.toml:6  $.books.main.base  "YYY" {unverified}',
        f'x.toml:7  $.books.main.capital.ZZZ  "ZZZ" {unverified}',
        "x.toml:7  $.books.main.capital.USD  0.0000001 has 7 decimals, USD has 6",
    ] == told(text)


def test_make_plugins_without_a_chain_says_so() -> None:
    """No chain, no market: said once, and nothing that follows from it."""
    assert ["x.toml  $.chains  no chain is enabled: add a table such as [chains.sim]"] == told('[risk.cap]\nmost = "2 USD"')


@pytest.mark.parametrize(
    ("strategies", "names"),
    [
        (("a",), "strategies.a"),
        (("a", "b"), "strategies.a and strategies.b"),
        (("a", "b", "c"), "strategies.a, strategies.b and strategies.c"),
    ],
)
def test_make_plugins_strategies_that_search_without_a_searcher_are_refused(strategies: tuple[str, ...], names: str) -> None:
    """Who can find nothing without a searcher is named at the line that disables it; others may run without one."""
    tables = "".join(f"[strategies.{name}]\n" for name in strategies)
    off = "[chains.acme]\n[search.cycles]\nenabled = false\n"
    remedy = "can find nothing: enable one, or set enabled = false there too"

    assert [f"x.toml:3  $.search.cycles.enabled  no searcher is enabled, and without one {names} {remedy}"] == told(off + tables)
    assert {f"strategies.{name}" for name in strategies} < set(assembled("[chains.acme]\n" + tables).plugins)
    assert ["chains.acme", "risk.limits"] == list(assembled(off + tables.replace("]", "]\nenabled = false")).plugins)


def test_make_plugins_faulty_chain_hides_what_follows_from_it() -> None:
    """Where a chain cannot be made, no symbol is called unknown."""
    text = '[chains.acme]\nfalt = "x"\n[risk.cap]\nmost = "2 USD"\n[books.main]\nbase = "USD"'

    assert ["x.toml:2  $.chains.acme.falt  unknown key; did you mean fault?"] == told(text)


@pytest.mark.parametrize(
    ("fault", "words"), [("constructor", "its constructor raised RuntimeError"), ("rules", r"rules\(\) raised RuntimeError")]
)
def test_make_plugins_plugin_raises_is_named(fault: str, words: str) -> None:
    """Code of a plugin that raises while it is made is put to it; alone it is that error, beside others one of several problems."""
    with pytest.raises(PluginContractError, match=rf"plugin chains\.acme \(acme-all\): {words}: boom"):
        assembled(f'[chains.acme]\nfault = "{fault}"')

    found = told(f'[chains.acme]\nfault = "{fault}"\n[risk.cap]\nzz = 1')

    assert [True, True] == ["$.risk.cap.zz" in found[0], f"x.toml:1  $.chains.acme  {words}".replace("\\", "") in found[1]]


def test_known_assets_ambiguous_symbol_lists_the_ids() -> None:
    """A symbol that two chains have verified must be written as an id, unless the file declares which is meant."""
    other = Asset(AssetId("acme:2/erc20:0x01"), "USD", 6)
    known = known_assets({}, [{"USD": USD}, {"USD": other, "COIN": COIN}])

    with pytest.raises(ValueError, match="is ambiguous, acme:1/erc20:0x01 and acme:2/erc20:0x01: write the id"):
        known.id_of("USD")
    assert (other, COIN) == (known.asset_of(other.id), known.asset_of("COIN"))
    assert other.id == known_assets({"USD": other}, [{"USD": USD}]).id_of("USD")
    assert USD == known_assets({}, [{"USD": USD}, {"USD": USD}]).asset_of("USD")


def test_known_assets_bare_address_needs_one_chain() -> None:
    """A bare address is an asset of the only chain; with two chains it names nothing."""
    address = "0xABCDEF0000000000000000000000000000000001"
    two = KnownAssets({"USD": USD, "X": Asset(AssetId("acme:2/erc20:0x01"), "X", 6)})

    assert f"acme:1/erc20:{address.lower()}" == KnownAssets({"USD": USD}).id_of(address)
    with pytest.raises(ValueError, match="not a verified symbol"):
        two.id_of(address)


@pytest.mark.parametrize(
    ("text", "amount"), [("0", 0), ("1", 10**6), ("0.000001", 1), ("1.10", 1_100_000), ("123456789012.3", 123456789012300000)]
)
def test_base_units_and_whole_tokens_are_each_others_reverse(text: str, amount: int) -> None:
    """Amounts are exact in both directions."""
    assert amount == base_units(text, USD)
    assert amount == base_units(whole_tokens(amount, USD), USD)


def test_whole_tokens_without_decimals_has_no_point() -> None:
    """An asset that cannot be divided is shown without a point."""
    assert "120" == whole_tokens(120, Asset(AssetId("a:1/b:c"), "N", 0))


def test_table_fault_names_the_distribution() -> None:
    """A plugin's fault at its table keeps who it is put to."""
    assert "$.risk.cap  boom (acme-all)" == str(PluginTable("risk", "cap").fault(PluginContractError("x", "boom", distribution="acme-all")))
    assert "$.risk.cap  boom" == str(PluginTable("risk", "cap").fault(PluginContractError("x", "boom")))


def test_make_plugins_unusable_settings_class_names_the_distribution() -> None:
    """A settings annotation that is no settings class is the plugin's fault, and its distribution is named."""
    config = parse_config("[chains.acme]", "x.toml", {})
    odd = type("Odd", (Acme,), {"__annotations__": {"settings": int}})
    plugin = Loaded(config.tables[0], PluginMetadata("chain", "acme", 1, "acme-all", "1", "", "x"), odd)

    with pytest.raises(PluginContractError, match=r"plugin chains\.acme \(acme-all\): settings is annotated with <class 'int'>"):
        make_plugins(config, [plugin])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", None), ('max_exposure = ""', None), ('max_exposure = "0"', None), ('max_exposure = "0 WCOIN"', None),
     ('max_exposure = "1_000.5 WCOIN"', AssetAmount(WCOIN.id, 10005 * 10**17))],
)  # fmt: skip
def test_make_plugins_max_exposure_is_an_amount_or_nothing(text: str, expected: AssetAmount | None) -> None:
    """Nothing, and an amount of 0, let no legs leave that are not atomic together."""
    assert expected == assembled(f"[chains.acme]\n[execution]\n{text}").max_exposure


@pytest.mark.parametrize(
    ("value", "said"),
    [("1_000", "expected an amount and"), ("1 NOPE", "not a verified symbol"), ("-1 WCOIN", "expected an amount")],
)
def test_make_plugins_max_exposure_that_is_none_is_named_with_its_line(value: str, said: str) -> None:
    """File, line and path, as for any other value."""
    with pytest.raises(ConfigError, match=said) as found:
        assembled(f'[chains.acme]\n[execution]\nmax_exposure = "{value}"')
    assert "$.execution.max_exposure" in str(found.value)
