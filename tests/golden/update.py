"""``python -m tests.golden.update`` writes the expected files anew. Read the diff: it is the test.

A changed expected file is a changed data contract; say in the commit why it had to change.
"""

from __future__ import annotations

import sys

from tests.golden.pairs import pairs, parsed, shown
from tests.golden.report_pairs import parsed_report, report_pairs, shown_report


def main() -> None:
    """Write the expected file of every pair."""
    for pair in pairs():
        pair.expected_path.write_text(shown(*parsed(pair)), "utf-8")
        sys.stdout.write(f"{pair.expected_path.name}\n")
    for report in report_pairs():
        report.expected_path.write_text(shown_report(*parsed_report(report)), "utf-8")
        sys.stdout.write(f"{report.expected_path.name}\n")


if __name__ == "__main__":
    main()
