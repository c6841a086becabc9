"""Whether what our accounts hold could be sold back in an emergency: the signer's policy must let it be spent."""

from collections.abc import AsyncIterator, Mapping

from tidemill.config.model import SignerConfig
from tidemill.domain.finding import Finding
from tidemill.domain.ids import AssetId, ChainId, address_of, chain_of
from tidemill.domain.transaction import Wallet
from tidemill.errors import TidemillError
from tidemill.hookspecs.chain import ChainLink
from tidemill.pipeline.assemble import Pipeline
from tidemill.pipeline.supervise import demanded
from tidemill.stages.chain_rules import path_of


def watched_assets(pipeline: Pipeline) -> tuple[AssetId, ...]:
    """Return the assets whose balances the chain is asked for: verified ones, those of the configuration, the native coins."""
    found = {*(book.base for book in pipeline.books), *(asset.id for asset in pipeline.assets)}
    for rules in pipeline.core.market.rules.values():
        found.add(rules.native)
    return tuple(sorted(found))


async def flatten_findings(pipeline: Pipeline, links: Mapping[ChainId, ChainLink], signer: SignerConfig) -> AsyncIterator[Finding]:
    """Warn of what an account holds now and the policy does not let be spent: ``stop --now --flatten`` would leave it.

    A chain that does not answer is told of elsewhere.
    """
    natives = {rules.native for rules in pipeline.parts.market.rules.values()}
    symbols = {asset.id: asset.symbol for asset in pipeline.assets}
    bases = {book.id: book.base for book in pipeline.books}
    for (book, chain), wallet in sorted(pipeline.parts.tools.wallets.items()):
        policy = signer.chains.get(chain)
        if policy is None or chain not in links:
            continue
        spendable = {asset for asset, limit in policy.spends.items() if limit.per_transaction}
        wanted = [
            asset
            for asset in watched_assets(pipeline)
            if chain_of(asset) == chain and asset not in spendable | natives and asset != bases[book]
        ]
        held = await _held(pipeline, links[chain], chain, wallet, wanted)
        if held:
            names = ", ".join(symbols.get(asset, address_of(asset)) for asset in held)
            said = f"{wallet.owner} of book {book} holds {names}, which the policy lets nobody spend: `stop --now --flatten` leaves it"
            yield Finding("flatten", "warning", said, f'name it with its limits: [signer.chains."{chain}".spends."{held[0]}"]')


async def _held(pipeline: Pipeline, link: ChainLink, chain: ChainId, wallet: Wallet, wanted: list[AssetId]) -> list[AssetId]:
    if not wanted:
        return []
    path = path_of(pipeline.parts.market.rules[chain])
    try:
        head = await demanded(path, "newest", link.newest)
        amounts = await demanded(path, "holdings", link.holdings, wallet, wanted, head.height)
    except TidemillError:
        return []
    return [asset for asset, amount in amounts if amount > 0]
