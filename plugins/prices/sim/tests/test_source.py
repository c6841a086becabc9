"""Reference prices as batches."""

import os
import subprocess
import sys

import anyio
import attrs
import pytest

from tidemill.domain.events import Batch, OraclePrice
from tidemill.errors import DecodeError, OutcomeUnknown
from tidemill.hookspecs.price import SourceSetup
from tidemill_price_sim import tidemill_register_prices
from tidemill_price_sim.source import SOURCE, SimPrices, SimPriceSettings
from tidemill_simworld import CHAIN, HUBS, ReferencePrices, price_time_ns, token_universe
from tidemill_simworld.wire import ask_node_now
from tidemill_testing.sim_node import sim_node


def _batches(settings: SimPriceSettings | None = None, seed: int = 1, blocks: int = 5) -> list[Batch]:
    async def collect() -> list[Batch]:
        return [batch async for batch in SimPrices(settings).batches(SourceSetup(seed, blocks))]

    return anyio.run(collect)


def test_register_gives_the_source_sim() -> None:
    """One source named sim."""
    (found,) = tidemill_register_prices()
    assert isinstance(found(), SimPrices)
    assert "sim" == found.name


def test_batches_hold_the_reference_price_of_every_token() -> None:
    """Each batch has one price a token, equal to what informed traders of the chain know at that height."""
    prices = ReferencePrices(1, token_universe())
    for height, batch in enumerate(_batches()):
        told = [event for event in batch.events if isinstance(event, OraclePrice)]
        assert 48 == len(told) == len(batch.events)
        assert prices.at(height) == tuple(event.mantissa for event in told)
        assert [token.id for token in token_universe()] == [event.asset for event in told]
        assert {-12} == {event.exponent for event in told}


def test_batches_come_once_a_block_halfway_to_the_next() -> None:
    """Simulated time is that of the chain, so that equal seeds give equal orders of batches."""
    batches = _batches(blocks=4)
    assert [price_time_ns(height, 2) for height in range(4)] == [batch.local_ns for batch in batches]
    for place, batch in enumerate(batches):
        assert (SOURCE, place, CHAIN, place, "confirmed") == (batch.source, batch.seq, batch.chain, batch.height, batch.status)
        assert {batch.local_ns} == {event.publish_ns for event in batch.events if isinstance(event, OraclePrice)}


def test_batches_without_an_end_go_on() -> None:
    """0 blocks means no end."""

    async def some() -> int:
        async for batch in SimPrices().batches(SourceSetup(1)):
            if batch.height == 30:
                return batch.height
        return 0

    assert 30 == anyio.run(some)


def test_batches_follow_the_settings() -> None:
    """Tokens, block time, seed and confidence can be set."""
    batch = _batches(SimPriceSettings(tokens=6, block_time_s=10, seed_offset=3, confidence_ppm=1_000), seed=4)[1]
    told = [event for event in batch.events if isinstance(event, OraclePrice)]
    assert ReferencePrices(7, token_universe(6)).at(1) == tuple(event.mantissa for event in told)
    assert price_time_ns(1, 10) == batch.local_ns
    assert [event.mantissa // 1_000 for event in told] == [event.confidence for event in told]


def test_settings_class_is_found_and_every_field_explained() -> None:
    """The annotation of ``settings`` names the class, every field has a sentence."""
    assert SimPriceSettings is SimPrices.settings_class()
    assert all(field.metadata["doc"] for field in attrs.fields(SimPrices.settings_class()))


@pytest.mark.parametrize(("name", "value"), [("tokens", 5), ("block_time_s", 0), ("confidence_ppm", -1), ("seed_offset", "x")])
def test_settings_out_of_range_say_what_is_expected(name: str, value: object) -> None:
    """A bad value is refused with its range."""
    with pytest.raises(ValueError, match="expected a whole number from"):
        SimPriceSettings(**{name: value})  # type: ignore[arg-type]


def test_a_dollar_is_worth_a_dollar() -> None:
    """Mantissa and exponent give US dollars a whole token."""
    told = {event.asset: event for event in _batches(blocks=1)[0].events if isinstance(event, OraclePrice)}
    usdc, weth = told[HUBS[1].id], told[HUBS[0].id]
    assert (10**12, 2_500 * 10**12) == (usdc.mantissa, weth.mantissa)


SCRIPT = """
import anyio, hashlib
from tidemill.errors import DecodeError, OutcomeUnknown
from tidemill.hookspecs.price import SourceSetup
from tidemill_price_sim.source import SimPrices

async def digest(seed):
    found = hashlib.sha256()
    async for batch in SimPrices().batches(SourceSetup(seed, 50)):
        found.update(repr(batch).encode())
    return found.hexdigest()

print(anyio.run(digest, 7), anyio.run(digest, 8))
"""


def test_batches_are_equal_in_every_process() -> None:
    """A seed decides every byte, whatever PYTHONHASHSEED is; another seed decides otherwise."""
    printed = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
        ).stdout.split()
        for hash_seed in ("0", "4242")
    ]
    assert printed[0] == printed[1]
    assert printed[0][0] != printed[0][1]


def test_batches_begin_at_the_head_of_a_node() -> None:
    """A run that begins on a chain far along hears no price of blocks that are long gone."""
    with sim_node(settings={"tokens": 12, "pools": 30, "warmup_blocks": 1, "answer_lost_ppm": 300_000}) as node:
        batches = _batches(SimPriceSettings(tokens=12, node=node.socket), blocks=3)
        assert [0, 1, 2] == [batch.height for batch in batches]
    with sim_node(settings={"tokens": 12, "pools": 30, "warmup_blocks": 1}) as node:
        ask_node_now(node.socket, "mine", {}, 30)
        ask_node_now(node.socket, "mine", {}, 30)
        late = _batches(SimPriceSettings(node=node.socket), blocks=3)
    assert _batches(blocks=5)[2:] == [attrs.evolve(batch, seq=batch.height) for batch in late]
    assert [0, 1, 2] == [batch.seq for batch in late]


def test_batches_of_a_node_that_never_answers_or_says_nonsense_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its height nothing can be said."""

    async def silent(path: str, ask: str, fields: object, timeout_s: float) -> object:
        raise OutcomeUnknown("no answer")

    async def nonsense(path: str, ask: str, fields: object, timeout_s: float) -> object:
        return {"head": 5}

    for answer, error in ((silent, OutcomeUnknown), (nonsense, DecodeError)):
        monkeypatch.setattr("tidemill_price_sim.source.ask_node", answer)
        with pytest.raises(error):
            _batches(SimPriceSettings(node="somewhere"))
