"""The page of the pipeline's order."""

from scripts.docs.markdown import block, page, table
from tidemill.hookspecs.kinds import KIND_BY_NAME
from tidemill.stages.flow import FLOW, draw_flow


def flow_page() -> str:
    """The order of the pipeline, as `FLOW` has it."""
    rows = [
        (stage.name, stage.takes, stage.gives, ", ".join(f"{kind} ({KIND_BY_NAME[kind].folder})" for kind in stage.kinds), stage.sentence)
        for stage in FLOW
    ]
    return page(
        "The flow",
        "`tidemill.stages.flow.FLOW`",
        "`tidemill explain` draws it with your own plugins.",
        block(draw_flow()),
        table(("stage", "takes", "gives", "plugin kinds that serve it (folder)", "what it does"), rows),
    )
