"""The notebooks, and the Jupyter form of each that stands beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = tuple(path for path in sorted(FOLDER.glob("*.py")) if "marimo.App(" in path.read_text())


def exported(notebook: Path) -> str:
    """Return a notebook as Jupyter reads it, without what it printed."""
    with TemporaryDirectory() as folder:
        written = Path(folder) / "notebook.ipynb"
        command = [
            *(sys.executable, "-m", "marimo", "--quiet", "export", "ipynb", notebook.name),
            *("--sort", "top-down", "--no-include-outputs", "--output", str(written)),
        ]
        subprocess.run(command, cwd=notebook.parent, check=True)  # noqa: S603 - our own command
        return written.read_text("utf-8").rstrip("\n") + "\n"


def write_exports() -> None:
    """Write the Jupyter form of every notebook, and remove those of none."""
    exports = {notebook.with_suffix(".ipynb"): exported(notebook) for notebook in NOTEBOOKS}
    for path in {*FOLDER.glob("*.ipynb")} - exports.keys():
        path.unlink()
    for path, text in exports.items():
        path.write_text(text, "utf-8")
