"""Settings of a plugin: its table, checked against its settings class."""

from collections.abc import Mapping
from typing import Any

from cattrs import Converter
from cattrs.errors import StructureHandlerNotFoundError

from tidemill.config.assets import KnownAssets
from tidemill.config.converter import make_converter
from tidemill.config.misfit import Misfit
from tidemill.config.model import PluginTable
from tidemill.config.place import in_file_order
from tidemill.config.plugin_tables import head_keys
from tidemill.config.tables import read_class
from tidemill.domain.asset import Asset, AssetAmount
from tidemill.domain.ids import AssetId
from tidemill.errors import ConfigError, PluginContractError
from tidemill.hookspecs.plugin import Plugin


def make_settings(table: PluginTable, plugin_class: type[Plugin], assets: Mapping[str, Asset] | KnownAssets) -> Any:
    """Return a plugin's settings, made from its table.

    Args:
        table: the plugin's table; its ``settings`` are read.
        plugin_class: whose ``settings_class`` says what may stand there.
        assets: what symbols mean, and the decimals of amounts.

    Raises:
        ConfigError: unknown or missing keys, wrong types, values that validators refuse, assets that are not known; all of them.
        PluginContractError: the settings class itself cannot be read.
    """
    kind = plugin_class.settings_class()
    known = assets if isinstance(assets, KnownAssets) else KnownAssets(assets)
    also = head_keys(table.kind)
    try:
        settings = read_class(kind, table.settings, settings_converter(known), also)
    except Misfit as misfit:
        problems = [table.problem(fault.message, *fault.keys) for fault in misfit.faults]
        raise ConfigError(sorted(problems, key=in_file_order)) from None
    except (NameError, StructureHandlerNotFoundError) as error:
        message = f"its settings class {kind.__qualname__} has an attribute of a type that cannot be read from a file: {error}"
        raise PluginContractError(table.path, message) from error
    crossed = plugin_class.check_settings(settings)
    if crossed:
        raise ConfigError([table.problem(message, *filter(None, key.split("."))) for key, message in crossed])
    return settings


def settings_converter(assets: KnownAssets) -> Converter:
    """Return a converter that knows assets and amounts besides."""
    converter = make_converter()
    converter.register_structure_hook(AssetId, lambda value, _: assets.id_of(value))
    converter.register_structure_hook(AssetAmount, lambda value, _: assets.amount(value))
    return converter
