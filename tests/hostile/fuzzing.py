"""Whole files as nobody should send them: random bytes, and random edits of good ones."""

from __future__ import annotations

import gzip
from collections import defaultdict
from functools import cache

from hypothesis import strategies as st

from tests.hostile.mutations import golden_lines
from tests.tables.parsing import joined

_GOOD = b'{"id":"good","name":"usual"}\n'
# what careless writers, cuts and other programs leave in files
_INSERTED = (
    *(b"\n", b"\n\n\n", b"\r\n", b"\r", b" ", b"\t", b"\x00", b"\x0b\x0c", b"\xff\xfe", b"\xc3"),
    *(b"\xef\xbb\xbf", "\u2028\u2029\u0085".encode(), b"NaN", b"Infinity", b"\\ud800", b"\\u0000"),
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"}{", b"}\n{", b"null", b"7" * 5_000),
    *(
        str(2**64 + 1).encode(),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        gzip.compress(_GOOD * 9, mtime=0),
    ),
)
WHOLE_FILES = (
    *(b"", b"\n", b"\n" * 1_000, b"\r\n\r\n", b" \t\r\n", b"\xef\xbb\xbf", b"\x00", b"\xff" * 300),
    *(_GOOD.replace(b"\n", b"\r\n") * 3, _GOOD.rstrip(b"\n"), b"\xef\xbb\xbf" + _GOOD * 2),
    *(_GOOD.decode().encode("utf-16"), gzip.compress(_GOOD * 50, mtime=0), b"[" * 200_000 + b"\n"),
    *(b"[" + _GOOD.replace(b"\n", b",\n") * 2 + b"{}]", b"<html>\n<body>503</body>\n</html>\n"),
    *(b'id,name\r\n1,"two\r\nlines"\r\n', _GOOD + b'{"id":"cut","na', b"PAR1" + bytes(range(256))),
)


@cache
def lines_by_table() -> dict[str, list[bytes]]:
    """Return the golden lines that are records, by table."""
    lines: defaultdict[str, list[bytes]] = defaultdict(list)
    for table, line in golden_lines():
        lines[table].append(line)
    return dict(lines)


@st.composite
def edited_files(draw: st.DrawFn, table: str) -> bytes:
    """Draw some golden lines of a table and change their bytes in up to eight places."""
    lines = draw(st.lists(st.sampled_from(lines_by_table()[table]), min_size=1, max_size=6))
    data = bytearray(joined(lines))
    for _ in range(draw(st.integers(0, 8))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["flip", "cut", "insert", "repeat"])):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at : at + draw(st.integers(0, 40))]
            case "repeat":
                data[at:at] = data[max(0, at - draw(st.integers(0, 400))) : at]
            case _:
                data[at:at] = draw(st.sampled_from(_INSERTED))
    return bytes(data)


def files_of(table: str) -> st.SearchStrategy[bytes]:
    """Return files that say they are of a table."""
    return edited_files(table) | st.binary(max_size=400) | st.sampled_from(WHOLE_FILES)
