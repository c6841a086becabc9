"""Whether a plugin's distribution was made for this version of its host, by its own word."""

from importlib.metadata import PackageNotFoundError, distribution

from tidemill import __version__
from tidemill.discovery.versions import parse_requirement

HOST = "tidemill"


def host_refusal(name: str) -> str | None:
    """Return why a distribution does not fit this tidemill, or None where it does or says nothing of it.

    Installers keep these bounds; what was installed past them (``--no-deps``), or stayed when its host was replaced, does not.
    """
    try:
        requires = distribution(name).requires or ()
    except (PackageNotFoundError, ValueError):
        return None
    for text in requires:
        bounds = parse_requirement(text)
        # A marker may leave a requirement out: then nothing is known to be wrong
        if bounds is not None and bounds.name == HOST and ";" not in text and not bounds.allows(__version__):
            return f"needs {text}, and this is {HOST} {__version__}: install a {name} that fits, or the {HOST} that it wants"
    return None
