"""Columns of ``Found``: tens of thousands of pools and assets may be discovered in one batch."""

from collections.abc import Sequence
from typing import Any

from tidemill.domain.asset import Asset
from tidemill.domain.events import Found
from tidemill.domain.pool import PoolRef
from tidemill.tape.arrow import load_arrow
from tidemill.tape.columns.layout import Layout, cut, is_int64, is_text, listed
from tidemill.tape.columns.rows import Rows

_ASSETS = Rows(Asset)


class FoundLayout(Layout[Found]):
    """``Found`` without order-book markets: nested rows of assets and of pools, a pool's constants as pairs of name and text or number."""

    def __init__(self) -> None:
        super().__init__(Found)

    def fits(self, event: Found) -> bool:
        texts: list[str] = []
        numbers: list[int] = []
        for pool in event.pools:
            texts += [pool.id, pool.dex, pool.chain, pool.address, pool.kind, *pool.assets]
            numbers.append(pool.fee_ppm or 0)
            for name, value in pool.details:
                texts.append(name)
                if isinstance(value, str):
                    texts.append(value)
                else:
                    numbers.append(value)
        return not event.markets and _ASSETS.fits(event.assets) and is_text(texts) and is_int64(numbers)

    def array(self, events: Sequence[Found]) -> Any:
        pa = load_arrow()
        assets = _ASSETS.array([asset for event in events for asset in event.assets])
        pools = _pools_array([pool for event in events for pool in event.pools])
        both = [listed(assets, [len(event.assets) for event in events]), listed(pools, [len(event.pools) for event in events])]
        return pa.StructArray.from_arrays(both, ["assets", "pools"])

    def events(self, rows: Any) -> list[Found]:
        assets, pools = rows.field("assets"), rows.field("pools")
        return list(map(Found, cut(tuple(_ASSETS.values(assets.values)), assets), cut(_pools(pools.values), pools)))


def _pools_array(pools: Sequence[PoolRef]) -> Any:
    pa = load_arrow()
    details = [detail for pool in pools for detail in pool.details]
    constants = pa.StructArray.from_arrays(
        [
            pa.array([name for name, _ in details], pa.string()),
            pa.array([value if isinstance(value, str) else None for _, value in details], pa.string()),
            pa.array([None if isinstance(value, str) else value for _, value in details], pa.int64()),
        ],
        ["name", "text", "number"],
    )
    columns = {name: pa.array([getattr(pool, name) for pool in pools], pa.string()) for name in ("id", "dex", "chain", "address", "kind")}
    columns["fee_ppm"] = pa.array([pool.fee_ppm for pool in pools], pa.int64())
    columns["assets"] = listed(pa.array([asset for pool in pools for asset in pool.assets], pa.string()), [len(p.assets) for p in pools])
    columns["details"] = listed(constants, [len(pool.details) for pool in pools])
    return pa.StructArray.from_arrays(list(columns.values()), list(columns))


def _pools(rows: Any) -> tuple[PoolRef, ...]:
    assets, details = rows.field("assets"), rows.field("details")
    names, texts, numbers = (details.values.field(name).to_pylist() for name in ("name", "text", "number"))
    constants = tuple((n, number if text is None else text) for n, text, number in zip(names, texts, numbers, strict=True))
    return tuple(
        map(
            PoolRef,
            *(rows.field(name).to_pylist() for name in ("id", "dex", "chain", "address")),
            cut(tuple(assets.values.to_pylist()), assets),
            rows.field("kind").to_pylist(),
            rows.field("fee_ppm").to_pylist(),
            cut(constants, details),
        )
    )
