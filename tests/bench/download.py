"""Our client fetching a file from this machine: whole, hashed, synced to disk and renamed."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.runner import open_client
from sources.gladly.settings import JOBS_PATH, GladlySettings
from sources.http.download import download_file
from sources.http.hosts import path_segment


def fetch(base_url: str, email: str, api_token: str, job_id: str, name: str, folder: Path) -> float:
    """Fetch a file of an export job and return the seconds it took."""
    settings = GladlySettings()
    settings.base_url, settings.email, settings.api_token = base_url, email, api_token
    with open_client(settings) as client, TemporaryDirectory(dir=folder) as place:
        started = time.perf_counter()
        path = f"{JOBS_PATH}/{path_segment(job_id)}/files/{path_segment(name)}"
        download_file(client, path, Path(place) / name)
        return time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for argument in ("base_url", "email", "api_token", "job_id", "name", "folder"):
        parser.add_argument(argument)
    given = vars(parser.parse_args())
    given["folder"] = Path(given["folder"])
    print(json.dumps({"seconds": fetch(**given)}))
