"""``make docs``: renew pages made of declarations, Jupyter notebooks, and the README's demo."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.documentation.generated import write_pages
from tests.documentation.pages import README, demo_output, with_demo_block
from tests.notebooks.export import write_exports

if __name__ == "__main__":
    write_pages()
    write_exports()
    with tempfile.TemporaryDirectory() as folder:
        output = demo_output(Path(folder))
    README.write_text(with_demo_block(README.read_text("utf-8"), output), "utf-8")
