"""What goes wrong on the stands of the crash lane, beside kills: chains that go back, nodes that lose and are lost, signers that die."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

GOING_BACK: Mapping[str, Any] = {"reorganisation_ppm": 150_000, "reorganisation_depth": 3}
LOSING: Mapping[str, Any] = {
    "broadcast_lost_ppm": 150_000,
    "broadcast_unknown_ppm": 150_000,
    "broadcast_late_ppm": 150_000,
    "broadcast_late_blocks": 4,
    "forgotten_ppm": 50_000,
    "outcome_old_ppm": 100_000,
    "node_timeout_ms": 200,
}
SILENT: Mapping[str, Any] = {
    "outage_ppm": 100_000,
    "answer_lost_ppm": 4_000,
    "answer_late_ppm": 4_000,
    "answer_twice_ppm": 20_000,
    "node_timeout_ms": 200,
}
SVM: Mapping[str, Any] = {"accounts": "svm"}


@frozen
class Weather:
    """One kind of stand: the chain's settings, and whether its node and its signer are killed now and then."""

    name: str
    settings: Mapping[str, Any] = {}
    node_dies: bool = False
    signer_dies: bool = False


CALM = Weather("calm")
BLOCKS_DROPPED = Weather("blocks dropped", GOING_BACK)
BLOCK_HASHES_LOST = Weather("block hashes, broadcasts lost, blocks dropped", {**SVM, **LOSING, **GOING_BACK})
ALL_OF_IT = Weather("all of it", {**GOING_BACK, **LOSING, **SILENT}, node_dies=True, signer_dies=True)
WEATHERS = (
    CALM,
    BLOCKS_DROPPED,
    Weather("broadcasts lost, late, unanswered", LOSING),
    Weather("answers lost, late, twice", SILENT),
    Weather("block hashes", SVM),
    BLOCK_HASHES_LOST,
    Weather("node dies", GOING_BACK, node_dies=True),
    Weather("signer dies", LOSING, signer_dies=True),
    ALL_OF_IT,
    Weather("all of it, block hashes", {**SVM, **GOING_BACK, **LOSING, **SILENT}, node_dies=True, signer_dies=True),
)
"""One after another, a stand each."""
