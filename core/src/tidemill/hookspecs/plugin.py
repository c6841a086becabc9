"""What every plugin class has: a name, a settings class, and a constructor that takes the settings."""

from abc import ABC
from collections.abc import Sequence
from inspect import get_annotations
from typing import Any, ClassVar, TypeVar, dataclass_transform, get_type_hints

import attrs

from tidemill.domain.finding import Finding
from tidemill.errors import PluginContractError

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(attrs.field,))
def settings(cls: type[T]) -> type[T]:
    """Turn a class of annotated defaults into a frozen settings class.

    Each attribute is one key of the plugin's table in the configuration. Its type is checked when the configuration is read; an
    ``attrs`` validator may narrow it. Give a unit in the name or by type (``Bps``, ``Ppm``), and say its meaning in a docstring or in
    ``attrs.field(metadata={"doc": "…"})``.
    """
    return attrs.frozen(kw_only=True)(cls)


@settings
class NoSettings:
    """For plugins that have nothing to set."""


class Plugin(ABC):
    """The base of every plugin class.

    Set ``name`` (what stands in the configuration) and, where there is something to set, annotate ``settings`` with a class made by
    ``tidemill.settings``. The kernel makes one instance per enabled table and passes the checked settings in.
    """

    name: ClassVar[str]
    settings: Any

    def __init__(self, settings: object | None = None) -> None:
        self.settings = settings if settings is not None else self.settings_class()()

    @classmethod
    def settings_class(cls) -> type[Any]:
        """Return the settings class that the annotation of ``settings`` names.

        Raises:
            PluginContractError: the annotation cannot be resolved or is not a class made by ``tidemill.settings``.
        """
        for base in cls.__mro__:
            if base is Plugin:
                break
            if "settings" in get_annotations(base):
                try:
                    found = get_type_hints(base)["settings"]
                except NameError as error:
                    raise PluginContractError(cls.name, f"its settings annotation cannot be resolved: {error}") from error
                if not (isinstance(found, type) and attrs.has(found)):
                    raise PluginContractError(cls.name, f"settings is annotated with {found!r}: use a class made by tidemill.settings")
                return found
        return NoSettings

    @classmethod
    def check_settings(cls, settings: object) -> tuple[tuple[str, str], ...]:
        """Return problems that concern several settings at once, as (key, message) pairs; none by default."""
        return ()

    async def diagnose(self) -> Sequence[Finding]:
        """Say whether what the plugin needs of the world is there: ``tidemill doctor`` asks it of every enabled plugin, no run does.

        A plugin that speaks to something outside tries it here, once, without changing anything there, and tells each thing with its
        remedy; what cannot be reached is a finding, not an exception. After some seconds it is no longer waited for. Nothing by default.
        """
        return ()
