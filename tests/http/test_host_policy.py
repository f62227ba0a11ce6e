import contextlib
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sources.http import SettingsError, UnsafeError, checked_base_url, path_segment, same_origin
from sources.http.hosts import is_loopback, joined, redirect_target


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.example.com",
        "https://acme.example.com:8443/base",
        "http://127.0.0.1:8000",
        "http://127.9.9.9",
        "http://[::1]:8000",
        "http://localhost:8000",
        "  https://acme.example.com\n",
    ],
)
def test_safe_base_urls_are_accepted(url: str) -> None:
    assert checked_base_url(url).host


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://127.1",
        "ftp://acme.example.com",
        "file:///etc/hosts",
        "acme.example.com",
        "https://",
        "",
        "https://user:hidden-word@acme.example.com",
        "https://hidden-word@acme.example.com",
        "https://acme.example.com?token=hidden-word",
        "https://acme.example.com?",
        "https://acme.example.com#hidden-word",
        "https://acme.example.com:hidden-word",
        "https://user:hidden-word@acme.example.com:port",
        "https://acme .example.com/\x00hidden-word",
    ],
)
def test_unsafe_base_urls_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        checked_base_url(url)
    assert "hidden-word" not in str(refused.value)
    assert refused.value.__context__ is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("https://a.example.com/x", "https://A.example.com:443/y", True),
        ("https://a.example.com", "http://a.example.com", False),
        ("https://a.example.com", "https://b.example.com", False),
        ("https://a.example.com", "https://a.example.com:444", False),
        ("http://localhost", "http://127.0.0.1", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(first: str, second: str, *, same: bool) -> None:
    assert same_origin(httpx.URL(first), httpx.URL(second)) is same


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("https://a.example.com", "/api/v1/agents", "https://a.example.com/api/v1/agents"),
        ("https://a.example.com/", "/api/v1/agents", "https://a.example.com/api/v1/agents"),
        ("https://a.example.com/p/q/", "/api/v1", "https://a.example.com/p/q/api/v1"),
        ("https://a.example.com/api/v1", "/api/v1/x", "https://a.example.com/api/v1/api/v1/x"),
        ("https://a.example.com/p%2Fq", "/a%2Fb/", "https://a.example.com/p%2Fq/a%2Fb/"),
    ],
)
def test_paths_are_joined_without_loss(base: str, path: str, expected: str) -> None:
    assert str(joined(checked_base_url(base), path)) == expected


@pytest.mark.parametrize(
    "path",
    ["", "x", "//other.example.com/x", "/a/../b", "/a/%2E%2e/b", "/a?b=1", "/a#b", "/a b", "/a\n",
     "/a\\b", "/%zz", "/é", "https://other.example.com/x", "/a//b"],
)  # fmt: skip
def test_paths_that_could_leave_the_base_are_refused(path: str) -> None:
    with pytest.raises(UnsafeError):
        joined(checked_base_url("https://a.example.com/base"), path)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
@example("../../etc/passwd")
@example("%2e%2e")
@example("a\x01b\n?x#y")
def test_any_name_becomes_exactly_one_path_segment(name: str) -> None:
    assume(name.strip("."))
    base = checked_base_url("https://a.example.com")
    raw_path = joined(base, f"/files/{path_segment(name)}").raw_path
    assert raw_path.count(b"/") == 2
    assert unquote(raw_path.decode()).removeprefix("/files/") == name


@pytest.mark.parametrize("name", ["", ".", "..", "\ud800", "a\0b"])
def test_names_that_cannot_be_a_segment_are_refused(name: str) -> None:
    with pytest.raises(UnsafeError):
        path_segment(name)


@given(st.text() | st.from_regex(r"(https?:)?//[a-z:@\[\]./%0-9?#\\\\ ]*"))
def test_odd_addresses_are_refused_in_our_words(address: str) -> None:
    here = httpx.URL("https://a.example.com/x")
    with contextlib.suppress(UnsafeError):
        assert same_origin(redirect_target(here, address), here)
    with contextlib.suppress(SettingsError):
        base = checked_base_url(address)
        assert base.scheme == "https" or is_loopback(base.host)


def test_redirects_within_the_origin_are_resolved() -> None:
    here = httpx.URL("https://a.example.com/x/y")
    assert str(redirect_target(here, "../z?k=1")) == "https://a.example.com/z?k=1"


@pytest.mark.parametrize(
    "location",
    [
        "https://b.example.com/?signature=hidden-word",
        "http://a.example.com/x",
        "//b.example.com/x",
        "https://user:hidden-word@a.example.com/",
        "https://a.example.com:hidden-word/",
        "javascript:hidden-word",
    ],
)
def test_redirects_elsewhere_are_refused_without_their_query(location: str) -> None:
    with pytest.raises(UnsafeError) as refused:
        redirect_target(httpx.URL("https://a.example.com/x"), location)
    assert "hidden-word" not in str(refused.value)
