"""``[signer]``: what may be signed, read so that nothing in it is left to a guess."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, NewType

from attrs import field, frozen
from attrs.validators import ge, le, min_len
from cattrs import BaseConverter

from tidemill.config.addresses import ADDRESS, CHAIN, address_fault
from tidemill.config.assets import base_units, whole_tokens
from tidemill.config.misfit import Faults, expected
from tidemill.config.model import ChainPolicy, SignerConfig, SpendLimit
from tidemill.config.place import Places
from tidemill.config.sections import AmountText, AssetName
from tidemill.config.tables import read_class
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, ChainId, chain_of, normal_address
from tidemill.errors import Problem

ANY_METHOD = "*"
KeyName = NewType("KeyName", str)
"""What a key is called in its keystore."""
Target = NewType("Target", str)
"""The address of a contract or a program."""
Method = NewType("Method", str)
"""The first bytes of a call: ``0x`` and an even number of hexadecimal digits, ``*`` for any method, empty text for a bare transfer."""

_NOTHING = AmountText("0")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
_SELECTOR = len("0xa9059cbb")
_METHOD = re.compile(r"0x(?:[0-9a-fA-F]{2}){1,8}")


@frozen
class SpendTable:
    """One table ``[signer.chains."CHAIN".spends."ASSET"]`` as it is written."""

    decimals: int = field(validator=[ge(0), le(255)])
    per_transaction: AmountText
    per_day: AmountText


@frozen
class ChainTable:
    """One table ``[signer.chains."CHAIN"]`` as it is written."""

    keys: tuple[KeyName, ...] = field(validator=min_len(1))
    decimals: int = field(validator=[ge(0), le(255)])
    max_value: AmountText = _NOTHING
    max_value_per_day: AmountText = _NOTHING
    max_fee: AmountText = _NOTHING
    max_fee_per_day: AmountText = _NOTHING
    targets: Mapping[Target, tuple[Method, ...]] = field(factory=dict)
    spends: Mapping[AssetName, SpendTable] = field(factory=dict)


@frozen
class SignerTable:
    """``[signer]`` as it is written, its chains left out."""

    keystore: str = field(default="tidemill-keys", validator=min_len(1))
    socket: str = ""
    live: bool = False


def read_signer(values: Mapping[str, Any], places: Places, converter: BaseConverter) -> tuple[SignerConfig | None, list[Problem]]:
    """Return ``[signer]``, or None where there is none or it cannot be read, and what is wrong with it."""
    if "signer" not in values:
        return None, []
    _register(converter)
    found, below = values["signer"], places.below("signer")
    if not isinstance(found, Mapping):
        return None, [below.problem("expected a table")]
    faults = Faults()
    own = {key: value for key, value in found.items() if key != "chains"}
    head = faults.read_here(partial(_head, own, converter))
    chains = faults.read("chains", partial(_chains, found.get("chains", {}), converter))
    if head is None or chains is None:
        return None, [below.problem(fault.message, *fault.keys) for fault in faults.found]
    return SignerConfig(head.keystore, head.socket, head.live, chains, below), []


def signer_table(signer: SignerConfig) -> dict[str, Any]:
    """Return a table of TOML values that reads back to the same."""
    return {
        "keystore": signer.keystore,
        "socket": signer.socket,
        "live": signer.live,
        "chains": {chain: _chain_table(policy) for chain, policy in signer.chains.items()},
    }


def _chain_table(policy: ChainPolicy) -> dict[str, Any]:
    decimals = policy.value.decimals
    return {
        "keys": list(policy.keys),
        "decimals": decimals,
        "max_value": whole_coins(policy.value.per_transaction, decimals),
        "max_value_per_day": whole_coins(policy.value.per_day, decimals),
        "max_fee": whole_coins(policy.fee.per_transaction, decimals),
        "max_fee_per_day": whole_coins(policy.fee.per_day, decimals),
        "targets": {target: list(methods) for target, methods in policy.targets.items()},
        "spends": {
            asset: {
                "decimals": limit.decimals,
                "per_transaction": whole_coins(limit.per_transaction, limit.decimals),
                "per_day": whole_coins(limit.per_day, limit.decimals),
            }
            for asset, limit in policy.spends.items()
        },
    }


def whole_coins(amount: int, decimals: int) -> str:
    """Return base units as plain decimal text of whole coins, exactly; amount >= 0."""
    return whole_tokens(amount, Asset(AssetId(""), "", decimals))


def _head(value: Mapping[str, Any], converter: BaseConverter) -> SignerTable:
    found: SignerTable = read_class(SignerTable, value, converter, ("chains",))
    return found


def _chains(value: Any, converter: BaseConverter) -> dict[ChainId, ChainPolicy]:
    if not isinstance(value, Mapping):
        raise expected('tables [signer.chains."CHAIN"]', value)
    faults, found = Faults(), {}
    for name, table in value.items():
        policy = faults.read(name, partial(_chain, name, table, converter))
        if policy is not None:
            found[ChainId(name)] = policy
    faults.raise_if_any()
    return found


def _chain(name: str, value: Any, converter: BaseConverter) -> ChainPolicy:
    if not CHAIN.fullmatch(name):
        raise expected('the id of a chain such as "eip155:1"', name)
    table: ChainTable = read_class(ChainTable, value, converter)
    faults = Faults()
    for key in ("targets", "spends"):
        if len(getattr(table, key)) != len(value.get(key, {})):
            faults.add("names one address twice: its letters may be of either case", key)
    value_limit = _limit(faults, table.decimals, "max_value", table.max_value, "max_value_per_day", table.max_value_per_day)
    fee_limit = _limit(faults, table.decimals, "max_fee", table.max_fee, "max_fee_per_day", table.max_fee_per_day)
    targets = _targets(name.partition(":")[0], table.targets, faults)
    spends = {}
    for asset, spend in table.spends.items():
        inner = Faults()
        spends[AssetId(asset)] = _limit(inner, spend.decimals, "per_transaction", spend.per_transaction, "per_day", spend.per_day)
        if chain_of(AssetId(asset)) != name:
            inner.add(f"is an asset of {chain_of(AssetId(asset))}: this is the table of {name}")
        faults.add_below(inner, "spends", asset)
    faults.raise_if_any()
    return ChainPolicy(tuple(table.keys), value_limit, fee_limit, targets, spends)


def _limit(faults: Faults, decimals: int, one: str, most: str, other: str, per_day: str) -> SpendLimit:
    coin = Asset(AssetId(""), "the asset", decimals)
    amount = faults.read(one, lambda: base_units(most, coin)) or 0
    daily = faults.read(other, lambda: base_units(per_day, coin)) or 0
    if amount > daily:
        faults.add(f"is more than {other}, {per_day}: one such transaction would exceed the day", one)
    return SpendLimit(amount, daily, decimals)


def _targets(namespace: str, table: Mapping[Target, tuple[Method, ...]], faults: Faults) -> dict[str, tuple[str, ...]]:
    for target, methods in table.items():
        fault = address_fault(namespace, target)
        if fault is not None:
            faults.add(fault, "targets", target)
        for place, method in enumerate(methods):
            if namespace == "eip155" and method not in ("", ANY_METHOD) and len(method) != _SELECTOR:
                faults.add(f'expected the four bytes of a selector such as "0xa9059cbb", found "{method}"', "targets", target, place)
    return {str(target): tuple(map(str, methods)) for target, methods in table.items()}


def _register(converter: BaseConverter) -> None:
    converter.register_structure_hook(
        KeyName, lambda value, _: _of_form(value, _KEY, "the name of a key, up to 48 lower case letters, digits, - or _")
    )
    converter.register_structure_hook(Target, lambda value, _: _target(value))
    converter.register_structure_hook(Method, lambda value, _: _method(value))


def _of_form(value: Any, form: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise expected(what, value)
    return value


def _target(value: Any) -> str:
    return normal_address(_of_form(value, ADDRESS, "the address of a contract or program"))


def _method(value: Any) -> str:
    if value in ("", ANY_METHOD):
        return str(value)
    return _of_form(value, _METHOD, 'a method: 0x and up to eight bytes such as "0xa9059cbb", "*" for any, "" for a bare transfer').lower()
