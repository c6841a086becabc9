"""Everything that must hold before real money moves, asked in one go: by `tidemill doctor --live`, and by every live run at its start."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from tidemill.api.live.asking_chains import chain_findings
from tidemill.api.live.asking_disk import disk_findings
from tidemill.api.live.asking_history import Past
from tidemill.api.live.asking_holdings import flatten_findings
from tidemill.api.live.asking_signer import keystore_findings, signer_findings
from tidemill.api.live.asking_stop import stop_findings
from tidemill.api.live.configured import static_findings
from tidemill.api.live.paper_hours import PaperHours, paper_findings
from tidemill.api.running import RunningInstance
from tidemill.api.signing import SigningSetup, signing_setup
from tidemill.domain.finding import Finding
from tidemill.domain.ids import ChainId
from tidemill.errors import SignerError, UsageError
from tidemill.hookspecs.chain import ChainLink
from tidemill.pipeline.assemble import Pipeline
from tidemill.signing.protocol import Hello


@frozen
class Surroundings:
    """What real money stands on beside its configuration: who signs and what that said, the chains, the folder, the time on paper.

    ``past`` is what the ledger knows of the chains, ``beside`` a run that is on already, None where this is asked for one that begins.
    """

    setup: SigningSetup
    hello: Hello | SignerError
    links: Mapping[ChainId, ChainLink]
    data: Path
    hours: PaperHours
    past: Past
    beside: RunningInstance | None = None


def live_setup(pipeline: Pipeline) -> SigningSetup:
    """Return what is signed and how, where nothing in the configuration stands in the way of real money.

    Raises:
        UsageError: it names everything that does. ConfigError: ``[signer]`` or a codec is wrong.
    """
    refuse(tuple(static_findings(pipeline)))
    return signing_setup(pipeline.config)


async def gate_findings(pipeline: Pipeline, around: Surroundings) -> Sequence[Finding]:
    """Look at all that stands between a configuration and real money, the configuration itself left out (``static_findings``)."""
    rules, wallets = pipeline.parts.market.rules, pipeline.parts.tools.wallets
    asking = chain_findings(rules, around.links, wallets, around.setup.policy, around.past, around.beside)
    chains = [finding async for finding in asking]
    # A chain that a run has to itself would be another one, asked from here
    links = {chain: link for chain, link in around.links.items() if around.beside is None or not link.begins_anew}
    if not any(finding.severity == "error" for finding in chains):
        chains += [finding async for finding in flatten_findings(pipeline, links, around.setup.policy)]
    return (*_before(pipeline, around), *chains, *paper_findings(pipeline, around.hours))


def _before(pipeline: Pipeline, around: Surroundings) -> Iterator[Finding]:
    yield from stop_findings(around.data)
    yield from disk_findings(around.data)
    yield Finding("codecs", "ok", ", ".join(sorted(around.setup.codecs)))
    yield from keystore_findings(around.setup)
    yield from signer_findings(pipeline, around.setup, around.hello)


def refuse(findings: Sequence[Finding]) -> None:
    """Raise unless nothing is wrong.

    Raises:
        UsageError: it names everything that is, each with its remedy.
    """
    wrong = [finding for finding in findings if finding.severity == "error"]
    if wrong:
        lines = [f"{finding.message}: {finding.remedy}" for finding in wrong]
        last = "`tidemill doctor --live` looks at all of it again"
        raise UsageError("\n".join(["live trading does not start:", *lines, last]))
