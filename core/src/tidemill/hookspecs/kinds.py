"""The table of plugin kinds: the one place that knows them all."""

from importlib import import_module
from typing import cast

from attrs import frozen

from tidemill.hookspecs.plugin import Plugin


@frozen
class Kind:
    """A kind of plugin.

    ``name`` as in ``tidemill new plugin KIND``, ``folder`` as in ``[<folder>.<name>]`` and ``plugins/<folder>/``, ``hook`` registers it,
    ``interface`` is its class in ``module``, ``version`` that of the interface, ``single`` that at most one is enabled, ``configured``
    that a table of the configuration enables it (a command is enabled by being typed).
    """

    name: str
    folder: str
    hook: str
    interface: str
    version: int = 1
    single: bool = False
    configured: bool = True

    @property
    def module(self) -> str:
        """The module that holds interface and hook."""
        return f"tidemill.hookspecs.{self.name}"

    @property
    def group(self) -> str:
        """The entry-point group, which carries kind and version: another version is refused without being imported."""
        return f"tidemill.{self.name}.v{self.version}"

    def load_interface(self) -> type[Plugin]:
        """Import and return the interface class."""
        found = getattr(import_module(self.module), self.interface)
        return cast("type[Plugin]", found)


KINDS = (
    Kind("chain", "chains", "tidemill_register_chains", "Chain"),
    Kind("price", "prices", "tidemill_register_prices", "PriceSource"),
    Kind("dex", "dex", "tidemill_register_dexes", "Dex"),
    Kind("lender", "lenders", "tidemill_register_lenders", "Lender"),
    Kind("search", "search", "tidemill_register_searchers", "Searcher", single=True),
    Kind("strategy", "strategies", "tidemill_register_strategies", "Strategy"),
    Kind("risk", "risk", "tidemill_register_risks", "RiskCheck"),
    Kind("codec", "codecs", "tidemill_register_codecs", "Codec"),
    Kind("store", "stores", "tidemill_register_stores", "Store", single=True),
    Kind("notifier", "notifiers", "tidemill_register_notifiers", "Notifier"),
    Kind("command", "commands", "tidemill_register_commands", "Command", configured=False),
)

KIND_BY_NAME = {kind.name: kind for kind in KINDS}
KIND_BY_FOLDER = {kind.folder: kind for kind in KINDS}
