"""Which assets a configuration may name, and amounts of them. A symbol can be forged: only verified ones are looked up."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from attrs import field, frozen

from tidemill.config.misfit import Fault, Misfit, expected
from tidemill.config.sections import ASSET_ID, amount_text, asset_id
from tidemill.domain.asset import Asset, AssetAmount
from tidemill.domain.ids import AssetId, ChainId, chain_of, erc20

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_UNKNOWN = Asset(AssetId("unknown:0/slip44:0"), "?", 255)


@frozen
class KnownAssets:
    """Assets by symbol and by id.

    ``ambiguous`` are symbols that several chains have verified for different assets: they must be written as ids. Where a chain could
    not be asked, ``complete`` is False and no name is called unknown: the chain's own fault is reported, not what follows from it.
    """

    by_symbol: Mapping[str, Asset] = field(factory=dict)
    ambiguous: Mapping[str, tuple[Asset, ...]] = field(factory=dict)
    complete: bool = True

    @property
    def by_id(self) -> dict[AssetId, Asset]:
        """Every asset by its id; of two symbols for one the first."""
        found: dict[AssetId, Asset] = {}
        for asset in (*self.by_symbol.values(), *(asset for assets in self.ambiguous.values() for asset in assets)):
            found.setdefault(asset.id, asset)
        return found

    @property
    def chains(self) -> tuple[ChainId, ...]:
        """The chains of the assets, sorted."""
        return tuple(sorted({chain_of(identifier) for identifier in self.by_id}))

    def id_of(self, text: Any) -> AssetId:
        """Return the asset that a symbol, an id, or on the only chain a bare address names.

        Raises:
            Misfit: it names none, or more than one.
        """
        if not isinstance(text, str):
            raise expected("the symbol or id of an asset", text)
        if text in self.by_symbol:
            return self.by_symbol[text].id
        if ASSET_ID.fullmatch(text):
            return asset_id(text)
        if text in self.ambiguous:
            ids = " and ".join(asset.id for asset in self.ambiguous[text])
            raise Misfit(Fault((), f'"{text}" is ambiguous, {ids}: write the id'))
        if not self.complete:
            return _UNKNOWN.id
        if _ADDRESS.fullmatch(text) and len(self.chains) == 1:
            return erc20(self.chains[0], text)
        near = get_close_matches(text, sorted(self.by_symbol), n=1)
        hint = f"did you mean {near[0]}?" if near else "write its id, or declare the symbol in [assets]"
        raise Misfit(Fault((), f'"{text[:40]}" is not a verified symbol; {hint}'))

    def asset_of(self, text: Any) -> Asset:
        """Return the asset that a text names, with its decimals.

        Raises:
            Misfit: it names none or more than one, or its decimals are not known.
        """
        identifier = self.id_of(text)
        found = self.by_id.get(identifier)
        if found is not None:
            return found
        if not self.complete:
            return _UNKNOWN
        raise Misfit(Fault((), f"the decimals of {identifier} are not known: declare it in [assets] with id and decimals"))

    def amount(self, text: Any) -> AssetAmount:
        """Return the amount that a text such as ``"2_000 USDC"`` means, exactly.

        Raises:
            Misfit: it has another form, its asset is not known, or it has more decimals than the asset.
        """
        parts = text.split() if isinstance(text, str) else []
        if len(parts) != 2:
            raise expected('an amount and its asset such as "2_000 USDC"', text)
        asset = self.asset_of(parts[1])
        return AssetAmount(asset.id, base_units(parts[0], asset))


def base_units(text: Any, asset: Asset) -> int:
    """Return a decimal amount of whole tokens in base units, exactly.

    Raises:
        Misfit: it is no such amount, or has more decimals than the asset.
    """
    plain = amount_text(text)
    whole, _, fraction = plain.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > asset.decimals:
        raise Misfit(Fault((), f"{plain} has {len(fraction)} decimals, {asset.symbol} has {asset.decimals}"))
    return int(whole + fraction.ljust(asset.decimals, "0"))


def whole_tokens(amount: int, asset: Asset) -> str:
    """Return base units as plain decimal text of whole tokens, exactly: the reverse of ``base_units``; amount >= 0."""
    digits = str(amount).rjust(asset.decimals + 1, "0")
    whole, fraction = digits[: len(digits) - asset.decimals], digits[len(digits) - asset.decimals :].rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def known_assets(own: Mapping[str, Asset], verified: Sequence[Mapping[str, Asset]], *, complete: bool = True) -> KnownAssets:
    """Join the configuration's ``[assets]`` with what chains have verified; the configuration's own word counts first."""
    by_symbol: dict[str, Asset] = {}
    several: dict[str, list[Asset]] = {}
    for symbol, asset in _pairs(verified):
        found = several.setdefault(symbol, [])
        if asset.id not in {other.id for other in found}:
            found.append(asset)
    for symbol, assets in several.items():
        if len(assets) == 1:
            by_symbol[symbol] = assets[0]
    ambiguous = {symbol: tuple(assets) for symbol, assets in several.items() if len(assets) > 1 and symbol not in own}
    return KnownAssets({**by_symbol, **own}, ambiguous, complete)


def _pairs(verified: Iterable[Mapping[str, Asset]]) -> list[tuple[str, Asset]]:
    return [pair for mapping in verified for pair in sorted(mapping.items(), key=lambda pair: pair[0])]
