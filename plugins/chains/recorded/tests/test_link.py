"""The link of a tape plays it, answers only what it has played, and cannot send."""

from collections.abc import Iterable

import anyio
import pytest

from tidemill import ChainLink, UsageError
from tidemill.domain.events import Batch, Event, Head, Log, Logs, Rollback, States, Status
from tidemill.domain.ids import ChainId, Key, PlanId
from tidemill.domain.pool import LogFilter, Watch
from tidemill.domain.transaction import Signed, TxRef, Unsigned
from tidemill.errors import RefusedByVenue, Unavailable
from tidemill.hookspecs.chain import LinkSetup
from tidemill_chain_recorded import Recorded, RecordedLink, RecordedSettings, tidemill_register_chains

CHAIN, OTHER = ChainId("eip155:1"), ChainId("eip155:137")
ONE, TWO = Key("0xaa:0x8"), Key("0xbb:0x8")


def batch(height: int, *events: Event, status: Status = "confirmed") -> Batch:
    return Batch("t", height, CHAIN, height, "", "", status, 0, 0, events)


def link_of(tape: Iterable[Batch]) -> RecordedLink:
    return RecordedLink(CHAIN, tape, Recorded().rules)


def play(link: ChainLink) -> list[Batch]:
    async def collect() -> list[Batch]:
        return [played async for played in link.batches()]

    return anyio.run(collect)


def read(link: ChainLink, *keys: Key) -> States:
    return anyio.run(link.reader.read, keys)


def test_link_yields_the_batches_of_the_tape() -> None:
    """A tape's batches come unchanged and in order."""
    tape = [batch(1, States(CHAIN, ((ONE, b"1"),))), batch(2, Head(CHAIN, 2, "", "", 24))]
    assert tape == play(Recorded().link(LinkSetup(0, tape=tape)))


def test_link_without_a_tape_is_a_usage_error() -> None:
    """There is nothing to play where no tape is given."""
    with pytest.raises(UsageError, match=r"\[chains.recorded\] plays a recording of eip155:1: give one with --tape"):
        Recorded().link(LinkSetup(0))


def test_reader_answers_what_was_played_and_nothing_else() -> None:
    """Before a value is on the tape it is unknown, and unknown is not absent."""
    link = link_of([batch(1, States(CHAIN, ((ONE, b"1"), (TWO, None)))), batch(2, States(CHAIN, ((ONE, b"2"),)))])
    with pytest.raises(Unavailable, match="the tape has not shown 0xaa:0x8 and 1 more"):
        read(link, ONE, TWO)
    play(link)
    assert States(CHAIN, ((TWO, None), (ONE, b"2"))) == read(link, TWO, ONE)
    with pytest.raises(Unavailable, match="has not shown 0xcc:0x8: a recording"):
        read(link, ONE, Key("0xcc:0x8"))


def test_reader_forgets_a_contract_that_logs() -> None:
    """A value that logs may have changed is no longer that of the head."""
    link = link_of([batch(1, States(CHAIN, ((ONE, b"1"), (TWO, b"1")))), batch(2, Logs(CHAIN, (Log("0xaa", (), b""),)))])
    play(link)
    assert States(CHAIN, ((TWO, b"1"),)) == read(link, TWO)
    with pytest.raises(Unavailable):
        read(link, ONE)


def test_reader_forgets_what_a_rollback_undoes() -> None:
    """Values of dropped blocks are not those of the head."""
    link = link_of([batch(1, States(CHAIN, ((ONE, b"1"),))), batch(2, States(CHAIN, ((TWO, b"2"),))), batch(1, Rollback(CHAIN, 1, "0x1"))])
    play(link)
    assert States(CHAIN, ((ONE, b"1"),)) == read(link, ONE)
    with pytest.raises(Unavailable):
        read(link, TWO)


def test_reader_ignores_pending_values_and_other_chains() -> None:
    """What is pending is not state, and another chain's keys are another's."""
    link = link_of(
        [
            batch(1, States(CHAIN, ((ONE, b"1"),))),
            batch(2, States(CHAIN, ((ONE, b"2"),)), Logs(CHAIN, (Log("0xaa", (), b""),)), status="pending"),
            batch(2, States(OTHER, ((ONE, b"3"),)), Logs(OTHER, (Log("0xaa", (), b""),)), Rollback(OTHER, 0, "")),
        ]
    )
    play(link)
    assert States(CHAIN, ((ONE, b"1"),)) == read(link, ONE)


def test_reader_has_no_logs_to_look_up() -> None:
    """Logs come with their blocks; a recording cannot search them."""
    with pytest.raises(Unavailable, match="played forward"):
        anyio.run(link_of([]).reader.logs, LogFilter("0xaa"), 1, 2)


def test_nothing_can_be_sent_to_a_recording() -> None:
    """Simulation, broadcast and outcome are refused with proof that nothing happened."""
    link = link_of([])
    unsigned = Unsigned(PlanId("p"), CHAIN, b"", 0, 0)
    signed = Signed(PlanId("p"), TxRef(CHAIN, "0x1"), b"")
    with pytest.raises(RefusedByVenue, match="no chain to simulate on; recorded markets are traded in paper mode"):
        anyio.run(link.simulate, unsigned)
    with pytest.raises(RefusedByVenue, match="no chain to send to"):
        anyio.run(link.broadcast, signed)
    with pytest.raises(RefusedByVenue, match="no chain to ask for outcomes of"):
        anyio.run(link.outcome, signed)


def test_watching_a_recording_changes_nothing() -> None:
    """A tape reports what was recorded, whatever is asked for."""
    tape = [batch(1, States(CHAIN, ((ONE, b"1"),)))]
    link = link_of(tape)
    anyio.run(link.watch, (Watch((TWO,)),), ())
    assert tape == play(link)


def test_hook_registers_the_chain() -> None:
    """The plugin gives one class, under its own name."""
    assert ["recorded"] == [chain.name for chain in tidemill_register_chains()]


def test_tape_of_any_chain_is_played_without_its_rules() -> None:
    """Where the rules are another plugin's nothing need be known of the chain; asked for here, they say what is missing."""
    for chain, message in (("sim:1", "native coin of sim:1"), ("solana:5eykt", "solana:5eykt is none")):
        tape = [batch(1, Head(ChainId(chain), 1, "", "", 0))]
        link = Recorded(RecordedSettings(chain=chain)).link(LinkSetup(0, tape=tape))
        assert tape == play(link)
        with pytest.raises(UsageError, match=message):
            _ = link.rules


def test_link_has_the_rules_of_its_settings() -> None:
    """For a chain that is known the link's rules are the plugin's."""
    rules = Recorded().link(LinkSetup(0, tape=[])).rules
    assert ("eip155:1", "eip155:1/slip44:60") == (rules.id, rules.native)
