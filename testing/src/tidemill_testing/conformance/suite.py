"""The base of every suite: what an author gives, and the rules that hold for plugins of every kind."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from inspect import getattr_static, isabstract
from typing import Any, ClassVar, NoReturn

import attrs
import hypothesis

from tidemill.config.model import PluginTable
from tidemill.config.settings import make_settings
from tidemill.domain.asset import Asset
from tidemill.errors import ConfigError, PluginError
from tidemill.hookspecs.kinds import KIND_BY_NAME, Kind
from tidemill.hookspecs.plugin import Plugin
from tidemill_testing.conformance.installed import registered_class
from tidemill_testing.conformance.intact import seal
from tidemill_testing.conformance.other_process import SEEDS_SAID, OtherProcessFailed, differs_at
from tidemill_testing.conformance.rule import Broken, Rule, is_suite, rule
from tidemill_testing.conformance.sandbox import OutsideWorld, folder_of, sandbox

NO_SETTING = "zz_no_such_setting"
_A_DAY = date(2020, 10, 3)


@seal
class Conformance:
    """The base of every suite; ``class TestAcme(DexConformance): plugin = Acme`` is an author's whole test file.

    An author must give:
        plugin: the plugin's class.

    An author may give:
        settings: the plugin's table as a mapping, values as in TOML, or an instance of its settings class; else all defaults.
        assets: what symbols in settings mean.
        capabilities: what the plugin can do beyond the least, by the names that the suite lists.
        exempt: rules that it does not keep, by number, each with the reason; they stand in the report.

    Never override anything else: the run fails by number and title where a rule, or what the rules stand on, was changed.

    A suite's author sets ``kind`` and ``prefix``, extends ``may_give`` by what his authors may define (attributes and fixtures), and
    ``capability_names`` by capabilities that gate no rule.
    """

    kind: ClassVar[str]
    prefix: ClassVar[str]
    may_give: ClassVar[frozenset[str]] = frozenset({"plugin", "settings", "assets", "capabilities", "exempt"})
    capability_names: ClassVar[frozenset[str]] = frozenset()

    plugin: ClassVar[type[Plugin]]
    settings: ClassVar[Mapping[str, Any] | object] = {}
    assets: ClassVar[Mapping[str, Asset]] = {}
    capabilities: ClassVar[frozenset[str]] = frozenset()
    exempt: ClassVar[Mapping[str, str]] = {}

    current_rule: Rule
    kept_rule: Rule
    example_count: int | None = None
    least_examples: int = 0

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if is_suite(cls):
            seal(cls)

    def same_under_every_seed(self, work: Callable[[Any], list[str]], argument: object, named: Callable[[int], str]) -> None:
        """Break the rule where ``work(argument)`` answers otherwise under another PYTHONHASHSEED; ``named`` says which answer differs."""
        try:
            place = differs_at(work, self.plugin, argument)
        except OtherProcessFailed as error:
            self.broken(str(error))
        if place is not None:
            self.broken(f"answers under PYTHONHASHSEED {SEEDS_SAID} differ first at {named(place)}")

    def broken(self, facts: str) -> NoReturn:
        """Say that the rule does not hold.

        Args:
            facts: what was found, with the numbers: ``1 in, reserves (1, 1), got 1``.

        Raises:
            Broken: always; its message begins with the rule's number and title.
        """
        __tracebackhide__ = True
        raise Broken(f"{self.current_rule}: {facts}")

    def make(self, **more: object) -> Any:
        """Return a new instance of the plugin with the settings that the author gave, and with these besides."""
        return self.plugin(self.made_settings(**more))

    def made_settings(self, **more: object) -> object:
        """Return the settings as the plugin's class has them, read from the author's mapping as from a file, with these besides.

        Where the author gave an instance, only what is given here can be read: the rest are then defaults.
        """
        if not more and not isinstance(self.settings, Mapping):
            return self.settings
        return make_settings(self.table(**more), self.plugin, self.assets)

    def table(self, **more: object) -> PluginTable:
        """Return the plugin's table in a configuration, with these settings besides."""
        given = self.settings if isinstance(self.settings, Mapping) else {}
        return PluginTable(self.kind, str(getattr(self.plugin, "name", "")), settings={**given, **more})

    def examples(self, count: int = 50) -> hypothesis.settings:
        """Return how a property is tried: the same examples every time, ``count`` of them unless ``--conformance-examples`` says otherwise.

        Use it as ``@self.examples(30)`` above ``@given`` on a function inside the rule.
        """
        return hypothesis.settings(
            max_examples=self.example_count or max(count, self.least_examples),
            derandomize=True,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            print_blob=False,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate, hypothesis.Phase.shrink),
            suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
        )

    @rule("01", "the class declares its name and keeps its interface")
    def test_class_declares_what_it_is(self) -> None:
        """The kernel makes the class by its name in the configuration; what its interface demands must be there.

        If this fails: derive the class from the interface of its kind, implement every abstract method, set every class attribute
        that the interface names, and choose a name of lower-case letters, digits and underscores.
        """
        interface = self._kind().load_interface()
        if not (isinstance(self.plugin, type) and issubclass(self.plugin, interface)):
            self.broken(f"expected a class derived from {interface.__name__}, found {self.plugin!r}")
        if isabstract(self.plugin):
            self.broken(f"{self.plugin.__name__} lacks {', '.join(sorted(self.plugin.__abstractmethods__))}")
        declared = sorted({name for base in interface.__mro__ for name in getattr(base, "__annotations__", {})} - {"settings"})
        missing = [name for name in declared if getattr_static(self.plugin, name, None) is None]
        if missing:
            self.broken(f"{self.plugin.__name__} does not set {', '.join(missing)}")
        name = self.plugin.name
        if not (isinstance(name, str) and name.isidentifier() and name == name.lower()):
            self.broken(f"expected a name of lower-case letters, digits and underscores, found {name!r}")

    @rule("02", "settings are read from its table")
    def test_settings_are_read_from_the_table(self) -> None:
        """An operator's table becomes the plugin's settings; where nothing is written, its defaults count.

        If this fails: make the settings class with ``tidemill.settings``, annotate ``settings`` with it in the plugin's class, give
        every setting a default, or write what has none as ``settings = {…}`` in the test class; let the constructor keep what it gets.
        """
        try:
            expected = self.plugin.settings_class()
            made = self.made_settings()
        except (ConfigError, PluginError) as error:
            self.broken(str(error))
        if not isinstance(made, expected):
            self.broken(f"expected {expected.__name__}, found {type(made).__name__}")
        kept = getattr(self.plugin(made), "settings", None)
        if kept != made:
            self.broken(f"the constructor was given {made} and its instance has {kept}")

    @rule("03", "wrong settings are refused at their place")
    def test_wrong_settings_are_refused_at_their_place(self) -> None:
        """A misspelt key or a value of a wrong type must not start a run: one ConfigError names its path.

        If this fails: annotate each setting with the one type it has (not ``Any``), and leave checking of types to the kernel;
        validators and ``check_settings`` may narrow values, and must not raise anything for values of a wrong type.
        """
        self._demand_refusal(NO_SETTING, 1)
        for attribute in attrs.fields(self.plugin.settings_class()):
            # No setting takes a day but one that is a day, and that one takes no switch
            self._demand_refusal(attribute.name, True if attribute.type in (date, datetime, "date", "datetime") else _A_DAY)

    def _demand_refusal(self, key: str, value: object) -> None:
        path = f"$.{self._kind().folder}.{self.plugin.name}.{key}"
        try:
            self.made_settings(**{key: value})
        except ConfigError as error:
            if [path] != [problem.path for problem in error.problems]:
                self.broken(f"{key} = {value}: expected one problem at {path}, found {'; '.join(map(str, error.problems))}")
        else:
            self.broken(f"{key} = {value} was accepted: expected a ConfigError that names {path}")

    @rule("04", "its entry point leads to this class")
    def test_entry_point_leads_to_this_class(self) -> None:
        """The kernel finds an installed plugin by its entry point alone; a package that is not installed is not asked.

        If this fails: compare the group and name in pyproject.toml with the class's ``name``, and what the module's hook returns.
        """
        try:
            found = registered_class(self._kind(), self.plugin)
        except PluginError as error:
            self.broken(str(error))
        if found is not self.plugin:
            self.broken(f"expected {self.plugin.__module__}.{self.plugin.__qualname__}, found {found.__module__}.{found.__qualname__}")

    @rule("05", "making an instance touches nothing outside it")
    def test_making_an_instance_touches_nothing(self) -> None:
        """Instances are made while the pipeline is assembled, also for a check of the configuration: no I/O, and no shared state.

        If this fails: open files and connections when the interface says so, not in ``__init__``; keep what changes on the instance,
        never in an attribute of the class.
        """
        settings = self.made_settings()
        before = _class_state(self.plugin)
        try:
            with sandbox(folder_of(self.plugin)):
                one, other = self.plugin(settings), self.plugin(settings)
        except OutsideWorld as error:
            self.broken(f"{self.plugin.__name__}(settings) calls {error}")
        changed = sorted(name for name, value in _class_state(self.plugin).items() if before.get(name) != value)
        if changed:
            self.broken(f"making two instances changed {', '.join(changed)}")
        if one is other:
            self.broken(f"{self.plugin.__name__}(settings) gave the same instance twice")

    def _kind(self) -> Kind:
        return KIND_BY_NAME[self.kind]


def _class_state(plugin: type) -> dict[str, str]:
    """Return the author's class attributes as text: what is not a function, a property or Python's own."""
    return {
        f"{base.__name__}.{name}": f"{id(value)} {value!r}"
        for base in plugin.__mro__
        if base is not object and not base.__module__.startswith("tidemill.") and not is_suite(base)
        for name, value in vars(base).items()
        if not name.startswith(("__", "_abc_")) and not callable(value) and not isinstance(value, property | classmethod | staticmethod)
    }
