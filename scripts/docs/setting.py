"""One setting as the reference tells it: key, type, unit, default, sentence."""

import inspect
import types
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from attrs import frozen

from tidemill.units import Bps, Ppm, Wei

_TYPES = {"str": "text", "int": "whole number", "bool": "true or false", "Decimal": "number", "float": "number", "Path": "path",
          "AssetAmount": "amount of an asset", "AssetId": "asset id", "Secret": "secret reference"}  # fmt: skip
_UNITS = {"_bps": "bps (1/10,000)", "_ppm": "ppm (1/1,000,000)", "_s": "seconds", "_ms": "milliseconds", "_wei": "wei", "_gwei": "gwei",
          "_usd": "US dollars", "_blocks": "blocks", "_mb": "MB", "_bytes": "bytes"}  # fmt: skip
_NEW_TYPES = {Bps: "_bps", Ppm: "_ppm", Wei: "_wei"}


@frozen
class Setting:
    """One key of a table, every part as the page shows it."""

    key: str
    type: str
    unit: str
    default: str
    sentence: str


def settings_of(kind: type[Any], sentences: Mapping[str, str]) -> list[Setting]:
    """Return the keys of an attrs class in order.

    Args:
        kind: the class.
        sentences: what keys mean whose attributes do not say it themselves, with ``metadata={"doc": …}``.
    """
    found = []
    for attribute in attrs.fields(attrs.resolve_types(kind)):
        if not attribute.init:
            continue
        key = attribute.alias or attribute.name
        sentence = attribute.metadata.get("doc") or sentences.get(key)
        assert sentence, f'{kind.__qualname__}.{attribute.name} says nowhere what it means: give it metadata={{"doc": "…"}}'
        limits = _limits(attribute.validator)
        type_text = f"{_type(attribute.type)}, {limits}" if limits else _type(attribute.type)
        found.append(Setting(key, type_text, _unit(key, attribute.type), _default(attribute), sentence.rstrip(".")))
    return found


def _type(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(f'`"{value}"`' for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(one) for one in inner if one is not type(None))
    if origin in (tuple, list, set, frozenset):
        return f"list of {_type(inner[0])}"
    if origin is not None:
        return f"table of {_type(inner[-1])}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f'`"{member.value}"`' for member in kind)
    name = getattr(kind, "__name__", str(kind))
    base = getattr(kind, "__supertype__", None)
    return _TYPES.get(name) or (_type(base) if base is not None else name)


def _unit(key: str, kind: Any) -> str:
    for one in (kind, *get_args(kind)):
        if one in _NEW_TYPES:
            return _UNITS[_NEW_TYPES[one]]
    # The longest ending: base_fee_wei is wei, block_time_s seconds
    return next((_UNITS[ending] for ending in sorted(_UNITS, key=len, reverse=True) if key.endswith(ending)), "")


def _default(attribute: "attrs.Attribute[Any]") -> str:
    default = attribute.default
    if default is attrs.NOTHING:
        return "required"
    factory = getattr(default, "factory", None)
    if factory is not None:
        default = factory()
    if default is None:
        return "not set"
    return f"`{_toml(default)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:_}"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple | list | set | frozenset):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, Mapping):
        return "{}" if not value else str(dict(value))
    return f'"{value.value if isinstance(value, Enum) else value}"'


def _limits(validator: Any) -> str:
    """Return the range that a validator allows, as far as it can be known without asking it."""
    low, high = _bounds(validator)
    if low is not None and high is not None:
        return f"{low:_} to {high:_}"
    return f"at least {low:_}" if low is not None else f"at most {high:_}" if high is not None else ""


def _bounds(validator: Any) -> tuple[int | None, int | None]:
    if hasattr(validator, "validator"):  # attrs.validators.optional
        return _bounds(validator.validator)
    if hasattr(validator, "_validators"):  # attrs.validators.and_
        pairs = [_bounds(one) for one in validator._validators]
        return next((low for low, _ in pairs if low is not None), None), next((high for _, high in pairs if high is not None), None)
    if hasattr(validator, "compare_op"):
        bound, operation = validator.bound, validator.compare_op
        return {">=": (bound, None), ">": (bound + 1, None), "<=": (None, bound), "<": (None, bound - 1)}[operation]
    options = getattr(validator, "options", None)
    if isinstance(options, range):
        return options[0], options[-1]
    if inspect.isfunction(validator):  # a closure over its bounds, as those of the simulated plugins
        inside = inspect.getclosurevars(validator).nonlocals
        if {"low", "high"} <= inside.keys():
            return inside["low"], inside["high"]
    return None, None
