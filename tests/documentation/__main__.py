"""``make docs``: renew what the README shows of the demo."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.documentation.pages import README, demo_output, with_demo_block

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        output = demo_output(Path(folder))
    README.write_text(with_demo_block(README.read_text("utf-8"), output), "utf-8")
