"""From plain TOML values to the configuration's values: the tables that are not plugins'."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NewType

from attrs import field, frozen
from attrs.validators import ge, min_len
from cattrs import Converter

from tidemill.config.addresses import CHAIN, address_fault
from tidemill.config.converter import make_converter
from tidemill.config.misfit import Misfit, describe, expected
from tidemill.config.model import BookConfig, ExecutionConfig, LiveConfig, Mode
from tidemill.config.place import Places
from tidemill.config.tables import read_class
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, BookId, normal_address
from tidemill.errors import Problem

AmountText = NewType("AmountText", str)
"""An amount of whole tokens as plain decimal text, at least 0; a TOML number is read as well."""
AssetName = NewType("AssetName", AssetId)
"""A CAIP-19 id, hexadecimal addresses in lower case."""

ASSET_ID = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}/[-a-z0-9]{3,8}:[-.%a-zA-Z0-9]{1,128}")
_EVM_TOKEN = re.compile(r"0x[0-9a-fA-F]{40}")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_SPEED = re.compile(r"real|max|[1-9][0-9]*x")
_PLAIN = re.compile(r"\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?")


@frozen
class General:
    """The keys at the top of the file."""

    mode: Mode = "paper"
    seed: int = field(default=1, validator=ge(0))
    speed: str = field(default="real")
    data: str = field(default="tidemill-data", validator=min_len(1))

    @speed.validator
    def _is_a_speed(self, attribute: object, value: str) -> None:
        if not _SPEED.fullmatch(value):
            raise ValueError(f'expected "real", "max" or a factor such as "4x", found {describe(value)}')


@frozen
class _Book:
    base: str = ""
    capital: Mapping[str, AmountText] = field(factory=dict)
    accounts: Mapping[str, str] = field(factory=dict)
    strategies: tuple[str, ...] | None = None


@frozen
class _Asset:
    id: AssetName
    decimals: int = field(validator=ge(0))

    @decimals.validator
    def _fits_a_byte(self, attribute: object, value: int) -> None:
        if value > 255:
            raise ValueError(f"must be <= 255, found {value}")


def section_converter() -> Converter:
    """Return the converter of the kernel's own tables."""
    converter = make_converter()
    converter.register_structure_hook(AmountText, lambda value, _: amount_text(value))
    converter.register_structure_hook(AssetName, lambda value, _: asset_id(value))
    return converter


def amount_text(value: Any) -> str:
    """Return an amount as plain decimal text without separators.

    Raises:
        Misfit: it is not a decimal number of whole tokens, or below 0.
    """
    if isinstance(value, str) and _PLAIN.fullmatch(value.strip()):
        return value.strip().replace("_", "")
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and value >= 0:
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    raise expected('an amount of whole tokens such as 2_000 or "2_000.5"', value)


def asset_id(value: Any) -> AssetId:
    """Return a CAIP-19 id, hexadecimal addresses in lower case.

    Raises:
        Misfit: the text has not that form, or its address cannot be one.
    """
    if not isinstance(value, str) or not ASSET_ID.fullmatch(value):
        raise expected('an asset id such as "eip155:1/erc20:0xc02a…"', value)
    head, _, address = value.rpartition(":")
    if head.startswith("eip155:") and head.endswith("/erc20"):
        if not _EVM_TOKEN.fullmatch(address):
            raise expected(f"{head}: with an address of 0x and 40 hexadecimal digits", address)
    elif address.startswith("0x") and not _HEX.fullmatch(address):
        raise expected(f"{head}: with an address of 0x and hexadecimal digits", address)
    return AssetId(f"{head}:{normal_address(address)}")


class Sections:
    """Reads the kernel's tables and notes what is wrong with them."""

    def __init__(self, values: Mapping[str, Any], places: Places, converter: Converter) -> None:
        self._values = values
        self._places = places
        self._converter = converter
        self.problems: list[Problem] = []

    def general(self) -> General:
        """Return mode, seed, speed and data; what does not fit has its default."""
        names = ("mode", "seed", "speed", "data")
        return self._read(General, {name: self._values[name] for name in names if name in self._values}, ()) or General()

    def execution(self) -> ExecutionConfig:
        """Return ``[execution]``."""
        return self._read(ExecutionConfig, self._values.get("execution", {}), ("execution",)) or ExecutionConfig()

    def live(self) -> LiveConfig:
        """Return ``[live]``."""
        return self._read(LiveConfig, self._values.get("live", {}), ("live",)) or LiveConfig()

    def assets(self) -> dict[str, Asset]:
        """Return ``[assets]`` by symbol."""
        found = {}
        for symbol, value in self._table("assets").items():
            read = self._read(_Asset, value, ("assets", symbol))
            if read is not None:
                found[symbol] = Asset(AssetId(read.id), symbol, read.decimals)
        return found

    def priorities(self) -> dict[str, int]:
        """Return ``[strategy_priorities]``."""
        return self._read(Mapping[str, int], self._values.get("strategy_priorities", {}), ("strategy_priorities",)) or {}

    def books(self) -> tuple[BookConfig, ...]:
        """Return ``[books.NAME]`` in the file's order, or the one book of a file without any."""
        found = []
        for name, value in self._table("books").items():
            read = self._read(_Book, value, ("books", name))
            if read is not None:
                places = self._places.below("books", name)
                self.problems += [places.problem(said, "accounts", chain) for chain, said in _account_faults(read.accounts)]
                accounts = {chain: normal_address(account) for chain, account in read.accounts.items()}
                found.append(BookConfig(BookId(name), read.base, read.capital, accounts, read.strategies, places))
        return tuple(found) or (BookConfig(places=self._places.below("books", "main")),)

    def _table(self, name: str) -> Mapping[str, Any]:
        found = self._values.get(name, {})
        if isinstance(found, Mapping):
            return found
        self.problems.append(self._places.problem(f"expected tables [{name}.NAME]", name))
        return {}

    def _read(self, kind: Any, value: Any, keys: tuple[str, ...]) -> Any:
        try:
            return read_class(kind, value, self._converter) if isinstance(kind, type) else self._converter.structure(value, kind)
        except Misfit as misfit:
            self.problems += [self._places.problem(fault.message, *keys, *fault.keys) for fault in misfit.faults]
            return None


def _account_faults(accounts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the chains whose account cannot be one, and why."""
    for chain, account in accounts.items():
        if not CHAIN.fullmatch(chain):
            yield chain, 'expected the id of a chain such as "eip155:1"'
            continue
        fault = address_fault(chain.partition(":")[0], normal_address(account))
        if fault is not None:
            yield chain, f"{fault}, found {describe(account)}"
