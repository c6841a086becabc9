"""The example of the README runs."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_readme_example_holds() -> None:
    """Every assertion of the example is true."""
    examples = re.findall(r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)

    assert 1 == len(examples)
    exec(compile(examples[0], str(README), "exec"), {})
