"""Which page is made by what."""

from collections.abc import Callable, Mapping
from functools import partial

from scripts.docs.commands import command_line_page
from scripts.docs.configuration import configuration_page
from scripts.docs.conformance import conformance_page, index_page, suites
from scripts.docs.errors import errors_page
from scripts.docs.events import events_page
from scripts.docs.evm import evm_page
from scripts.docs.flow import flow_page
from scripts.docs.hooks import hooks_page, values_page
from scripts.docs.modules import modules_page
from scripts.docs.python_api import python_page
from scripts.docs.quality import quality_page
from scripts.docs.testing import testing_page

Page = Callable[[], str]


def pages() -> Mapping[str, Page]:
    """Return every page by its path from the repository's top."""
    return {
        "docs/flow.md": flow_page,
        "docs/modules.md": modules_page,
        "docs/reference/command-line.md": command_line_page,
        "docs/reference/configuration.md": configuration_page,
        "docs/reference/conformance.md": index_page,
        "docs/reference/errors.md": errors_page,
        "docs/reference/events.md": events_page,
        "docs/reference/evm.md": evm_page,
        "docs/reference/hooks.md": hooks_page,
        "docs/reference/python.md": python_page,
        "docs/reference/quality.md": quality_page,
        "docs/reference/testing.md": testing_page,
        "docs/reference/values.md": values_page,
        **{f"docs/reference/conformance/{kind}.md": partial(conformance_page, kind) for kind in suites()},
    }
