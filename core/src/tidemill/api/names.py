"""What people may call an asset or a pool: its id, its bare address, or a verified symbol. Symbols on a tape can be forged."""

from collections.abc import Iterable, Mapping

from attrs import frozen

from tidemill.config.assets import KnownAssets
from tidemill.domain.ids import AssetId, ChainId, PoolId, address_of, normal_address
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import UsageError

_SHOWN = 8


@frozen
class Names:
    """Resolves names over the assets and pools of one snapshot.

    ``verified`` are the symbols of the configuration's ``[assets]`` and of the chains' verified lists; ``chains`` those of the tape.
    ``left_out`` says which pools of the tape are not in the snapshot: it is told where a name is found nowhere.
    """

    snapshot: Snapshot
    verified: KnownAssets
    chains: tuple[ChainId, ...]
    left_out: tuple[str, ...] = ()

    def asset(self, text: str) -> AssetId:
        """Return the asset that a text names.

        Raises:
            UsageError: it names none that the pools of the tape trade, or several; the message lists the addresses.
        """
        symbol = self.verified.by_symbol.get(text)
        if symbol is not None:
            return self._traded(symbol.id, text)
        if text in self.verified.ambiguous:
            ids = [asset.id for asset in self.verified.ambiguous[text]]
            raise UsageError(f"{_quoted(text)} is ambiguous: write one of {_listed(ids)}")
        if "/" in text:
            return self._traded(AssetId(_lower(text)), text)
        found = sorted(asset for asset in self._assets() if address_of(asset) == _lower(text))
        if len(found) > 1:
            raise UsageError(f"{_quoted(text)} is an asset on several chains: write one of {_listed(found)}")
        if found:
            self._one_chain(text)
            return found[0]
        raise UsageError(self._not_verified(text))

    def pool(self, text: str) -> PoolId:
        """Return the pool that an id or a bare address names.

        Raises:
            UsageError: it names none that is on the tape, or several.
        """
        if text in self.snapshot.refs:
            return PoolId(text)
        lowered = _lower(text)
        found = sorted(pool for pool in self.snapshot.refs if lowered in (_lower(pool), address_of(pool)))
        if len(found) == 1:
            if "/" not in text:
                self._one_chain(text)
            return found[0]
        if found:
            raise UsageError(f"{_quoted(text)} is the address of several pools: write one of {_listed(found)}")
        raise UsageError(
            f"there is no pool {_quoted(text)} on the tape among the {len(self.snapshot.refs)} of the enabled DEXs: write its id or address"
            + self._also()
        )

    def shown(self, asset: AssetId) -> str:
        """Return what an asset is called for people: a verified symbol alone, any other with the end of its address.

        What cannot be printed is escaped: a symbol is whatever its contract says.
        """
        known = self.snapshot.assets.get(asset)
        symbol = self._symbols().get(asset)
        if symbol is not None:
            return symbol
        text = printable(known.symbol) if known is not None else ""
        return f"{text}~{address_of(asset)[-4:]}"

    def _symbols(self) -> Mapping[AssetId, str]:
        return {asset.id: symbol for symbol, asset in self.verified.by_symbol.items()}

    def _assets(self) -> set[AssetId]:
        return {asset for ref in self.snapshot.refs.values() for asset in ref.assets}

    def _traded(self, asset: AssetId, text: str) -> AssetId:
        if asset not in self._assets():
            also = f" ({asset})" if text in self.verified.by_symbol else ""
            raise UsageError(f"no pool on the tape trades {_quoted(text)}{also}{self._also()}")
        return asset

    def _also(self) -> str:
        return f"; left out: {', '.join(self.left_out)}" if self.left_out else ""

    def _one_chain(self, text: str) -> None:
        if len(self.chains) != 1:
            raise UsageError(f"the tape has several chains, {', '.join(self.chains)}: write the id in place of {_quoted(text)}")

    def _not_verified(self, text: str) -> str:
        same = sorted(asset for asset, known in self.snapshot.assets.items() if known.symbol == text and asset in self._assets())
        if same:
            return f"{_quoted(text)} is not a verified symbol; on the tape it is what {_listed(same)} is called: write the id or address"
        symbols = ", ".join(sorted(self.verified.by_symbol)) or "none"
        return f"no asset is called {_quoted(text)}: write its id, its address, or a verified symbol ({symbols})"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 120 else f"{text[:119]}…")


def printable(text: str) -> str:
    """Return a text with everything escaped that a terminal might obey, cut to 24 characters."""
    safe = "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)
    return safe if len(safe) <= 24 else f"{safe[:23]}…"


def _lower(text: str) -> str:
    """Return an id or address with its hexadecimal address in lower case; others are kept as they are."""
    head, colon, address = text.rpartition(":")
    return f"{head}{colon}{normal_address(address)}"


def _listed(ids: Iterable[str]) -> str:
    listed = list(ids)
    rest = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + rest
