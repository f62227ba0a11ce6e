import errno
import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.http import (
    ApiClient,
    GapError,
    GiveUpError,
    HelpdeskError,
    RetryableError,
    RetryPolicy,
    TruncatedError,
    UnsafeError,
    download_file,
)
from sources.http.bodies import PIECE_BYTES, decoded, gunzipped

Serve = Callable[[Callable[[bytes], bytes]], tuple[str, list[bytes]]]
Connect = Callable[..., ApiClient]

FILE = b'{"id": "a", "text": "eins"}\n{"id": "b"}\n{"id": "c"}\n'
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
GZIP = OK + b"Content-Encoding: gzip\r\n"
# the first member ends inside a line: a cut between members is then no whole file either
TWO_MEMBERS = gzip.compress(FILE[:20], mtime=0) + gzip.compress(FILE[20:], mtime=0)
ONE_MEMBER = gzip.compress(FILE, mtime=0)


def with_length(head: bytes, body: bytes) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(head: bytes, body: bytes, size: int = 9) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + sent + b"0\r\n\r\n"


def always(answer: bytes) -> Callable[[bytes], bytes]:
    return lambda _: answer


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


ONCE = RetryPolicy(attempts=1)

WHOLE_ANSWERS = {
    "length": with_length(OK, FILE),
    "chunked": chunked(OK, FILE),
    "gzip, length": with_length(GZIP, ONE_MEMBER),
    "gzip, chunked": chunked(GZIP, ONE_MEMBER),
    "two gzip members, length": with_length(GZIP, TWO_MEMBERS),
    "two gzip members, chunked": chunked(GZIP, TWO_MEMBERS),
}


@pytest.mark.parametrize("answer", WHOLE_ANSWERS.values(), ids=WHOLE_ANSWERS.keys())
def test_only_the_uncut_answer_becomes_a_file(
    serve: Serve,
    connect: Connect,
    tmp_path: Path,
    answer: bytes,
    count_trials: Callable[[int], None],
) -> None:
    cut = 0
    url, _ = serve(lambda _: answer[:cut])
    client = connect(url, retry=ONCE)
    taken_for_whole = []
    for cut in range(len(answer) + 1):
        target = tmp_path / str(cut)
        try:
            download_file(client, "/file", target)
        except HelpdeskError:
            assert files_in(tmp_path) == []
        else:
            taken_for_whole.append(cut)
            assert target.read_bytes() == FILE
    count_trials(len(answer) + 1)
    assert taken_for_whole == [len(answer)]


@pytest.mark.parametrize("body", [FILE, ONE_MEMBER, TWO_MEMBERS], ids=["plain", "gzip", "two"])
def test_a_close_delimited_answer_is_never_taken_for_whole(
    serve: Serve,
    connect: Connect,
    tmp_path: Path,
    body: bytes,
    count_trials: Callable[[int], None],
) -> None:
    head = OK if body is FILE else GZIP
    cuts = iter(range(len(body) + 1))
    url, _ = serve(lambda _: head + b"\r\n" + body[: next(cuts)])
    client = connect(url, retry=ONCE)
    for _ in range(len(body) + 1):
        with pytest.raises(TruncatedError, match="marks no end"):
            download_file(client, "/file", tmp_path / "file")
    assert files_in(tmp_path) == []
    count_trials(len(body) + 1)


@pytest.mark.parametrize(
    ("head", "body"), [(GZIP, ONE_MEMBER), (GZIP, TWO_MEMBERS)], ids=["gzip", "two members"]
)
def test_a_gzip_body_cut_at_its_source_is_noticed_despite_a_matching_length(
    serve: Serve,
    connect: Connect,
    tmp_path: Path,
    head: bytes,
    body: bytes,
    count_trials: Callable[[int], None],
) -> None:
    cuts = iter(range(len(body)))
    url, _ = serve(lambda _: with_length(head, body[: next(cuts)]))
    client = connect(url, retry=ONCE)
    for _ in range(len(body)):
        with pytest.raises(TruncatedError):
            download_file(client, "/file", tmp_path / "file")
    assert files_in(tmp_path) == []
    count_trials(len(body))


def test_a_plain_body_cut_at_its_source_within_a_line_is_noticed(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    url, _ = serve(always(with_length(OK, FILE[:-1])))
    client = connect(url, retry=ONCE)
    with pytest.raises(TruncatedError, match="do not end in a newline"):
        download_file(client, "/file", tmp_path / "file")
    assert files_in(tmp_path) == []
    taken = download_file(client, "/file", tmp_path / "file", require_final_newline=False)
    assert taken.path.read_bytes() == FILE[:-1]


def test_a_broken_download_is_fetched_again_from_its_start(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    whole = with_length(OK, FILE)
    left = [whole[:-30], whole[:-1], with_length(OK + b'ETag: "v2"\r\n', b"[2]\n")]
    url, received = serve(lambda _: left.pop(0))
    seen: list[int] = []
    done = download_file(connect(url), "/file", tmp_path / "file", on_bytes=seen.append)
    assert done.path.read_bytes() == b"[2]\n"
    assert (done.bytes, done.etag) == (4, '"v2"')
    assert done.sha256 == hashlib.sha256(b"[2]\n").hexdigest()
    assert len(received) == 3
    assert seen[-1] == 4


def test_a_download_cut_every_time_tells_the_attempts(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    url, received = serve(always(with_length(OK, FILE)[:-1]))
    with pytest.raises(TruncatedError, match="Tried 3 times"):
        download_file(connect(url), "/file", tmp_path / "file")
    assert len(received) == 3


LINES = OK + b"Content-Type: application/x-ndjson\r\n"


@pytest.mark.parametrize("answer", [with_length(LINES, b""), chunked(LINES, b"")])
def test_an_empty_file_is_whole(
    serve: Serve, connect: Connect, tmp_path: Path, answer: bytes
) -> None:
    url, _ = serve(always(answer))
    done = download_file(connect(url), "/file", tmp_path / "file")
    assert (done.path.read_bytes(), done.bytes) == (b"", 0)


@pytest.mark.parametrize("head", [OK, OK + b"Content-Type: text/plain\r\n"])
def test_an_empty_body_that_is_not_said_to_be_lines_is_asked_for_again(
    serve: Serve, connect: Connect, tmp_path: Path, head: bytes
) -> None:
    answers = iter([with_length(head, b""), chunked(head, b""), with_length(OK, FILE)])
    url, received = serve(lambda _: next(answers))
    done = download_file(connect(url), "/file", tmp_path / "file")
    assert done.path.read_bytes() == FILE
    assert len(received) == 3


def test_identity_encoding_is_asked_for(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    url, received = serve(always(with_length(OK, FILE)))
    download_file(connect(url), "/file", tmp_path / "file")
    assert b"accept-encoding: identity\r\n" in received[0].lower()


def test_files_and_new_folders_are_private_and_old_folders_untouched(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    old.chmod(0o755)
    leftover = old / "new" / "newer" / "file.part"
    url, _ = serve(always(with_length(OK, FILE)))

    def check(_: int) -> None:
        assert stat.S_IMODE(leftover.stat().st_mode) == 0o600

    umask = os.umask(0)
    try:
        target = old / "new" / "newer" / "file"
        download_file(connect(url), "/file", target, on_bytes=check)
    finally:
        os.umask(umask)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (target, *target.parents[:3])]
    assert modes == [0o600, 0o700, 0o700, 0o755]


def test_leftovers_of_a_killed_run_are_replaced(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"untouched")
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file.part").symlink_to(elsewhere)
    url, _ = serve(always(with_length(OK, FILE)))
    download_file(connect(url), "/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == FILE
    assert elsewhere.read_bytes() == b"untouched"
    assert files_in(tmp_path) == ["elsewhere", "file"]


def test_an_old_file_survives_a_failed_download(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    url, _ = serve(always(with_length(OK, FILE)[:-1]))
    with pytest.raises(TruncatedError):
        download_file(connect(url), "/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone_is_a_gap(
    serve: Serve, connect: Connect, tmp_path: Path, status: int
) -> None:
    url, received = serve(always(b"HTTP/1.1 %d Gone\r\nContent-Length: 0\r\n\r\n" % status))
    with pytest.raises(GapError):
        download_file(connect(url), "/file", tmp_path / "file")
    assert len(received) == 1


def test_a_web_page_is_not_a_data_file(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    page = with_length(OK + b"Content-Type: text/html; charset=utf-8\r\n", b"<html></html>\n")
    url, _ = serve(always(page))
    with pytest.raises(RetryableError, match="web page"):
        download_file(connect(url), "/file", tmp_path / "file")
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_explained_and_not_retried(
    serve: Serve, connect: Connect, tmp_path: Path, code: int
) -> None:
    def fill(_: int) -> None:
        raise OSError(code, os.strerror(code))

    url, received = serve(always(with_length(OK, FILE)))
    with pytest.raises(GiveUpError, match="Free space"):
        download_file(connect(url), "/file", tmp_path / "file", on_bytes=fill)
    assert len(received) == 1
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("name", ["x" * 300, "plain/below-a-file"])
def test_a_target_that_cannot_be_written_is_explained_before_it_is_asked_for(
    serve: Serve, connect: Connect, tmp_path: Path, name: str
) -> None:
    (tmp_path / "plain").write_bytes(b"")
    url, received = serve(always(with_length(OK, FILE)))
    with pytest.raises(GiveUpError, match="Could not write"):
        download_file(connect(url), "/file", tmp_path / name)
    assert received == []


def test_an_interruption_leaves_nothing(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    url, _ = serve(always(with_length(OK, FILE)))
    with pytest.raises(KeyboardInterrupt):
        download_file(connect(url), "/file", tmp_path / "file", on_bytes=interrupt)
    assert files_in(tmp_path) == []


def test_a_gzip_bomb_is_stopped_at_the_bound(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    bomb = gzip.compress(bytes(50_000_000), mtime=0)
    url, received = serve(always(with_length(GZIP, bomb)))
    written: list[int] = []
    with pytest.raises(UnsafeError, match="larger than the bound"):
        download_file(
            connect(url), "/file", tmp_path / "file", on_bytes=written.append, max_bytes=3_000_000
        )
    assert max(written) <= 3_000_000
    assert len(received) == 1
    assert files_in(tmp_path) == []


def split(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.lists(st.integers(0, 50)))
def test_gzip_members_are_joined_however_they_arrive(
    members: list[bytes], sizes: list[int]
) -> None:
    sent = b"".join(gzip.compress(member, mtime=0) for member in members)
    assert b"".join(gunzipped(split(sent, sizes))) == b"".join(members)


@given(st.binary(max_size=200), st.lists(st.integers(0, 50)), st.data())
def test_every_cut_gzip_member_is_noticed(
    content: bytes, sizes: list[int], data: st.DataObject
) -> None:
    sent = gzip.compress(content, mtime=0)
    cut = data.draw(st.integers(0, len(sent) - 1))
    with pytest.raises(TruncatedError):
        list(gunzipped(split(sent[:cut], sizes)))


@given(st.binary(max_size=100), st.integers(0, 10_000), st.integers(1, 255))
def test_no_damaged_gzip_body_gives_other_content(content: bytes, place: int, flip: int) -> None:
    sent = bytearray(gzip.compress(content, mtime=0))
    sent[place % len(sent)] ^= flip
    try:
        got = b"".join(gunzipped([bytes(sent)]))
    except TruncatedError:
        return
    assert got == content


def test_decoded_pieces_stay_small() -> None:
    bomb = gzip.compress(bytes(20_000_000), mtime=0)
    sizes = [len(piece) for piece in decoded([bomb], "gzip", None)]
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= PIECE_BYTES


def test_raw_deflate_is_not_mistaken_for_gzip() -> None:
    with pytest.raises(TruncatedError, match="damaged"):
        list(gunzipped([zlib.compress(FILE)]))
