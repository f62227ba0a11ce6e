"""One command as a whole process tree: wall clock, processor seconds, peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

_LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Measurement:
    """Seconds inside the command, processor seconds and peak bytes of memory of its tree."""

    seconds: float
    processor_seconds: float
    peak_bytes: int


def measure(module: str, *arguments: Path | str) -> Measurement:
    """Run ``python -m module arguments`` and measure it.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    before = os.times()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own modules
        peak = _Peak(process.pid)
        output, _ = process.communicate()
        peak.stop()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    after = os.times()
    used = sum(after[2:4]) - sum(before[2:4])
    return Measurement(json.loads(output)["seconds"], used, peak.bytes)


class _Peak:
    """Watches the memory of a process and all its children."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.is_set():
            self.bytes = max(self.bytes, self._now())
            time.sleep(_LOOK_EVERY_SECONDS)

    def _now(self) -> int:
        total = 0
        try:
            tree = [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        for process in tree:
            try:
                # pages that processes share count once
                total += process.memory_full_info().pss
            except psutil.NoSuchProcess:
                continue
        return total
