"""The suite of DEXs."""

from tidemill_testing.conformance.dex.calls import DexCallRules
from tidemill_testing.conformance.dex.curves import DexCurveRules
from tidemill_testing.conformance.dex.declaring import DexDeclarationRules
from tidemill_testing.conformance.dex.quotes import DexQuoteRules
from tidemill_testing.conformance.dex.repeats import DexRepeatRules
from tidemill_testing.conformance.dex.state import DexStateRules
from tidemill_testing.conformance.dex.swaps import DexSwapRules
from tidemill_testing.conformance.dex.watching import DexWatchRules


class DexConformance(
    DexStateRules, DexQuoteRules, DexSwapRules, DexCurveRules, DexRepeatRules, DexWatchRules, DexCallRules, DexDeclarationRules
):
    """Rules for every DEX; an author's class inherits it and gives what follows.

    Must give:
        plugin: the DEX class.
        cases: states of pools as ``PoolCase`` values, at least one that trades; ``recorded_answers(path)`` reads them from a file.

    May give:
        settings, assets, exempt: as for every plugin.
        capabilities: of these, what the DEX does; all that it does but ``least_in`` and ``segments`` must be declared:
            recorded: cases hold answers of the chain, to be met to the last unit.
            exact_out: ``quote_exact_out`` answers.
            least_in: what it asks there is the least input that the contract accepts.
            segments: pools give curves.
            logs: ``apply`` plays logs; cases have ``logs`` and the state ``after`` them.
            steps: ``build_steps`` makes steps of a chain family.

    Never override: everything else, the rules first of all.
    """
