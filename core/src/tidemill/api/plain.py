"""The values of the API as plain ones, through cattrs: amounts are strings of base units, since they exceed what JSON numbers hold."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from cattrs import Converter

from tidemill.domain.ids import AssetId
from tidemill.units import BaseUnits

Amounts = Mapping[AssetId, int]
"""Base units per asset; text in JSON."""


def to_plain(value: object) -> Any:
    """Return a value of attrs classes as plain ones; what is typed ``Amounts`` or ``BaseUnits`` is text."""
    return converter().unstructure(value)


@cache
def converter() -> Converter:
    """Return what knows amounts from other numbers, in both directions."""
    made = Converter()
    made.register_unstructure_hook_func(_are_amounts, lambda found: {asset: str(amount) for asset, amount in found.items()})
    made.register_structure_hook_func(_are_amounts, lambda found, _: {str(asset): int(amount) for asset, amount in found.items()})
    made.register_unstructure_hook_func(_is_amount, str)
    made.register_structure_hook_func(_is_amount, lambda found, _: int(found))
    made.register_unstructure_hook_func(_may_be_amount, lambda found: None if found is None else str(found))
    made.register_structure_hook_func(_may_be_amount, lambda found, _: None if found is None else int(found))
    return made


def _are_amounts(kind: Any) -> bool:
    return bool(kind == Amounts)


def _is_amount(kind: Any) -> bool:
    return kind is BaseUnits


def _may_be_amount(kind: Any) -> bool:
    return bool(kind == BaseUnits | None)
