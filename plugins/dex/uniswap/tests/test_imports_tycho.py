"""Pools as Tycho gives them: serialised states, snapshots of components, and messages of its feed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill.domain.events import Found, Head, States
from tidemill.domain.ids import ChainId
from tidemill.domain.pool import Decoded
from tidemill.domain.time import ChainTime
from tidemill.errors import DecodeError
from tidemill_amm.concentrated import ConcentratedState
from tidemill_amm.concentrated.tick_math import sqrt_ratio_at_tick
from tidemill_dex_uniswap.forks import PANCAKESWAP, UNISWAP
from tidemill_dex_uniswap.imports import read
from tidemill_dex_uniswap.imports.blocks import NO_FACTORY
from tidemill_dex_uniswap.quoting import V2Pool, V3Pool
from tidemill_dex_uniswap.uniswap import Uniswap
from tidemill_evm.create2 import v2_pair_address, v3_pool_address

CHAIN = ChainId("eip155:1")
AT = ChainTime(CHAIN, 100, 1_700_000_000)
LOW, HIGH = "0x" + "1a" * 20, "0x" + "2b" * 20
PAIR = v2_pair_address(UNISWAP.v2[CHAIN].address, LOW, HIGH, UNISWAP.v2[CHAIN].init_code_hash)
POOL = v3_pool_address(UNISWAP.v3[CHAIN].deployer, LOW, HIGH, 3_000, UNISWAP.v3[CHAIN].init_code_hash)
PRICE = sqrt_ratio_at_tick(-7) + 1
NETS = {-60: 1_000, 120: -1_000}
WHOLE = ConcentratedState.from_ticks(
    sqrt_price_x96=PRICE,
    tick=-7,
    liquidity=1_000,
    fee_ppm=3_000,
    tick_spacing=60,
    ticks={tick: (abs(net), net) for tick, net in NETS.items()},
)
Entry = dict[str, Any]
Written = Callable[[object], Path]


def token(address: str, **changes: Any) -> Entry:
    return {"address": address, "symbol": address[-2:], "decimals": 18, "chain": "ethereum", "gas": [1], "tax": 0, **changes}


def serialised(protocol: str = "UniswapV3State", *tokens: Entry, **changes: Any) -> Entry:
    listed = [{"index": tick, "net_liquidity": net, "sqrt_price": "0x1"} for tick, net in NETS.items()]
    state = {"liquidity": 1_000, "sqrt_price": hex(PRICE), "fee": "Medium", "tick": -7, "ticks": {"tick_spacing": 60, "ticks": listed}}
    pair = {"reserve0": "0x64", "reserve1": "0xc8"}
    held = {**(state if protocol != "UniswapV2State" else pair), **changes}
    return {"tokens": list(tokens) or [token(LOW), token(HIGH)], "state": {"protocol": protocol, "state": held}}


def bytes_of(number: int, size: int) -> str:
    return "0x" + number.to_bytes(size, "big", signed=True).hex()


def component(system: str = "uniswap_v3", attributes: Entry | None = None, fixed: Entry | None = None, **changes: Any) -> Entry:
    held = {
        "tick": bytes_of(-7, 1),
        "liquidity": "0x03e8",
        "sqrt_price_x96": "0x" + PRICE.to_bytes(20, "big").hex(),
        **{f"ticks/{tick}/net-liquidity": bytes_of(net, 2) for tick, net in NETS.items()},
        "ticks/600/net-liquidity": "0x",
        "protocol_fees/zeroForOne": "0x05",
        **(attributes or {}),
    }
    static = {"tick_spacing": "0x3c", "fee": "0x0bb8", "pool_address": POOL, **(fixed or {})}
    made = {"id": POOL, "protocol_system": system, "chain": "ethereum", "tokens": [LOW, HIGH], "static_attributes": static, **changes}
    return {"component": made, "state": {"component_id": made["id"], "attributes": held, "balances": {}}}


def message(**header: Any) -> Entry:
    pair = component("uniswap_v2", {"reserve0": "0x64", "reserve1": "0xc8"}, id=PAIR)
    head = {"hash": "0x" + "ab" * 32, "parent_hash": "0x" + "cd" * 32, "number": 21_284_145, "timestamp": 1_732_771_799, "revert": False}
    return {"state_msgs": {"uniswap_v2": {"header": {**head, **header}, "snapshots": {"states": {PAIR: pair}, "vm_storage": {}}}}}


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Returns a function that writes a document as JSON and gives the path."""

    def write(document: object) -> Path:
        path = tmp_path / "states.json"
        path.write_text(json.dumps(document))
        return path

    return write


def pools(source: Path) -> list[V2Pool | V3Pool]:
    found = []
    for batch in read(source).batches:
        described, states, _ = batch.events
        assert isinstance(described, Found)
        assert isinstance(states, States)
        for ref in described.pools:
            answer = Uniswap().decode(ref, dict(states.values), AT, None)
            assert isinstance(answer, Decoded)
            assert isinstance(answer.pool, V2Pool | V3Pool)
            found.append(answer.pool)
    return found


def test_serialised_states_decode_to_their_pools(written: Written) -> None:
    """Tokens and fee give the address that the factory gives, the state is whole."""
    concentrated, pair = pools(written([serialised(), serialised("UniswapV2State")]))
    assert isinstance(concentrated, V3Pool)
    assert isinstance(pair, V2Pool)
    assert (f"eip155:1/uniswap:{POOL}", f"eip155:1/uniswap:{PAIR}") == (concentrated.id, pair.id)
    assert WHOLE == concentrated.state
    assert (100, 200) == (pair.reserve0, pair.reserve1)


def test_serialised_states_say_what_stands_for_what_they_lack(written: Written) -> None:
    """Neither block nor time, address nor gross liquidity is in them, and ticks with a net of zero are not."""
    recording = read(written([serialised(), serialised("UniswapV2State")]))
    (batch,) = recording.batches
    head = batch.events[-1]
    assert isinstance(head, Head)
    assert (1, 0) == (head.height, head.unix_time)
    starts = (
        "no block is in the source: height 1",
        "no time is in the source: 1970-01-01",
        "2 pools named by no address",
        "1 pool whose source drops ticks with a net liquidity of zero",
        "1 pool without the gross liquidity of ticks",
    )
    assert len(starts) == len(recording.remarks)
    assert [True] * 5 == [remark.startswith(start) for remark, start in zip(recording.remarks, starts, strict=True)]


@pytest.mark.parametrize(("fee", "deployer"), [("MediumLow", PANCAKESWAP.v3[CHAIN]), ("Low", UNISWAP.v3[CHAIN])])
def test_fee_without_an_address_is_of_the_first_factory_that_has_it(written: Written, fee: str, deployer: Any) -> None:
    """A fee of 0.25 % is PancakeSwap's alone."""
    ppm = {"MediumLow": 2_500, "Low": 500}[fee]
    (batch,) = read(written([serialised(fee=fee)])).batches
    assert isinstance(batch.events[0], Found)
    (ref,) = batch.events[0].pools
    assert v3_pool_address(deployer.deployer, LOW, HIGH, ppm, deployer.init_code_hash) == ref.address
    assert ppm == ref.fee_ppm


def test_states_of_other_protocols_are_counted(written: Written) -> None:
    """What is not read here is left out, with its name; so is a fee that no factory began with."""
    recording = read(written([serialised(), serialised("EVMPoolState"), serialised("EVMPoolState"), serialised(fee="Lowest3")]))
    assert {"'EVMPoolState' is no state that is read here": 2, NO_FACTORY: 1} == recording.left_out


def test_snapshot_of_a_component_decodes_to_its_pool(written: Written) -> None:
    """Numbers with a sign are two's complement over the bytes there are; a tick whose net is zero is one that is gone."""
    (pool,) = pools(written(component()))
    assert isinstance(pool, V3Pool)
    assert (f"eip155:1/uniswap:{POOL}", WHOLE) == (pool.id, pool.state)


def test_snapshot_of_another_protocol_is_refused_with_its_name(written: Written) -> None:
    """A file with nothing to import says what it holds."""
    with pytest.raises(DecodeError, match="no pool that can be used: 1 left out: 'vm:balancer_v2' has no pools that are read here"):
        read(written(component("vm:balancer_v2")))


def test_message_of_the_feed_is_its_block(written: Written) -> None:
    """Height, hashes and time are those of the header."""
    source = written(message())
    (batch,) = read(source).batches
    head = Head(CHAIN, 21_284_145, "0x" + "ab" * 32, "0x" + "cd" * 32, 1_732_771_799)
    assert head == batch.events[-1]
    assert ("2 assets without symbol and decimals in the source",) == read(source).remarks
    (pair,) = pools(source)
    assert isinstance(pair, V2Pool)
    assert (100, 200) == (pair.reserve0, pair.reserve1)


def test_messages_that_disagree_on_a_block_are_refused(written: Written) -> None:
    """Two headers of one height are two blocks, and a tape of states has no room for a fork."""
    first, second = message(), message(hash="0x" + "00" * 32)
    state = component()
    second["state_msgs"]["uniswap_v2"]["snapshots"]["states"] = {POOL: state}
    both = {"state_msgs": {"uniswap_v2": first["state_msgs"]["uniswap_v2"], "uniswap_v3": second["state_msgs"]["uniswap_v2"]}}
    with pytest.raises(DecodeError, match="block 21284145 is another one before"):
        read(written(both))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([5], "$[0]: expected an object, found 5"),
        ([{"tokens": []}], "$[0]: state is missing"),
        ([serialised(fee="Huge")], "$[0].state.state.fee: expected one of Lowest, "),
        ([serialised(tick=None)], "$[0].state.state.tick: expected a whole number"),
        ([serialised(sqrt_price="0xzz")], "$[0].state.state.sqrt_price: expected a whole number"),
        ([serialised("UniswapV2State", reserve0=hex(1 << 112))], "$[0].state.state.reserve0: expected a whole number"),
        ([serialised("UniswapV3State", token(LOW))], "$[0].tokens: expected two tokens, found 1"),
        ([serialised("UniswapV3State", token(LOW), token(HIGH, chain="base"))], "$[0].tokens: expected tokens of one chain"),
        ([serialised("UniswapV3State", token(LOW), token(HIGH, chain="starknet"))], "$[0].tokens[1].chain: expected one of ethereum"),
        ([serialised("UniswapV3State", token(HIGH), token(LOW))], "$[0]: the first token must be the lower address of two"),
        ([serialised(ticks={"tick_spacing": 60})], "$[0].state.state.ticks: ticks is missing"),
        (
            [serialised(ticks={"tick_spacing": 60, "ticks": [{"index": 60, "net_liquidity": 1}] * 2})],
            "$[0].state.state.ticks.ticks[1]: tick 60 stands in the list already",
        ),
        ([serialised(), serialised()], f"$[1]: pool {POOL} stands at"),
        (component(attributes={"tick": "0xf"}), "$.state.attributes.tick: expected bytes as hexadecimal text behind 0x, found '0xf'"),
        (component(attributes={"tick": "0x7fffffff"}), "$.state.attributes.tick: expected a number of 24 bits with its sign"),
        (component(attributes={"ticks/x/net-liquidity": "0x01"}), "$.state.attributes.ticks/x/net-liquidity: expected a whole number"),
        (component(attributes={"ticks/60/net-liquidity": 5}), "$.state.attributes.ticks/60/net-liquidity: expected text, found 5"),
        (component(tokens=[LOW, 5]), "$.component.tokens[1]: expected an address"),
        (component(fixed={"fee": "0xffffff"}), "$.component.static_attributes.fee: expected a whole number from 0 to 999999"),
        (message(number=-1), "$.state_msgs.uniswap_v2.header.number: expected a whole number from 0"),
        (message(timestamp="soon"), "$.state_msgs.uniswap_v2.header.timestamp: expected a whole number from 0"),
    ],
)
def test_bad_entry_is_named_with_its_place(written: Written, document: object, message: str) -> None:
    """What is wrong is said once, with the file and the path to the field."""
    source = written(document)
    with pytest.raises(DecodeError) as caught:
        read(source)
    assert f"{source} {message}" in str(caught.value)
