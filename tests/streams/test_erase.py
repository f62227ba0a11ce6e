"""Exactly the records that name somebody become blank; every other byte stays where it is."""

import csv
import io
import json
from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.streams import erase
from sources.streams.erase import ErasedLines, Sought, erase_lines
from sources.streams.lines import read_lines

MANY = settings(max_examples=200, derandomize=True, deadline=None)
GONE = {"gone-1": "gone-1", "gone-2": "gone-2", "talk-1": "gone-1"}
INITIATORS = ("initiator", "initiator_id")


def erased(
    data: bytes, ids: Collection[str] = (), *, is_csv: bool = False
) -> tuple[bytes, ErasedLines]:
    owners = {name: name for name in ids} or GONE
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        counts = erase_lines(path, Sought(owners, INITIATORS), is_csv=is_csv)
        assert [file.name for file in Path(folder).iterdir()] == ["file"]
        return path.read_bytes(), counts


def blanked(line: bytes) -> bytes:
    return bytes(byte if byte in b"\r\n" else ord(" ") for byte in line)


NAMING = {
    "as a member's value": b'{"id":"a","customerId":"gone-1"}',
    "deep inside": b'{"content":{"context":[1,{"x":["gone-2"]}]}}',
    "as a member's name": b'{"byCustomer":{"gone-1":{}}}',
    "by a conversation": b'{"conversationId":"talk-1"}',
    "under a name that comes twice": b'{"customerId":"gone-1","customerId":"stays"}',
    "in a line that is cut": b'{"customerId":"gone-1","content":{"te',
    "in a line that is not UTF-8": b'{"customerId":"gone-1","text":"caf\xe9"}',
    "in a line too deep to read": b'{"customerId":"gone-1","x":' + b"[" * 100_000,
    "beside an initiator": b'{"initiator":{"id":"gone-1"},"customerId":"gone-1"}',
}
NOT_NAMING = {
    "another id": b'{"customerId":"gone-10"}',
    "another case": b'{"customerId":"GONE-1"}',
    "a part of a text": b'{"content":"gone-1 wrote"}',
    "quoted inside a text": b'{"content":"he said \\"gone-1\\", twice"}',
    "the initiator only": b'{"initiator":{"id":"gone-1","type":"CUSTOMER"},"customerId":"stays"}',
    "nothing": b"",
}


@pytest.mark.parametrize("line", NAMING.values(), ids=NAMING.keys())
def test_a_line_that_names_somebody_becomes_blank(line: bytes) -> None:
    before, after = b'{"id":"b"}\r\n', b'{"id":"c"}\n'
    data, counts = erased(before + line + b"\n" + after + line)
    assert data == before + blanked(line) + b"\n" + after + blanked(line)
    assert counts.records == 2


@pytest.mark.parametrize("line", NOT_NAMING.values(), ids=NOT_NAMING.keys())
def test_a_line_that_names_nobody_stays(line: bytes) -> None:
    other = NAMING["as a member's value"]
    data, counts = erased(line + b"\n" + other + b"\n" + line)
    assert data == line + b"\n" + blanked(other) + b"\n" + line
    assert (counts.records, counts.by_owner) == (1, {"gone-1": 1})


@pytest.mark.parametrize("name", ["a/b", "café", "𝛑", 'a"b', "a\\b", "a,b", "line\nbreak"])
@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "as it is"])
def test_a_name_is_found_however_json_writes_it(name: str, ascii_only: bool) -> None:  # noqa: FBT001 - a parameter of the test
    plain = json.dumps({"customerId": name}, ensure_ascii=ascii_only)
    in_capitals = json.dumps(name).replace("u00e9", "u00E9")
    lines = {plain, plain.replace("/", "\\/"), f'{{"customerId":{in_capitals}}}'}
    data, counts = erased("\n".join(sorted(lines)).encode(), [name])
    assert not data.strip()
    assert counts.records == len(lines)


def test_nobody_is_called_nothing() -> None:
    data = b'{"customerId":""}\n'
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        assert erase_lines(path, Sought({"": ""}), is_csv=False).records == 0
        assert path.read_bytes() == data


def test_a_line_too_long_for_memory_is_blanked_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    small = partial(read_lines, chunk_bytes=64, max_line_bytes=64)
    monkeypatch.setattr(erase, "read_lines", small)
    monkeypatch.setattr(erase, "CHUNK_BYTES", 7)
    long = json.dumps({"text": "x" * 100, "customerId": "gone-1", "more": "y" * 100}).encode()
    other = long.replace(b"gone-1", b"gone-3")
    data, counts = erased(other + b"\n" + long + b"\n" + other + b"\n")
    assert data == other + b"\n" + blanked(long) + b"\n" + other + b"\n"
    assert counts.records == 1


def test_a_file_without_a_name_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'{"customerId":"stays"}\n{"content":"gone-1 \\"gone-1\\""}\n')
    before = path.stat()
    erase_lines(path, Sought(GONE), is_csv=False)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_csv_record_is_blanked_over_all_its_lines() -> None:
    header = b"Customer ID,Initiator ID,Text\r\n"
    mine = b'gone-1,agent,"first\r\nsecond, ""third"""\r\n'
    other = b'stays,gone-1,"gone-1, he wrote"\r\n'
    broken = b'gone-2,agent,"cut" here\r\n'
    data, counts = erased(header + other + mine + other + broken + other, is_csv=True)
    assert data == header + other + blanked(mine) + other + blanked(broken) + other
    assert counts.by_owner == {"gone-1": 1, "gone-2": 1}
    assert data.count(b"\n") == 7


_IDS = st.text(st.sampled_from('ab/,"\\é\n'), min_size=1, max_size=3)
_VALUES = st.recursive(
    _IDS | st.integers() | st.none() | st.just(""),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_IDS, inner, max_size=3),
    max_leaves=5,
)


def strings(value: object) -> set[str]:
    match value:
        case str():
            return {value}
        case list():
            return {found for inner in value for found in strings(inner)}
        case dict():
            return {found for pair in value.items() for inner in pair for found in strings(inner)}
    return set()


@MANY
@given(
    values=st.lists(_VALUES, max_size=8),
    ids=st.sets(_IDS, min_size=1, max_size=3),
    escape=st.booleans(),
)
def test_exactly_the_lines_that_hold_an_id_become_blank(
    values: Sequence[object], ids: set[str], *, escape: bool
) -> None:
    lines = [json.dumps(value, ensure_ascii=escape).encode() for value in values]
    named = [strings(value) & ids for value in values]
    data, counts = erased(b"\n".join(lines), ids)
    expected = [blanked(line) if hit else line for line, hit in zip(lines, named, strict=True)] or [
        b""
    ]
    assert data.split(b"\n") == expected
    assert counts.records == sum(map(bool, named))
    assert counts.by_owner == Counter(name for hit in named for name in hit)


@MANY
@given(
    records=st.lists(st.lists(_IDS, min_size=3, max_size=3), max_size=8),
    ids=st.sets(_IDS, min_size=1, max_size=3),
    quote_all=st.booleans(),
)
def test_exactly_the_csv_records_that_hold_an_id_become_blank(
    records: list[list[str]], ids: set[str], *, quote_all: bool
) -> None:
    def written(rows: list[list[str]]) -> bytes:
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL).writerows(rows)
        return text.getvalue().encode()

    header = ["one", "two", "three"]
    data, counts = erased(written([header, *records]), ids, is_csv=True)
    expected = [
        blanked(written([record])) if ids & set(record) else written([record]) for record in records
    ]
    assert data == written([header]) + b"".join(expected)
    assert counts.records == sum(bool(ids & set(record)) for record in records)
