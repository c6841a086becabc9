"""The last lines say what did not run and why, and how many tests did."""

from pathlib import Path

import pytest

from scripts import lanes

XML = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><failure/></testcase><testcase name="c"><error/></testcase>
<testcase name="d"><skipped message="data not found at x: set D"/></testcase>
<testcase name="e"><skipped message="data not found at y: set D"/></testcase>
<testcase name="f"><skipped message="node is absent"/></testcase>
</testsuite></testsuites>"""


def test_results_are_counted_and_reasons_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Errors count as failed; reasons that differ in the place alone are one line."""
    path = tmp_path / "tests.xml"
    path.write_text(XML, "utf-8")

    lanes.main(["bytecode: npm is absent"], path)

    assert capsys.readouterr().out.splitlines() == [
        "not run: bytecode: npm is absent",
        "not run: 2 tests: data not found at x: set D",
        "not run: 1 test: node is absent",
        "tests: 1 passed, 2 failed, 3 skipped",
    ]


def test_run_without_tests_says_nothing_of_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a session without tests nor one whose tests never began claims any."""
    lanes.main([], None)
    lanes.main([], tmp_path / "absent.xml")

    assert capsys.readouterr().out == ""
