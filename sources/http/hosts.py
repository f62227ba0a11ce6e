"""Which hosts may receive requests, and how a path is joined to the base URL."""

import ipaddress
import re
from urllib.parse import quote

import httpx

from sources.http.errors import SettingsError, UnsafeError

_SAFE_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+/?")
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)
_EXAMPLE = "Write it as https://your-organization.example.com"


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: localhost, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address in ipaddress.ip_network("127.0.0.0/8") or address == ipaddress.IPv6Address("::1")


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url.strip())
    except httpx.InvalidURL as fault:
        reason = type(fault).__name__
    # raised here, outside `except`: the fault's text may quote a password in the URL
    raise SettingsError(f"The base URL is not a valid URL ({reason}). {_EXAMPLE}.")


def checked_base_url(url: str) -> httpx.URL:
    """The base URL, once it is known to be safe for credentials.

    Args:
        url: from the settings; https, or http to this machine only.

    Returns:
        The URL without a trailing slash in its path.

    Raises:
        SettingsError: another scheme, no host, or user info, a query or a fragment. The message
            never repeats the URL: it may hold a password.
    """
    base = _parsed(url)
    if base.scheme not in {"http", "https"} or not base.host:
        raise SettingsError(f"The base URL has no https:// host. {_EXAMPLE}.")
    if base.userinfo:
        raise SettingsError(
            "The base URL contains a user name or password. Remove them from the URL and put them "
            "in the secrets file or the environment."
        )
    if base.query or base.fragment or "?" in url or "#" in url:
        raise SettingsError(f"The base URL contains a query or a fragment. {_EXAMPLE}.")
    if base.scheme == "http" and not is_loopback(base.host):
        raise SettingsError(
            f"The base URL of {base.host} uses http, which would send the credentials "
            "unencrypted. Change it to https (http is accepted for this machine only)."
        )
    return base.copy_with(raw_path=base.raw_path.rstrip(b"/") or b"/")


def same_origin(first: httpx.URL, second: httpx.URL) -> bool:
    """Whether both have the same scheme, host and port (the scheme's default port if unset)."""
    return _origin(first) == _origin(second)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def joined(base: httpx.URL, path: str) -> httpx.URL:
    """`path` below the origin and path of `base`, both kept whole.

    Args:
        base: from `checked_base_url`.
        path: starts with "/", percent-encoded, without query or dot segments.

    Raises:
        UnsafeError: the path could leave the base; encode foreign names with `path_segment`.
    """
    if not _SAFE_PATH.fullmatch(path) or any(map(_DOTS.fullmatch, path.split("/"))):
        raise UnsafeError(
            f"The request path {path[:100]!r} is not a plain absolute path. Encode names that "
            "come from a server with path_segment()."
        )
    return base.copy_with(raw_path=base.raw_path.rstrip(b"/") + path.encode("ascii"))


def path_segment(name: str) -> str:
    """`name` encoded as exactly one path segment.

    Raises:
        UnsafeError: the name is empty, a dot segment, not encodable as UTF-8, or holds U+0000,
            which servers cut names at and no table holds.
    """
    try:
        segment = quote(name, safe="")
    except UnicodeEncodeError:
        segment = ""
    if segment in {"", ".", ".."} or "\0" in name:
        raise UnsafeError(
            f"The name {name[:100]!r} cannot be part of a request path. Report it to the owner "
            "of the API."
        )
    return segment


def redirect_target(current: httpx.URL, location: str) -> httpx.URL:
    """Where a redirect leads, if credentials may follow it there.

    Raises:
        UnsafeError: the target is another origin, or unreadable. Only its host is named: signed
            addresses carry secrets in their query.
    """
    target = _joined_location(current, location)
    if leads_home(current, location):
        return target
    raise UnsafeError(
        f"{current.host} redirected to another origin ({target.host or 'unreadable address'}); "
        "credentials are never sent there. Check the base URL."
    )


def leads_home(current: httpx.URL, location: str) -> bool:
    """Whether a redirect stays at the origin it comes from, so that credentials may follow it."""
    target = _joined_location(current, location)
    return bool(target.host) and same_origin(current, target) and not target.userinfo


def unsigned_target(base: httpx.URL, current: httpx.URL, location: str) -> httpx.URL:
    """Where a redirect leads, if a request without credentials may follow it there.

    Args:
        base: from `checked_base_url`. Only where it is this machine may the target be so too: a
            service elsewhere has no business with what runs here.
        current: what was asked for.
        location: the header.

    Returns:
        A target with https; with http only if both ends are this machine.

    Raises:
        UnsafeError: the target is none of these, carries user info, or is unreadable. Only its
            host is named: signed addresses carry secrets in their query.
    """
    target = _joined_location(current, location)
    within = is_loopback(base.host)
    is_here = is_loopback(target.host)
    is_safe = target.scheme == "https" or (target.scheme == "http" and is_here)
    if target.host and is_safe and not target.userinfo and (within or not is_here):
        return target
    raise UnsafeError(
        f"{current.host} redirected a download to {target.host or 'an unreadable address'}, which "
        "is not followed: only https to other machines is. Check the base URL, and any proxy in "
        "between."
    )


def _joined_location(current: httpx.URL, location: str) -> httpx.URL:
    try:
        return current.join(location)
    except httpx.InvalidURL:
        return httpx.URL()
