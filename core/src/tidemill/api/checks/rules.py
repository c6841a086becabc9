"""Every rule, in order of its number."""

from tidemill.api.checks.hook import class_name, hook_marked, hook_returns_classes, module_exists
from tidemill.api.checks.imports import declared, no_other_plugin, public_kernel
from tidemill.api.checks.paths import no_path_tricks
from tidemill.api.checks.project import host_bounds, known_group, licence, own_name, readme
from tidemill.api.checks.purity import deciding_code, pure_modules, whole_numbers
from tidemill.api.checks.quality import done_is_done, well_formed
from tidemill.api.checks.rule import StaticRule
from tidemill.api.checks.suites import tested
from tidemill.api.checks.syntax import readable

STATIC_RULES: tuple[StaticRule, ...] = tuple(
    sorted(
        (
            readable,
            known_group,
            module_exists,
            hook_marked,
            hook_returns_classes,
            class_name,
            own_name,
            host_bounds,
            public_kernel,
            no_other_plugin,
            declared,
            no_path_tricks,
            pure_modules,
            whole_numbers,
            deciding_code,
            readme,
            licence,
            well_formed,
            done_is_done,
            tested,
        ),
        key=lambda rule: rule.number,
    )
)
