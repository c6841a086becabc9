"""The page of errors."""

import inspect

from scripts.docs.markdown import block, page, prose
from tidemill import errors

REMEDY = {
    "TidemillError": "Read the message: it says what was expected, what was found, where, and what to do.",
    "ConfigError": "Edit the configuration at the places named; `tidemill config check` tells all of them at once and starts nothing.",
    "UsageError": "Correct the command or the call; the message lists what there is.",
    "PluginError": "Look at the plugin that is named; `tidemill plugins` shows its distribution and version.",
    "PluginLoadError": "Install the plugin, or a version of it that is made for this Tidemill.",
    "PluginContractError": "An operator disables the plugin and tells its author; its author runs `tidemill check plugin`.",
    "MarketDataError": "Nothing at once: what cannot be trusted is dropped and counted, the rest goes on. If it lasts, look at the source.",
    "DecodeError": "The address may not be a pool of that kind, or its contract has changed: see which pool the message names.",
    "StaleState": "Nothing: it is asked for again. If it lasts, the source is behind.",
    "TapeError": "Use a tape that holds what is asked of it; `tidemill tape info` shows what it holds.",
    "TapeDamaged": "What stands before `offset` can be trusted; `tidemill tape validate` says how much that is. Copy or record it again.",
    "VenueError": "See which of the three it is: they differ in what may be done next.",
    "Unavailable": "Wait `retry_after_s` seconds, then ask again: nothing was sent.",
    "RefusedByVenue": "Do not send the same again; the reason says what to change.",
    "OutcomeUnknown": "Reconcile: find out what became of it. Sign nothing new for the same purpose before the old is provably dead.",
    "SignerError": "Start `tidemill signer`, or look at what it prints: nothing was signed.",
    "SignerRefused": "See which rule of `[signer]` the message names; change the policy only if it is meant, and start the signer again.",
    "ControlError": "Start an instance, or name its data folder with `--data`; `tidemill status` asks the one that runs there.",
    "LedgerError": "See the path and the reason in the message: a full disk, a missing permission, a file that is no ledger.",
    "LedgerInUse": "Stop the other instance, or give this one another folder with `--data`.",
    "InvariantError": "Trading has stopped: keep the data folder as it is, and report it. `tidemill ledger verify` looks at the books.",
}
"""What the reader of the message does."""


def errors_page() -> str:
    """The tree, and for each class when it is raised and what to do."""
    classes = [found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, errors.TidemillError)]
    classes.sort(key=lambda found: inspect.getsourcelines(found)[1])
    unsaid = {found.__name__ for found in classes} ^ REMEDY.keys()
    assert not unsaid, f"REMEDY in scripts/docs/errors.py must hold every error and nothing else; it differs in {', '.join(sorted(unsaid))}"
    intro, tree, *rest = inspect.cleandoc(errors.__doc__ or "").split("\n\n")
    return page(
        "Errors",
        "`tidemill.errors`",
        intro,
        block(inspect.cleandoc("\n" + tree)),
        *[prose(part) for part in rest],
        "The command line prints the message alone and ends with exit code 2 for `ConfigError` and `UsageError`, 1 for all others.\n"
        "An error that is not in this tree is a defect, and keeps its traceback.",
        *[_entry(found) for found in classes],
    )


def _parameters(found: type[Exception]) -> list[str]:
    """Return what an error's constructor takes, where its class or one above it has one of its own."""
    if not inspect.isfunction(found.__init__):
        return []
    return [name for name in inspect.signature(found.__init__).parameters if name != "self"]


def _entry(found: type[Exception]) -> str:
    parameters = _parameters(found)
    carries = f"Carries {', '.join(f'`{name}`' for name in parameters)}.\n" if parameters else ""
    parts = [f"## `{found.__name__}`\n", prose(found.__doc__ or ""), carries, f"What to do: {REMEDY[found.__name__]}\n"]
    return "\n".join(part for part in parts if part)
