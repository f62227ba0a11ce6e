"""Run a notebook as a script, off the network, and tell what it showed.

``python tests/notebooks/watched_run.py NOTEBOOK RESULT``
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import altair as alt
import marimo


def _refuse_connections(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.getaddrinfo"}:
        raise RuntimeError(f"a notebook wants to reach {arguments}")


def main(notebook: Path, result: Path) -> None:
    """Write the charts, tables and sentences that the notebook made."""
    sys.addaudithook(_refuse_connections)
    shown: dict[str, Any] = {"charts": {}, "tables": [], "sentences": []}
    run = marimo.App.run

    def watched(app: marimo.App) -> Any:  # noqa: ANN401 - marimo's
        outputs, definitions = run(app)
        for name, value in definitions.items():
            if isinstance(value, alt.TopLevelMixin):
                shown["charts"][name] = value.to_dict()
        for output in outputs:
            if (kind := type(output).__name__) in {"Shown", "Sentence"}:
                shown["tables" if kind == "Shown" else "sentences"].append(output._repr_html_())
        return outputs, definitions

    marimo.App.run = watched  # type: ignore[method-assign, assignment] # to see what it showed
    sys.argv = [str(notebook)]
    sys.path[0] = str(notebook.parent)
    runpy.run_path(str(notebook), run_name="__main__")
    result.write_text(json.dumps(shown), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
