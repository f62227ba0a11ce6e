"""A file of an export job from this machine: through our client, or with the standard library.

Our client checks that it is whole, hashes it, syncs it to disk and renames it; the baseline copies
the same answer to a file.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

from pipelines.runner import open_client
from sources.gladly.settings import JOBS_PATH, GladlySettings
from sources.http.download import download_file
from sources.http.hosts import path_segment

_PIECE_BYTES = 1 << 20


def fetch(base_url: str, email: str, api_token: str, path: str, target: Path) -> float:
    """Fetch a path through our client and return the seconds it took."""
    settings = GladlySettings()
    settings.base_url, settings.email, settings.api_token = base_url, email, api_token
    with open_client(settings) as client:
        started = time.perf_counter()
        download_file(client, path, target)
        return time.perf_counter() - started


def copy(base_url: str, email: str, api_token: str, path: str, target: Path) -> float:
    """Copy a path with the standard library and return the seconds it took."""
    pair = base64.b64encode(f"{email}:{api_token}".encode()).decode()
    request = Request(base_url + path, headers={"Authorization": f"Basic {pair}"})  # noqa: S310 - of this machine
    started = time.perf_counter()
    with target.open("wb") as file, urlopen(request) as answer:  # noqa: S310 - the same
        shutil.copyfileobj(answer, file, _PIECE_BYTES)
    return time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--standard-library", action="store_true")
    for argument in ("base_url", "email", "api_token", "job_id", "name", "folder"):
        parser.add_argument(argument)
    given = parser.parse_args()
    file_path = f"{JOBS_PATH}/{path_segment(given.job_id)}/files/{path_segment(given.name)}"
    way = copy if given.standard_library else fetch
    with TemporaryDirectory(dir=given.folder) as place:
        target_file = Path(place) / given.name
        seconds = way(given.base_url, given.email, given.api_token, file_path, target_file)
    print(json.dumps({"seconds": seconds}))
