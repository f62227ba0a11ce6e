"""Downloads that go on where they broke off: one version of a file, whole, or none."""

import gzip
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import FaultAction, Sandbox, drop_after
from sources.http import (
    ApiClient,
    HelpdeskError,
    RateBudget,
    RetryPolicy,
    TooLargeError,
    TruncatedError,
    download_content,
    download_file,
)

Serve = Callable[[Callable[[bytes], bytes]], tuple[str, list[bytes]]]
Connect = Callable[..., ApiClient]
Answer = Callable[[bytes], bytes]

# lines of one length: where versions were mixed, no last line would be cut; two are of one size
VERSIONS = [b"".join(b"%s%02d\n" % (name, line) for line in range(9)) for name in (b"a", b"b")]
VERSIONS.append(VERSIONS[0].replace(b"a", b"c") * 2)
SIZE = len(VERSIONS[0])
RANGE = re.compile(rb"(?i)\r\nrange: bytes=(\d+)-\r\n")
IF_RANGE = re.compile(rb"(?i)\r\nif-range: (.*?)\r\n")


def asked_from(request: bytes) -> int | None:
    """Return the first byte that a request asks for; None if it asks for all."""
    found = RANGE.search(request)
    return int(found[1]) if found else None


def framed(status: int, headers: dict[str, str], body: bytes, framing: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if framing == "length":
        lines.append(f"Content-Length: {len(body)}")
    elif framing == "chunked":
        lines.append("Transfer-Encoding: chunked")
        pieces = [body[start : start + 4] for start in range(0, len(body), 4)]
        sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        body = sent + b"0\r\n\r\n"
    return "\r\n".join([*lines, "", ""]).encode() + body


def whole(content: bytes, tag: str, framing: str = "length") -> bytes:
    return framed(200, {"ETag": tag}, content, framing)


def rest(content: bytes, start: int, tag: str, framing: str = "length") -> bytes:
    return framed(206, rest_headers(content, start, tag), content[start:], framing)


def rest_headers(content: bytes, start: int, tag: str) -> dict[str, str]:
    return {"ETag": tag, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}


@dataclass(frozen=True)
class Step:
    """How one request is answered.

    Args:
        version: of the file, at this moment.
        tag: a form of entity tag, or "none".
        framing: how the end of the body is marked.
        ranges: what becomes of a wish for the rest: "obeyed", "ignored", or the name of a lie.
        cut: bytes of the body, as framed, after which the connection ends; None for all.
    """

    version: int
    tag: str
    framing: str
    ranges: str
    cut: int | None


def lies(content: bytes, start: int, tag: str) -> dict[str, tuple[dict[str, str], bytes]]:
    """Return each way to answer 206 with what is not the rest of what was begun."""
    last, size = len(content) - 1, len(content)
    true = rest_headers(content, start, tag)

    def of(told: str, body: bytes) -> tuple[dict[str, str], bytes]:
        return true | {"Content-Range": told}, body

    return {
        "does not look at If-Range": (true, content[start:]),
        "a byte later": of(f"bytes {start + 1}-{last}/{size}", content[start + 1 :]),
        "a byte earlier": of(f"bytes {start - 1}-{last}/{size}", content[start - 1 :]),
        "from the first byte": of(f"bytes 0-{last}/{size}", content),
        "of another size": of(f"bytes {start}-{last + 1}/{size + 1}", content[start:] + b"\n"),
        "of a size it does not tell": of(f"bytes {start}-{last}/*", content[start:]),
        "not to the end": of(f"bytes {start}-{last - 1}/{size}", content[start:-1]),
        "in lines": of(f"lines {start}-{last}/{size}", content[start:]),
        "of two places": of(
            f"bytes {start}-{last}/{size}, bytes 0-1/{size}", content[start:] + content[:2]
        ),
        "of no place": ({"ETag": tag}, content[start:]),
        "of no version": ({"Content-Range": true["Content-Range"]}, b"z" * (size - start - 1)),
        "of a version like it": (true | {"ETag": f"W/{tag}"}, b"z" * (size - start)),
        "in parts": (
            true | {"Content-Type": "multipart/byteranges; boundary=x"},
            b"--x\r\n\r\n" + content[start:] + b"\r\n--x--\r\n",
        ),
        "compressed": (
            true | {"Content-Encoding": "gzip"},
            gzip.compress(content[start:], mtime=0),
        ),
        "shorter than told": (true, content[start:-4]),
        "longer than told": (true, content[start:] + b"zzz\n"),
    }


LIES = tuple(lies(VERSIONS[0], 1, ""))


def answer_of(step: Step, request: bytes) -> bytes:
    content = VERSIONS[step.version]
    tag = f'"{step.version}"'
    start, wanted = asked_from(request), IF_RANGE.search(request)
    told = {"strong": {"ETag": tag}, "weak": {"ETag": f"W/{tag}"}, "none": {}}[step.tag]
    status, headers, body = 200, told, content
    if start is not None and step.ranges in LIES:
        assert wanted is not None
        # a lie about what the content is begins with claiming to be what was asked for
        claimed = tag if step.ranges == "does not look at If-Range" else wanted[1].decode()
        status = 206
        headers, body = lies(content, start, claimed)[step.ranges]
    elif start is not None and step.ranges == "out of reach":
        status, headers, body = 416, {"Content-Range": f"bytes */{len(content)}"}, b""
    elif start is not None and step.ranges == "obeyed" and wanted and wanted[1] == tag.encode():
        if start < len(content):
            status, headers, body = 206, rest_headers(content, start, tag), content[start:]
        else:
            status, headers, body = 416, {"Content-Range": f"bytes */{len(content)}"}, b""
    # a length would give away what is shorter or longer than told
    framing = "chunked" if "than told" in step.ranges and status == 206 else step.framing
    answer = framed(status, headers, body, framing)
    if step.cut is None:
        return answer
    return answer[: answer.index(b"\r\n\r\n") + 4 + step.cut]


HONEST = ("obeyed", "ignored")
STEPS = st.builds(
    Step,
    version=st.integers(0, len(VERSIONS) - 1),
    tag=st.sampled_from(["strong"] * 8 + ["weak", "none"]),
    framing=st.sampled_from(["length", "chunked"] * 4 + ["none"]),
    ranges=st.sampled_from(HONEST) | st.sampled_from([*LIES, "out of reach"]),
    cut=st.none() | st.integers(0, 2 * SIZE),
)
# most scripts begin with what makes the rest worth asking for
BROKEN = st.builds(
    Step,
    version=st.integers(0, len(VERSIONS) - 1),
    tag=st.just("strong"),
    framing=st.just("length"),
    ranges=st.just("obeyed"),
    cut=st.integers(4, SIZE - 1),
)
SCRIPTS = st.builds(
    lambda first, more: [first, *more], BROKEN | BROKEN | STEPS, st.lists(STEPS, max_size=3)
)
# what a version is taken for is its server's word: a body under the tag of another version can be
# noticed by its size or place only, so these lies are told of the version that was begun
OF_ONE_VERSION = ("shorter than told", "longer than told")


def is_fair(steps: list[Step]) -> bool:
    """Whether all that is claimed under one tag is of one version, sizes and places aside."""
    versions = {step.version for step in steps}
    return len(versions) == 1 or not any(step.ranges in OF_ONE_VERSION for step in steps)


@pytest.mark.parametrize("scripts", [200, pytest.param(2_000, marks=pytest.mark.slow)])
def test_any_script_of_cuts_changes_and_lies_leaves_one_version_or_nothing(
    serve: Serve,
    connect: Connect,
    tmp_path: Path,
    scripts: int,
    count_trials: Callable[[int], None],
    show_figures: Callable[[str], None],
) -> None:
    left: list[Step] = []
    url, received = serve(lambda request: answer_of(left.pop(0) if left[1:] else left[0], request))
    client = connect(url, retry=RetryPolicy(attempts=4))
    target = tmp_path / "file"
    seen = Counter[str]()

    @settings(max_examples=scripts, deadline=None, derandomize=True)
    @given(SCRIPTS.filter(is_fair), st.booleans())
    def check(steps: list[Step], ends_well: bool) -> None:  # noqa: FBT001 - drawn
        last = [Step(0, "strong", "length", "obeyed", None)] if ends_well else []
        left[:] = [*steps[: 4 - len(last)], *last]
        received.clear()
        seen["scripts"] += 1
        try:
            done = download_file(client, "/file", target)
        except HelpdeskError:
            seen["no file"] += 1
            assert not ends_well
        else:
            content = target.read_bytes()
            assert content in VERSIONS
            tag = f'"{VERSIONS.index(content)}"'
            assert done.etag in (None, tag, f"W/{tag}")
            assert done.bytes == len(content)
            seen["one version"] += 1
            seen["by a rest"] += asked_from(received[-1]) is not None
        assert {path.name for path in tmp_path.iterdir()} <= {"file"}
        target.unlink(missing_ok=True)

    check()
    assert min(seen["by a rest"], seen["no file"]) > 0
    count_trials(seen["scripts"])
    show_figures(
        f"12  {seen['scripts']:,} scripts of cuts, changes and lies of a server: one version "
        f"{seen['one version']:,} ({seen['by a rest']:,} when the rest was asked for), no file "
        f"{seen['no file']:,}, mixed 0"
    )


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_only_the_uncut_rest_completes_a_file(
    serve: Serve,
    connect: Connect,
    tmp_path: Path,
    framing: str,
    count_trials: Callable[[int], None],
) -> None:
    content, tag = VERSIONS[0], '"0"'
    cut = 0

    def answer(request: bytes) -> bytes:
        start = asked_from(request)
        if start is None:
            return whole(content, tag)[: begun_answer + begun]
        return rest(content, start, tag, framing)[:cut]

    begun_answer = whole(content, tag).index(b"\r\n\r\n") + 4
    url, received = serve(answer)
    client = connect(url, retry=RetryPolicy(attempts=2))
    trials = 0
    for begun in (6, SIZE - 1):
        size = len(rest(content, begun, tag, framing))
        for cut in range(size + 1):
            target = tmp_path / f"{begun}-{cut}"
            trials += 1
            if cut < size:
                with pytest.raises(HelpdeskError):
                    download_file(client, "/file", target)
                assert [*tmp_path.iterdir()] == []
            else:
                download_file(client, "/file", target)
                assert target.read_bytes() == content
                assert asked_from(received[-1]) == begun
                target.unlink()
    count_trials(trials)


def in_turn(*answers: Answer) -> Answer:
    left = list(answers)

    def answer(request: bytes) -> bytes:
        following = left.pop(0) if left[1:] else left[0]
        return following(request)

    return answer


def given_answer(answer: bytes, _: bytes) -> bytes:
    return answer


def cut_after(answer: bytes, size: int) -> Answer:
    return lambda _: answer[: answer.index(b"\r\n\r\n") + 4 + size]


def test_a_broken_download_asks_for_what_is_missing_only(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    content, tag = VERSIONS[2], '"2"'
    url, received = serve(
        in_turn(
            cut_after(whole(content, tag), 10),
            cut_after(rest(content, 10, tag), 20),
            lambda _: rest(content, 30, tag),
        )
    )
    seen: list[int] = []
    done = download_file(connect(url), "/file", tmp_path / "file", on_bytes=seen.append)
    assert done.path.read_bytes() == content
    assert (done.bytes, done.etag) == (len(content), tag)
    assert [asked_from(request) for request in received] == [None, 10, 30]
    assert all(b'\r\nIf-Range: "2"\r\n' in request for request in received[1:])
    assert seen == sorted(seen)


@pytest.mark.parametrize("lie", [*LIES, "out of reach"])
def test_what_is_not_the_rest_is_asked_for_in_full_at_once(
    serve: Serve, connect: Connect, tmp_path: Path, lie: str
) -> None:
    broken = cut_after(whole(VERSIONS[0], '"0"'), 10)
    lying = Step(1, "strong", "length", lie, None)
    url, received = serve(
        in_turn(
            broken, lambda request: answer_of(lying, request), lambda _: whole(VERSIONS[1], '"1"')
        )
    )
    attempts = 3 if lie in OF_ONE_VERSION else 2
    client = connect(url, retry=RetryPolicy(attempts=attempts))
    assert download_file(client, "/file", tmp_path / "file").path.read_bytes() == VERSIONS[1]
    assert [asked_from(request) for request in received] == [None, 10, None]


@pytest.mark.parametrize(
    ("status", "headers"),
    [(503, {}), (429, {"Retry-After": "0"}), (200, {"Content-Type": "text/html"})],
    ids=["503", "429", "a maintenance page"],
)
def test_a_passing_fault_in_between_costs_no_bytes(
    serve: Serve, connect: Connect, tmp_path: Path, status: int, headers: dict[str, str]
) -> None:
    content, tag = VERSIONS[0], '"0"'
    url, received = serve(
        in_turn(
            cut_after(whole(content, tag), 10),
            lambda _: framed(status, headers, b"<html></html>", "length"),
            lambda _: rest(content, 10, tag),
        )
    )
    assert download_file(connect(url), "/file", tmp_path / "file").path.read_bytes() == content
    assert [asked_from(request) for request in received] == [None, 10, 10]


@pytest.mark.parametrize(
    ("headers", "framing"),
    [
        ({}, "length"),
        ({"ETag": 'W/"0"'}, "length"),
        ({"ETag": '""'}, "length"),
        ({"ETag": "0"}, "length"),
        ({"ETag": '"0", "1"'}, "length"),
        ({"ETag": '"0"', "Content-Encoding": "gzip"}, "length"),
        ({"ETag": '"0"'}, "chunked"),
    ],
    ids=["no tag", "weak", "empty", "bare", "two", "encoded", "no size"],
)
def test_without_a_strong_tag_a_size_and_plain_bytes_nothing_is_resumed(
    serve: Serve, connect: Connect, tmp_path: Path, headers: dict[str, str], framing: str
) -> None:
    is_encoded = "Content-Encoding" in headers
    body = gzip.compress(VERSIONS[0], mtime=0) if is_encoded else VERSIONS[0]
    answer = framed(200, headers, body, framing)
    url, received = serve(in_turn(cut_after(answer, 25), lambda _: answer))
    done = download_file(connect(url), "/file", tmp_path / "file")
    assert done.path.read_bytes() == VERSIONS[0]
    assert [asked_from(request) for request in received] == [None, None]


def test_a_whole_body_that_is_refused_is_not_gone_on_with(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    # its last line lacks the newline: the rest of it would be nothing
    url, received = serve(lambda _: whole(VERSIONS[0][:-1], '"0"'))
    with pytest.raises(TruncatedError, match="do not end in a newline"):
        download_file(connect(url), "/file", tmp_path / "file")
    assert [asked_from(request) for request in received] == [None] * 3


def test_the_bound_holds_for_all_answers_together(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    content, tag = VERSIONS[0], '"0"'
    longer = framed(206, rest_headers(content, 20, tag), content[20:] + b"more\n", "chunked")
    url, received = serve(in_turn(cut_after(whole(content, tag), 20), lambda _: longer))
    with pytest.raises(TooLargeError) as raised:
        download_file(connect(url), "/file", tmp_path / "file", max_bytes=SIZE)
    assert SIZE < raised.value.at_least_bytes <= SIZE + 5
    assert [asked_from(request) for request in received] == [None, 20]
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("second_path", "is_resumed"), [("/content", True), ("/other", False)], ids=["same", "other"]
)
def test_content_elsewhere_goes_on_at_the_same_address_whatever_its_signature(
    serve: Serve, connect: Connect, tmp_path: Path, second_path: str, *, is_resumed: bool
) -> None:
    content, tag = VERSIONS[0], '"0"'

    def there(request: bytes) -> bytes:
        start = asked_from(request)
        return whole(content, tag) if start is None else rest(content, start, tag)

    other, received = serve(in_turn(cut_after(whole(content, tag), 10), there))
    host = other.replace("127.0.0.1", "localhost")
    locations = [f"{host}/content?signature=1", f"{host}{second_path}?signature=2"]
    redirects = [framed(303, {"Location": each}, b"", "length") for each in locations]
    url, _ = serve(in_turn(*(partial(given_answer, each) for each in redirects)))
    done = download_content(
        connect(url), "/medium", tmp_path / "file", max_bytes=SIZE, refuse_html=True
    )
    assert done.path.read_bytes() == content
    asked = [asked_from(request) for request in received]
    assert asked == ([None, 10] if is_resumed else [None, 10, None])
    assert not any(b"uthorization" in request for request in received)


FILE = "conversation_items.jsonl"
LARGE = b"".join(b'{"id": "%07d"}\n' % number for number in range(200_000))
OTHER_LARGE = LARGE.replace(b"id", b"ID")


def without_ranges(action: FaultAction | None) -> FaultAction:
    """As a server that knows no ranges: answer in full, or as `action` does."""

    async def answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        kept = [(name, value) for name, value in scope["headers"] if name != b"range"]
        plain = {**scope, "headers": kept}
        if action is None:
            await app(plain, receive, send)
        else:
            await action(app, plain, receive, send)

    return answer


class Fetched:
    """Bytes that arrived, told by the sizes that a download reports."""

    def __init__(self) -> None:
        self.bytes = self._size = 0

    def see(self, size: int) -> None:
        # pieces are far smaller than what was there before: a smaller size is a new beginning
        self.bytes += size - (self._size if size > self._size else 0)
        self._size = size


def client_of(sandbox: Sandbox, sleep: Callable[[float], None]) -> ApiClient:
    return ApiClient(
        sandbox.base_url,
        sandbox.email,
        sandbox.api_token,
        budget=RateBudget(1000),
        retry=RetryPolicy(attempts=6),
        sleep=sleep,
    )


@pytest.mark.parametrize("change", ["", "before the rest", "back and forth"])
def test_the_sandbox_gives_the_rest_of_an_unchanged_file_only(
    tmp_path: Path,
    empty_sandbox: Sandbox,
    change: str,
    count_trials: Callable[[int], None],
    show_figures: Callable[[str], None],
) -> None:
    chance = random.Random(1)  # noqa: S311 - which bytes, not secrets
    job = empty_sandbox.add_job({FILE: LARGE})
    path = f"/api/v1/export/jobs/{job}/files/{FILE}"
    contents = [OTHER_LARGE, LARGE] * 3
    percent: dict[str, float] = {}

    def replace(_: float) -> None:
        if change and (change == "back and forth" or len(contents) == 6):
            empty_sandbox.replace_file(job, FILE, contents.pop(0))

    for ranges in ("with ranges", "without ranges"):
        again = 0
        for trial in range(8):
            contents[:] = [OTHER_LARGE, LARGE] * 3
            empty_sandbox.replace_file(job, FILE, LARGE)
            cuts = [drop_after(chance.randrange(400_000, 1_200_000)) for _ in range(1 + trial % 3)]
            actions: list[FaultAction | None] = [*cuts, None]
            for action in actions:
                if ranges == "without ranges":
                    empty_sandbox.faults.on(path, 1, without_ranges(action))
                elif action is not None:
                    empty_sandbox.faults.on(path, 1, action)
            fetched = Fetched()
            with client_of(empty_sandbox, replace) as client:
                done = download_file(client, path, tmp_path / FILE, on_bytes=fetched.see)
            expected = LARGE
            if change:
                expected = contents_after(change, len(cuts))
            assert done.path.read_bytes() == expected
            again += fetched.bytes - len(LARGE)
            empty_sandbox.faults.clear()
        percent[ranges] = 100 * again / (8 * len(LARGE))
    count_trials(16)
    assert percent["with ranges"] <= percent["without ranges"]
    if not change:
        assert percent["with ranges"] == 0 < percent["without ranges"]
    told = ", ".join(f"{ranges} {share:.0f} %" for ranges, share in percent.items())
    what = f"a file changed {change}" if change else "an unchanged file"
    show_figures(f"12  bytes fetched again of {what}: {told}")


def contents_after(change: str, waits: int) -> bytes:
    """Return what the file holds after so many waits between attempts."""
    if change == "before the rest":
        return OTHER_LARGE
    return OTHER_LARGE if waits % 2 else LARGE


KILLED = """
import os, signal, sys
from pathlib import Path
from sources.http import ApiClient, RateBudget, download_file

url, email, token, path, target, last = sys.argv[1:]

def see(size):
    if size >= int(last):
        os.kill(os.getpid(), signal.SIGKILL)

with ApiClient(url, email, token, budget=RateBudget(1000)) as client:
    download_file(client, path, Path(target), on_bytes=see)
"""


def test_a_download_that_was_killed_begins_again(
    tmp_path: Path,
    empty_sandbox: Sandbox,
    count_trials: Callable[[int], None],
    show_figures: Callable[[str], None],
) -> None:
    job = empty_sandbox.add_job({FILE: LARGE})
    path = f"/api/v1/export/jobs/{job}/files/{FILE}"
    target = tmp_path / FILE
    kills = [1, len(LARGE) // 3, 2 * len(LARGE) // 3, len(LARGE)]
    for size in kills:
        address = [empty_sandbox.base_url, empty_sandbox.email, empty_sandbox.api_token, path]
        command = [sys.executable, "-c", KILLED, *address, str(target), str(size)]
        killed = subprocess.run(command, check=False)  # noqa: S603 - our own program
        assert killed.returncode == -signal.SIGKILL
        assert [each.name for each in tmp_path.iterdir()] == [f"{FILE}.part"]
        fetched = Fetched()
        with client_of(empty_sandbox, lambda _: None) as client:
            download_file(client, path, target, on_bytes=fetched.see)
        assert target.read_bytes() == LARGE
        assert [each.name for each in tmp_path.iterdir()] == [FILE]
        assert fetched.bytes == len(LARGE)
        target.unlink()
    count_trials(len(kills))
    share = 100 * sum(kills) / len(kills) / len(LARGE)
    show_figures(f"12  bytes fetched again after a kill within a file: {share:.0f} % of that file")
