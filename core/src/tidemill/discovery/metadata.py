"""What is known of an installed plugin without importing it."""

from attrs import frozen

from tidemill.discovery.reserved import clash, command_name
from tidemill.hookspecs.kinds import KIND_BY_FOLDER, KIND_BY_NAME


@frozen(order=True)
class PluginMetadata:
    """One entry point of a group ``tidemill.<kind>.v<N>``.

    ``interface_version`` is that N; ``version`` and ``summary`` are the distribution's. ``module`` is the entry point's value: a module,
    or ``module:attribute`` where the hooks stand on an object in it. ``kind`` may be one that this kernel does not know.
    """

    kind: str
    name: str
    interface_version: int
    distribution: str
    version: str
    summary: str
    module: str

    @property
    def path(self) -> str:
        """``<folder>.<name>``, as people write it."""
        kind = KIND_BY_NAME.get(self.kind)
        return f"{kind.folder if kind is not None else self.kind}.{self.name}"

    @property
    def refusal(self) -> str | None:
        """Why this kernel does not load the plugin, or None where it can."""
        kind = KIND_BY_NAME.get(self.kind)
        if kind is None:
            meant = KIND_BY_FOLDER.get(self.kind)
            if meant is not None:
                group = f"tidemill.{self.kind}.v{self.interface_version}"
                return f"stands in group {group}, which is that of no kind: its pyproject.toml must say {meant.group}"
            return f"is of kind {self.kind}, which this version of tidemill does not know; install a newer tidemill"
        if self.interface_version == kind.version:
            return (clash(command_name(self.name)) or None) if kind.name == "command" else None
        wanted = "a newer tidemill" if self.interface_version > kind.version else f"a newer {self.distribution}"
        return (
            f"is made for version {self.interface_version} of the {kind.name} interface,"
            f" this tidemill supports version {kind.version}: install {wanted}"
        )
