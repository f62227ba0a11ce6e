"""What is small on the wire and large when unpacked costs little memory."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from tests.memory import growth

Serve = Callable[[Callable[[bytes], bytes]], tuple[str, list[bytes]]]
MB = 1_000_000
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n"


def packed(size: int) -> bytes:
    """Return newlines, as many as `size`, as one gzip member."""
    packer = zlib.compressobj(9, wbits=31)
    block = b"\n" * MB
    return b"".join(packer.compress(block) for _ in range(size // MB)) + packer.flush()


def served(serve: Serve, body: bytes) -> str:
    answer = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    url, _ = serve(lambda _: answer)
    return url


@pytest.mark.parametrize(
    ("work", "size", "bound"),
    [
        pytest.param("download", 100 * MB, 24 * MB, id="a file"),
        pytest.param("download", 1000 * MB, 24 * MB, id="a large file", marks=pytest.mark.slow),
        # a list is held in memory, up to the client's bound
        pytest.param("list", 1000 * MB, 330 * MB, id="a large list", marks=pytest.mark.slow),
    ],
)
def test_a_gzip_bomb_costs_bounded_memory(
    serve: Serve, work: str, size: int, bound: int, show_figures: Callable[[str], None]
) -> None:
    body = packed(size)
    small = served(serve, gzip.compress(b"[]\n"))
    grown = growth(work, small, served(serve, body))
    show_figures(
        f"22  {size // MB:,} MB out of {len(body) / MB:.1f} MB of gzip, {work}: "
        f"{grown / MB:.1f} MB of memory"
    )
    assert grown < bound
