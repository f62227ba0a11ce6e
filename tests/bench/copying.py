"""The baseline of a download: the standard library copies the same answer to a file."""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

_PIECE_BYTES = 1 << 20


def copy(base_url: str, email: str, api_token: str, job_id: str, name: str, folder: Path) -> float:
    """Copy a file of an export job and return the seconds it took; nothing of it is checked."""
    pair = base64.b64encode(f"{email}:{api_token}".encode()).decode()
    request = Request(  # noqa: S310 - of this machine
        f"{base_url}/api/v1/export/jobs/{job_id}/files/{name}",
        headers={"Authorization": f"Basic {pair}"},
    )
    started = time.perf_counter()
    with TemporaryDirectory(dir=folder) as place, (Path(place) / name).open("wb") as file:
        with urlopen(request) as answer:  # noqa: S310 - the same
            shutil.copyfileobj(answer, file, _PIECE_BYTES)
        return time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for argument in ("base_url", "email", "api_token", "job_id", "name", "folder"):
        parser.add_argument(argument)
    given = vars(parser.parse_args())
    given["folder"] = Path(given["folder"])
    print(json.dumps({"seconds": copy(**given)}))
