"""Reading and renewing the documents."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from sources.gladly.report_types import REPORTS

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PROMISES = ROOT / "PROMISES.md"
_DEMO = re.compile(r"(<!-- demo -->\n```text\n).*?(```)", re.DOTALL)
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
# a list that the demo prints: its header, some of its rows, and the others
_ROW = r"(?:(?!table  ).*\S {2,}\S.*\n)"
_LIST = re.compile(
    rf"^((?:data from|table|model) {{2}}.*\n{_ROW}{{5}})({_ROW}{{2,}})", re.MULTILINE
)
_SECONDS = re.compile(r"\d+\.\d+ seconds")


def demo_output(folder: Path) -> str:
    """Run the demo as a user would and return what it prints, with paths as in the README."""
    command = [sys.executable, "-m", "pipelines", "demo", "--folder", "data/demo"]
    result = subprocess.run(  # noqa: S603 - our own command
        command, cwd=folder, capture_output=True, text=True, check=True
    )
    return "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return [text for name, text in _BLOCK.findall(page) if name == language]


def commands(page: str) -> list[str]:
    """Return the commands shown at a prompt, without comments."""
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    shown = (line.removeprefix("$ ").split(" #")[0].strip() for line in lines if line[:2] == "$ ")
    return [command for command in shown if command]


def demo_block(page: str) -> str:
    """Return the demo's output as the README shows it."""
    match = _DEMO.search(page)
    return match[0].removeprefix(match[1]).removesuffix(match[2]) if match else ""


def shortened(output: str) -> str:
    """Return what the demo prints with its long lists cut, and how much was cut."""
    return _LIST.sub(lambda match: f"{match[1]}... {match[2].count(chr(10))} more\n", output)


def with_demo_block(page: str, output: str) -> str:
    """Return the README with the demo's output renewed."""
    return _DEMO.sub(lambda match: match[1] + shortened(output) + match[2], page)


def without_seconds(text: str) -> str:
    """Return the text with every duration masked: it differs from run to run."""
    return _SECONDS.sub("N seconds", text)


def report_rows() -> list[str]:
    """Return the table of docs/reports.md: a row a report, made of its declaration."""
    return [
        f"| `{report.table}` | {report.metric_set} | {report.row} | {report.trailing_days} | "
        f"{'yes' if report.is_default else ''} |"
        for report in REPORTS.values()
    ]
