"""Settings of the chain ``recorded``: which chain the tape is of, and what its transactions cost."""

import re
from collections.abc import Mapping
from decimal import Decimal

import attrs
from attrs.validators import ge, gt

from tidemill import settings
from tidemill.domain.ids import AssetId
from tidemill_evm.gas import LOAN_GAS, SWAP_GAS

CHAIN_ID = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}")


def _caip2(instance: object, attribute: object, value: str) -> None:
    if not CHAIN_ID.fullmatch(value):
        raise ValueError(f'expected a CAIP-2 id such as "eip155:1", found "{value}"')


def _whole_wei(instance: object, attribute: object, value: Decimal) -> None:
    if value < 0 or value * 10**9 % 1:
        raise ValueError(f"expected at least 0 with at most 9 decimals, found {value}")


@settings
class RecordedSettings:
    """A recording knows no fees of its own: what a transaction costs is stated here, gas per kind of step times one price."""

    chain: str = attrs.field(default="eip155:1", validator=_caip2, metadata={"doc": "CAIP-2 id of the recorded chain"})
    native: AssetId | None = attrs.field(default=None, metadata={"doc": "the coin that pays for transactions; known for eip155:1"})
    wrapped: AssetId | None = attrs.field(default=None, metadata={"doc": "its tradable twin; known for eip155:1"})
    dollars: tuple[AssetId, ...] = attrs.field(default=(), metadata={"doc": "assets that count as one US dollar; known for eip155:1"})
    block_time_s: int = attrs.field(default=12, validator=ge(1), metadata={"doc": "seconds from one block to the next"})
    gas_price_gwei: Decimal = attrs.field(
        default=Decimal(50), validator=_whole_wei, metadata={"doc": "price of one gas in 1e-9 native coins, down to 1e-18"}
    )
    gas_per_v2_swap: int = attrs.field(default=SWAP_GAS["v2"], validator=ge(0), metadata={"doc": "gas of a constant product swap"})
    gas_per_v3_swap: int = attrs.field(default=SWAP_GAS["v3"], validator=ge(0), metadata={"doc": "gas of a concentrated swap"})
    gas_per_call_swap: int = attrs.field(
        default=SWAP_GAS["call"], validator=ge(0), metadata={"doc": "gas of a swap by a call of any other contract"}
    )
    gas_per_loan: int = attrs.field(default=LOAN_GAS, validator=ge(0), metadata={"doc": "gas of a flash loan, the steps inside it apart"})
    gas_limit: int = attrs.field(default=30_000_000, validator=gt(0), metadata={"doc": "the most gas of one transaction"})

    @property
    def swap_gas(self) -> Mapping[str, int]:
        """Gas of one swap by its kind, as ``tidemill_evm.gas`` names them."""
        return {"v2": self.gas_per_v2_swap, "v3": self.gas_per_v3_swap, "call": self.gas_per_call_swap}

    @property
    def gas_price_wei(self) -> int:
        """The price of one gas in native base units."""
        return int(self.gas_price_gwei * 10**9)
