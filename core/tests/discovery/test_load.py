"""Plugins are loaded one by one, and who is at fault is named."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.config.model import PluginTable
from tidemill.config.place import Places
from tidemill.discovery.load import load_plugins, try_plugins
from tidemill.discovery.registry import Registry
from tidemill.discovery.scan import find_plugins
from tidemill.errors import ConfigError, PluginContractError, PluginError, PluginLoadError

Install = Callable[..., Path]

LAG = """
from tidemill import Strategy, hookimpl

class Lag(Strategy):
    name = "lag"
    def find_opportunities(self, snapshot):
        return iter(())
"""
REGISTER = (
    LAG
    + """
@hookimpl
def tidemill_register_strategies():
    return [Lag]
"""
)
TWO = REGISTER.replace("@hookimpl", "class Lead(Lag):\n    name = 'lead'\n\n@hookimpl").replace("[Lag]", "[Lag, Lead]")
DEX = """
from tidemill import Dex, hookimpl

class Acme(Dex):
    name = "acme"
    def discover(self, reader, want): ...

@hookimpl
def tidemill_register_dexes():
    return [Acme]
"""


def table(name: str = "lag", kind: str = "strategy", *, enabled: bool = True) -> PluginTable:
    places = Places("tidemill.toml", {("strategies", name): 17}, {}, ("strategies", name))
    return PluginTable(kind, name, enabled, places=places)


def load(site: Path, *tables: PluginTable) -> Registry:
    return load_plugins(tables, find_plugins([str(site)]))


def test_load_plugins_enabled_gives_class_and_metadata(install: Install) -> None:
    """An enabled plugin is imported and its class found by its name."""
    site = install("acme-lag", "acme_lag", REGISTER)

    (loaded,) = load(site, table()).loaded("strategy")

    assert ("lag", "acme-lag", "acme_lag") == (loaded.plugin_class.name, loaded.metadata.distribution, loaded.plugin_class.__module__)


def test_r10_disabled_plugin_is_not_imported(install: Install) -> None:
    """R10: neither what is disabled nor what is merely installed runs; a disabled table may name what is not installed."""
    site = install("acme-lag", "acme_lag", "raise SystemExit")

    registry = load(site, table(enabled=False), table("nowhere", enabled=False))

    assert (0, False) == (len(registry), "acme_lag" in sys.modules)


def test_load_plugins_order_is_the_configurations(install: Install) -> None:
    """Plugins of one module keep the order of their tables, and the hook of a module is asked per name."""
    site = install("acme-lag", "acme_lag", TWO, names=("lag", "lead"))

    registry = load(site, table("lead"), table("lag"))

    assert ["lead", "lag"] == [loaded.metadata.name for loaded in registry.loaded("strategy")] == [one.table.name for one in registry]
    assert () == registry.loaded("dex")


@pytest.mark.parametrize("raised", ["raise SystemExit(3)", "raise RuntimeError('boom')", "import not_there", "def f(:"])
def test_load_plugins_import_raises_names_plugin_and_distribution(install: Install, raised: str) -> None:
    """Whatever an import raises becomes a PluginLoadError with its cause; the process goes on."""
    site = install("acme-lag", "acme_lag", raised)

    with pytest.raises(PluginLoadError, match=r"plugin strategies\.lag \(acme-lag\): cannot import acme_lag: ") as caught:
        load(site, table())

    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("acme_lag:nothing", "cannot import acme_lag:nothing: AttributeError: module 'acme_lag' has no attribute 'nothing'"),
        ("acme_lag.deeper", "cannot import acme_lag.deeper: ModuleNotFoundError: No module named 'acme_lag.deeper'"),
        ("not_there_at_all", "cannot import not_there_at_all: ModuleNotFoundError"),
    ],
)
def test_load_plugins_entry_point_to_nothing_is_named(install: Install, value: str, words: str) -> None:
    """An entry point whose module or object is missing says which, and whose it is."""
    site = install("acme-lag", "acme_lag", REGISTER, value=value)

    with pytest.raises(PluginLoadError, match=r"plugin strategies\.lag \(acme-lag\): ") as caught:
        load(site, table())

    assert words in str(caught.value)


def test_load_plugins_interrupted_import_is_passed_on(install: Install) -> None:
    """Ctrl-C while a plugin is imported is the user's, not the plugin's."""
    site = install("acme-lag", "acme_lag", "raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        load(site, table())


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (REGISTER.replace("register_strategies", "register_strategys"), "did you mean tidemill_register_strategies"),
        (REGISTER.replace("tidemill_register_strategies", "zz"), "there is no hook zz; the hooks are tidemill_register_chains, "),
        (REGISTER.replace("strategies()", "strategies(market)"), "market"),
        (REGISTER.replace("@hookimpl", ""), "tidemill_register_strategies is not marked: put @hookimpl above it"),
        (LAG, "acme_lag does not implement tidemill_register_strategies"),
        (REGISTER.replace("return [Lag]", "raise SystemExit(1)"), "tidemill_register_strategies raised SystemExit: 1"),
        (REGISTER.replace("return [Lag]", "return Lag"), "returned <class 'acme_lag.Lag'>: expected a list of classes"),
        (REGISTER.replace("return [Lag]", "return 'lag'"), "returned 'lag': expected a list of classes"),
        (REGISTER.replace("return [Lag]", "return [Lag()]"), "not instances"),
        (REGISTER.replace("return [Lag]", "return [dict]"), "gave builtins.dict, which is not derived from Strategy"),
        (REGISTER.replace('"lag"', '"leg"'), "no class whose name is \"lag\"; it gave acme_lag.Lag (name 'leg')"),
        (REGISTER.replace("return [Lag]", "return []"), "it gave nothing"),
        (TWO.replace("'lead'", "'lag'"), 'several classes whose name is "lag": acme_lag.Lag, acme_lag.Lead'),
        (REGISTER.replace("find_opportunities", "find"), "acme_lag.Lag lacks find_opportunities, which Strategy demands"),
    ],
)
def test_load_plugins_broken_contract_names_plugin_and_remedy(install: Install, source: str, words: str) -> None:
    """A plugin that breaks what its kind demands is refused, with plugin, distribution and what is wrong."""
    site = install("acme-lag", "acme_lag", source)

    with pytest.raises(PluginContractError) as caught:
        load(site, table())

    assert ("strategies.lag", "acme-lag") == (caught.value.plugin, caught.value.distribution)
    assert words in str(caught.value)


def test_load_plugins_missing_members_are_all_named(install: Install) -> None:
    """Abstract methods and class attributes that an interface declares are named together."""
    site = install("acme-dex", "acme_dex", DEX, kind="dex", names=("acme",))

    with pytest.raises(PluginContractError, match="Acme lacks build_steps, decode, exact, families, which Dex demands"):
        load(site, table("acme", "dex"))


def test_load_plugins_hook_interrupted_is_passed_on(install: Install) -> None:
    """Ctrl-C in a hook is the user's."""
    site = install("acme-lag", "acme_lag", REGISTER.replace("return [Lag]", "raise KeyboardInterrupt"))

    with pytest.raises(KeyboardInterrupt):
        load(site, table())


def test_load_plugins_optional_hook_of_another_version_is_accepted(install: Install) -> None:
    """A hook that a plugin marks as optional may be unknown here."""
    optional = "\n@hookimpl(optionalhook=True)\ndef tidemill_register_dreams():\n    return []\n"
    site = install("acme-lag", "acme_lag", REGISTER + optional)

    assert 1 == len(load(site, table()))


def test_load_plugins_object_in_a_module_is_found(install: Install) -> None:
    """An entry point may name an object that holds the hooks."""
    source = LAG + "class Hooks:\n    @hookimpl\n    def tidemill_register_strategies(self):\n        return [Lag]\nhooks = Hooks()\n"
    site = install("acme-lag", "acme_lag", source, value="acme_lag:hooks")

    assert 1 == len(load(site, table()))


def test_r10_other_interface_is_refused_unimported(install: Install) -> None:
    """R10: a plugin made for another interface version is refused by name, and not imported."""
    site = install("acme-lag", "acme_lag", REGISTER, interface=2)

    with pytest.raises(PluginLoadError, match=r"strategies\.lag \(acme-lag\): is made for version 2 .* supports version 1"):
        load(site, table())

    assert "acme_lag" not in sys.modules


def test_load_plugins_two_owners_names_both(install: Install) -> None:
    """A name that two distributions claim is an error that names both."""
    install("acme-lag", "acme_lag", REGISTER)
    site = install("other-lag", "other_lag", REGISTER, version="9.0")

    with pytest.raises(PluginLoadError, match=r"two owners, acme-lag 1\.2\.3 and other-lag 9\.0: uninstall one"):
        load(site, table())


def test_load_plugins_two_owners_one_of_another_version_loads(install: Install) -> None:
    """An owner that this kernel refuses anyway does not stand in the way of the other."""
    install("acme-lag", "acme_lag", REGISTER, interface=7)
    site = install("other-lag", "other_lag", REGISTER)

    assert ["other-lag"] == [loaded.metadata.distribution for loaded in load(site, table())]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("triangulr", '"triangular" is in tidemill-strategy-triangular (pip install tidemill-strategy-triangular)'),
        ("log", 'did you mean "lag"?'),
        ("zzz", "installed are lag"),
    ],
)
def test_load_plugins_unknown_name_says_where_to_get_it(install: Install, name: str, words: str) -> None:
    """A name that is not installed is a problem at its table, with what was meant or the package to install."""
    site = install("acme-lag", "acme_lag", REGISTER)

    with pytest.raises(ConfigError) as caught:
        load(site, table(name))

    assert f"tidemill.toml:17  $.strategies.{name}  no such strategy is installed; {words}" == str(caught.value.problems[0])


def test_load_plugins_nothing_installed_says_to_install(tmp_path: Path) -> None:
    """Where nothing of a kind is installed there is no name to suggest."""
    with pytest.raises(ConfigError, match="no such strategy is installed; install the package that holds it"):
        load(tmp_path, table("zzz"))


def test_load_plugins_two_of_a_single_kind_is_a_problem(install: Install) -> None:
    """Of a kind that allows one, a second enabled table is a problem; a disabled one is not."""
    source = LAG.replace("Strategy", "Store")
    register = "@hookimpl\ndef tidemill_register_stores():\n    return [Lag]\n"
    site = install("acme-lag", "acme_lag", source + register, kind="store", names=("lag", "lead"))

    loading = try_plugins([table("lag", "store"), table("lead", "store")], find_plugins([str(site)]))

    assert "only one store can be enabled at a time, stores.lag is already" in loading.problems[0].message


def test_load_plugins_several_faults_are_told_together(install: Install) -> None:
    """All that is wrong comes in one error, plugins' faults at the tables that enable them."""
    site = install("acme-lag", "acme_lag", "raise RuntimeError('boom')")

    with pytest.raises(ConfigError) as caught:
        load(site, table(), table("zzz"))

    assert ["$.strategies.zzz", "$.strategies.lag"] == [problem.path for problem in caught.value.problems]
    assert "cannot import acme_lag: RuntimeError: boom (acme-lag)" in str(caught.value)
    assert isinstance(caught.value.__cause__, PluginError)


def test_load_plugins_bad_one_does_not_spoil_the_rest(install: Install) -> None:
    """A module that was refused leaves nothing behind that later modules trip over."""
    install("acme-lag", "acme_lag", REGISTER.replace("register_strategies", "register_strategys"))
    site = install("other-lead", "other_lead", REGISTER.replace('"lag"', '"lead"'), names=("lead",))

    loading = try_plugins([table("lag"), table("lead")], find_plugins([str(site)]))

    assert (["lead"], ["strategies.lag"]) == (
        [loaded.metadata.name for loaded in loading.registry],
        [error.plugin for _, error in loading.faults],
    )


@pytest.mark.parametrize(
    ("needs", "fits"),
    [
        ("tidemill>=0.5,<0.6", False),
        ("tidemill>=9", False),
        ("Tidemill[tape]<0.1", False),
        ("tidemill>=0.1,<0.2", True),
        ("tidemill>=9; extra == 'later'", True),
        ("tidemill-testing>=9", True),
    ],
)
def test_plugin_made_for_another_host_version_is_refused(needs: str, fits: bool, install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its own metadata rules out is not imported: the table's line says what it needs, what this is, and what to do."""
    site = install("acme-lag", "acme_lag", REGISTER)
    metadata = next(site.glob("acme_lag-*.dist-info")) / "METADATA"
    metadata.write_text(metadata.read_text("utf-8").replace("\n\n", f"\nRequires-Dist: {needs}\n\n", 1), "utf-8")

    if fits:
        assert ["lag"] == [one.plugin_class.name for one in load(site, table())]
        return
    with pytest.raises(PluginLoadError, match=r"needs .*, and this is tidemill 0\.1\.0: install a acme-lag that fits") as raised:
        load(site, table())
    assert "strategies.lag" in str(raised.value)
    assert "acme_lag" not in sys.modules
