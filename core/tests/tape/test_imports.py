"""Other people's recordings as tapes: exact where they are sound, refused with the row where they are not."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tidemill.domain.events import Batch, Found, Head, States
from tidemill.domain.ids import AssetId, ChainId, Key, PoolId
from tidemill.domain.pool import PoolRef
from tidemill.errors import DecodeError, TapeDamaged, TapeError, UsageError
from tidemill.hookspecs.recording import Recording
from tidemill.tape import imports
from tidemill.tape.imports import IMPORTERS, Importer, import_recording
from tidemill.tape.imports.uniswap_v2_pairs import NO_RESERVES, read
from tidemill.tape.reader import TapeReader

KIND = "uniswap-v2-pairs"
LOW, HIGH = "0x" + "0A" * 20, "0x" + "0B" * 20
Row = dict[str, Any]


def row(**changes: Any) -> Row:
    made: Row = {
        "index": 0,
        "address": "0x" + "Cc" * 20,
        "token0": {"address": LOW, "symbol": "AA", "decimal": 18},
        "token1": {"address": HIGH, "symbol": "BB", "decimal": 6},
        "reserve0": 5,
        "reserve1": 7,
    }
    return {**made, **changes}


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes rows as JSON and gives the path."""

    def written(*rows: object) -> Path:
        path = tmp_path / "pairs.json"
        path.write_text(json.dumps(rows))
        return path

    return written


def only_batch(path: Path) -> Batch:
    (batch,) = read(path).batches
    return batch


def test_pair_becomes_assets_pool_slot_and_head(source: Callable[..., Path]) -> None:
    """One row is two assets, one pool in lower case, its packed reserves, and one head at midnight of 2020-10-03."""
    batch = only_batch(source(row()))
    found, states, head = batch.events
    assert isinstance(found, Found)
    assert isinstance(states, States)
    assert isinstance(head, Head)
    address, low, high = "0x" + "cc" * 20, AssetId(f"eip155:1/erc20:{LOW.lower()}"), AssetId(f"eip155:1/erc20:{HIGH.lower()}")
    pool = PoolRef(PoolId(f"eip155:1/uniswap:{address}"), "uniswap", ChainId("eip155:1"), address, (low, high), "v2", 3_000)
    assert (pool,) == found.pools
    assert [(low, "AA", 18), (high, "BB", 6)] == [(asset.id, asset.symbol, asset.decimals) for asset in found.assets]
    assert ((Key(f"{address}:0x8"), ((7 << 112) | 5).to_bytes(32, "big")),) == states.values
    assert (1, 1_601_683_200, batch.block_hash) == (head.height, head.unix_time, head.block_hash)
    assert "final" == batch.status


def test_block_hash_depends_on_the_reserves(source: Callable[..., Path]) -> None:
    """Two snapshots are one block only if their states are equal."""
    one = only_batch(source(row())).block_hash
    assert one == only_batch(source(row())).block_hash
    assert one != only_batch(source(row(reserve0=6))).block_hash


def test_pairs_without_both_reserves_are_left_out_and_counted(source: Callable[..., Path], tmp_path: Path) -> None:
    """A pair that cannot trade is no pool of the tape, and the import says how many there were and why."""
    empty = [row(address=f"0x{place:040x}", reserve0=place % 2, reserve1=0) for place in range(3)]
    done = import_recording(KIND, source(row(), *empty), tmp_path / "t")
    assert ((NO_RESERVES, 3),) == done.left_out
    assert (1, 2) == (done.pools, done.assets)
    assert done.closing == TapeReader(tmp_path / "t").validate().closing


def test_reserves_at_their_bounds_are_packed_exactly(source: Callable[..., Path]) -> None:
    """112 bits are the most a pair holds; numbers may be written as text of digits."""
    most = (1 << 112) - 1
    states = only_batch(source(row(reserve0=most, reserve1=str(most)))).events[1]
    assert isinstance(states, States)
    assert ((1 << 224) - 1).to_bytes(32, "big") == states.values[0][1]


@pytest.mark.parametrize("symbol", ["", "WETH", "  比特币  ", "\x1b[31mred", "\x00", "\udcff", "x" * 5_000])
def test_symbol_is_kept_whatever_it_is(source: Callable[..., Path], tmp_path: Path, symbol: str) -> None:
    """A symbol is text that its contract chose: it is kept as it is, and proves nothing."""
    import_recording(KIND, source(row(token0={"address": LOW, "symbol": symbol, "decimal": 0})), tmp_path / "t")
    (record,) = TapeReader(tmp_path / "t").records()
    found = record.batch.events[0]
    assert isinstance(found, Found)
    assert symbol == found.assets[0].symbol


def test_gzip_and_plain_json_give_the_same_tape(source: Callable[..., Path], tmp_path: Path) -> None:
    """Compression is recognised by its content, not by a name."""
    plain = source(row())
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert only_batch(plain) == only_batch(packed)


TOKEN = {"address": LOW, "symbol": "AA", "decimal": 18}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(), 7], "row 1: expected an object, found 7"),
        ([row(), None], "row 1: expected an object, found None"),
        ([{"address": LOW}], "row 0: token0 is missing"),
        ([row(address="0x12")], "row 0: address must be an address of 0x and 40 hexadecimal digits, found '0x12'"),
        ([row(address=5)], "row 0: address must be an address"),
        ([row(token0="AA")], "row 0 token0: expected an object"),
        ([row(token0={**TOKEN, "symbol": 5})], "row 0 token0: symbol must be text, found 5"),
        ([row(token0={**TOKEN, "decimal": -1})], "row 0 token0: decimal must be a whole number from 0 to 255, found -1"),
        ([row(token0={**TOKEN, "decimal": 256})], "found 256"),
        ([row(token0={**TOKEN, "decimal": True})], "found True"),
        ([row(token0={**TOKEN, "address": "0x" + "g" * 40})], "row 0 token0: address must be"),
        ([row(reserve0=-1)], "row 0: reserve0 must be a whole number of base units within 112 bits, found -1"),
        ([row(reserve1=1.5)], "row 0: reserve1 must be a whole number of base units within 112 bits, found 1.5"),
        ([row(reserve1=1 << 112)], "row 0: reserve1 must be"),
        ([row(reserve0="1e3")], "row 0: reserve0 must be"),
        ([row(reserve0=True)], "row 0: reserve0 must be"),
        ([row(reserve0=None)], "row 0: reserve0 must be"),
        ([row(token0={**TOKEN, "address": HIGH})], "row 0: token0 must be the lower address of two"),
        ([row(), row()], "row 1: pair 0x" + "cc" * 20 + " stands in row 0 already"),
        (
            [row(), row(address=LOW, token0={**TOKEN, "decimal": 8})],
            "row 1: eip155:1/erc20:0x" + "0a" * 20 + " has 8 decimals, 18 in a row",
        ),
    ],
)
def test_bad_row_is_named(source: Callable[..., Path], tmp_path: Path, rows: list[object], message: str) -> None:
    """What is wrong with a row is said with its number, and no tape is written."""
    with pytest.raises(DecodeError) as caught:
        import_recording(KIND, source(*rows), tmp_path / "t")
    assert message in str(caught.value)
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected JSON"),
        (b"[", "expected JSON"),
        (b"\xff", "expected JSON"),
        (b"{}", "expected a JSON list of pairs"),
        (b"[]", "expected a JSON list of pairs"),
        (gzip.compress(b"[]" * 99, mtime=0)[:20], "the gzip file is damaged"),
        (b"\x1f\x8b\x00", "the gzip file is damaged"),
        (gzip.compress(b"x" * 99, mtime=0)[:-8] + b"\x00" * 8, "the gzip file is damaged"),
    ],
)
def test_file_that_is_no_list_of_pairs_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """A file of another form is named, with what was expected."""
    (tmp_path / "pairs").write_bytes(content)
    with pytest.raises(DecodeError, match=message):
        read(tmp_path / "pairs")


def test_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """A recording that is not there, or is a folder, is the caller's mistake."""
    with pytest.raises(UsageError, match="there is no file"):
        read(tmp_path / "none")
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path)


def test_unknown_kind_lists_the_kinds(tmp_path: Path) -> None:
    """A kind that does not exist is answered with those that do."""
    with pytest.raises(UsageError, match="no import of kind 'pairs'; there are uniswap-v2-pairs"):
        import_recording("pairs", tmp_path, tmp_path / "t")


def test_tape_that_is_there_is_kept(source: Callable[..., Path], tmp_path: Path) -> None:
    """An import does not replace a tape unless asked."""
    (tmp_path / "t").write_bytes(b"mine")
    with pytest.raises(TapeError, match="is there already"):
        import_recording(KIND, source(row()), tmp_path / "t")
    assert b"mine" == (tmp_path / "t").read_bytes()
    import_recording(KIND, source(row()), tmp_path / "t", overwrite=True)
    assert 1 == TapeReader(tmp_path / "t").validate().closing.records


def test_import_that_fails_midway_leaves_no_tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_batch: Callable[..., Batch]) -> None:
    """Batches may be made while they are taken; where that fails, what was written is removed."""

    def batches() -> Iterator[Batch]:
        yield make_batch(1)
        raise DecodeError("row 2: bad")

    importer = Importer("broken", "A kind that breaks.", "none")
    monkeypatch.setattr(imports, "IMPORTERS", {"broken": importer})
    monkeypatch.setattr(Importer, "load", lambda self: lambda source: Recording((), batches()))
    with pytest.raises(DecodeError, match="row 2"):
        import_recording("broken", tmp_path, tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_import_whose_package_is_not_installed_names_it() -> None:
    """A kind that a plugin reads says which package brings it; any other module that is missing is a fault of its own."""
    with pytest.raises(UsageError, match="the import of kind klines is in tidemill-klines: pip install tidemill-klines"):
        Importer("klines", "Candles of an exchange.", "tidemill_klines.imports", "tidemill-klines").load()
    with pytest.raises(ModuleNotFoundError, match="none"):
        Importer("none", "A kind that is not there.", "tidemill.none").load()


def test_every_kind_has_a_sentence_and_a_reader() -> None:
    """Each import says what it is in one sentence, and its module can be loaded."""
    for kind, importer in IMPORTERS.items():
        assert kind == importer.kind
        assert len(importer.help.split()) > 3
        assert callable(importer.load())


def test_recorded_pairs_are_all_imported(recorded: Callable[[str], Path], tmp_path: Path) -> None:
    """The recorded snapshot of October 2020 has 10,704 pairs with reserves and 69 without."""
    source = recorded("dex/uniswap_v2_pairs_reserves_2020-10.json.gz")
    done = import_recording(KIND, source, tmp_path / "t")
    assert (10_704, 9_133, ((NO_RESERVES, 69),)) == (done.pools, done.assets, done.left_out)
    rows = {entry["address"].lower(): entry for entry in json.loads(gzip.decompress(source.read_bytes()))}
    (record,) = TapeReader(tmp_path / "t").records()
    states = record.batch.events[1]
    assert isinstance(states, States)
    for key, value in states.values:
        entry = rows[key.partition(":")[0]]
        assert value == (entry["reserve0"] | entry["reserve1"] << 112).to_bytes(32, "big")


def test_recorded_tape_cut_or_flipped_anywhere_names_the_frame(recorded: Callable[[str], Path], tmp_path: Path) -> None:
    """Damage in a large tape is found as surely as in a small one."""
    import_recording(KIND, recorded("dex/uniswap_v2_pairs_reserves_2020-10.json.gz"), tmp_path / "t")
    raw = (tmp_path / "t").read_bytes()
    for place in range(7, len(raw), len(raw) // 20):
        for altered in (raw[:place], raw[:place] + bytes([raw[place] ^ 0x40]) + raw[place + 1 :]):
            (tmp_path / "x").write_bytes(altered)
            with pytest.raises(TapeDamaged) as caught:
                TapeReader(tmp_path / "x").validate()
            assert caught.value.offset <= place
