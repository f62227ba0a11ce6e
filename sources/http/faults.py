"""Which error, with which advice, each transport fault and each HTTP status becomes."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import httpx

from sources.http.errors import (
    GapError,
    GiveUpError,
    HelpdeskError,
    RetryableError,
    TruncatedError,
    UnsafeError,
)
from sources.http.problems import described
from sources.http.retry import http_date, is_retryable_status, retry_after_seconds


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    while fault is not None:
        yield fault
        fault = fault.__cause__ or fault.__context__


def connection_error(fault: httpx.TransportError, host: str) -> HelpdeskError:
    """The error for a request that got no response.

    Texts of protocol faults are left out: they quote what the server sent.
    """
    for cause in _causes(fault):
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message.rstrip(".")
            return UnsafeError(
                f"The TLS certificate of {host} could not be verified: {why}. Check the base URL "
                "and this machine's clock; behind an inspecting proxy, point "
                "SSL_CERT_FILE at its certificate."
            )
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "reason", None) or type(cause).__name__
            return RetryableError(
                f"The TLS connection to {host} failed ({reason}). Check that the base URL's port "
                "speaks https, and the network between."
            )
        if isinstance(cause, socket.gaierror):
            return RetryableError(
                f"The host name {host} could not be resolved. Check the base URL, the "
                "organization's name in it, and this machine's network."
            )
        if isinstance(cause, ConnectionRefusedError):
            return RetryableError(
                f"{host} refused the connection. Check the base URL and its port, and any firewall."
            )
    return _other_connection_error(fault, host)


def _other_connection_error(fault: httpx.TransportError, host: str) -> HelpdeskError:
    name = type(fault).__name__
    if isinstance(fault, httpx.TimeoutException):
        return RetryableError(
            f"{host} did not answer in time ({name}). Check the network; if it persists, ask for "
            "a shorter time range."
        )
    if isinstance(fault, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return GiveUpError(
            f"The request to {host} could not be written ({name}). Check the settings for line "
            "breaks or other control characters."
        )
    return RetryableError(
        f"The connection to {host} broke before the response ({name}). Run again; if it "
        "persists, check the network and any proxy."
    )


def body_error(fault: httpx.TransportError, where: str) -> TruncatedError:
    """The error for a response whose body broke off."""
    return TruncatedError(
        f"{where} broke off before the end of its body ({type(fault).__name__}). Run again; if it "
        "persists, check the network and any proxy."
    )


_ADVICE = {
    401: "Check the user name and the API token in the secrets, and that the user still has the "
    "API User permission; tokens may have been rotated or revoked.",
    403: "Give the API user the permission for this resource (for Gladly: API User).",
    404: "The source does not have it (any more), or the base URL's path is wrong.",
    410: "The source does not have it any more.",
    429: "Others may be using up the organisation's rate limit; run again later.",
}


def _advice(status: int) -> str:
    if status in _ADVICE:
        return _ADVICE[status]
    if is_retryable_status(status):
        return "The server has a passing fault; run again later."
    return "Asking again will not help; check the settings and the API's documentation."


def server_clock(told: datetime | None, where: str) -> datetime:
    """The server's clock, UTC.

    Never this machine's instead: one that runs ahead would let a run take for read what has not
    happened yet, and one that lags would let older versions win.

    Args:
        told: what its Date header said, None where it had none that can be read.
        where: names the request in the error.

    Raises:
        RetryableError: it did not tell it.
    """
    if told is None:
        raise RetryableError(
            f"{where} answered without a Date, and this machine's clock must not stand in for the "
            "server's. Check any proxy in between, or run again later."
        )
    return told


def _now_for_retry_after(headers: Mapping[str, str]) -> datetime:
    """The server's clock if it told it, else ours: for a wait, whose bound is the same anyway."""
    return http_date(headers.get("date")) or datetime.now(UTC)


# what storage services answer once a signed address has expired, or never was valid
_SIGNATURE_REFUSED = frozenset({400, 401, 403})


def elsewhere_error(
    status: int, headers: Mapping[str, str], where: str, retry_after_cap: float
) -> HelpdeskError:
    """The error for an unexpected status of another host that a download was redirected to.

    An address that is refused may have expired, so it is worth asking for a new one. The body is
    never shown: storage services repeat the signature in it.

    Args:
        status: of the response.
        headers: of the response; lower-case lookups must work.
        where: method and host, without the path.
        retry_after_cap: the longest wait the server may ask for, in seconds.
    """
    message = f"{where} answered {status} to the address that the API gave."
    if status in {404, 410}:
        return GapError(f"{message} What it stood for is gone.", status=status)
    if is_retryable_status(status):
        asked = headers.get("retry-after")
        wait = retry_after_seconds(asked, _now_for_retry_after(headers), retry_after_cap)
        return RetryableError(
            f"{message} {_advice(status)}", status=status, retry_after_seconds=wait
        )
    if status in _SIGNATURE_REFUSED:
        return RetryableError(
            f"{message} It may have expired: run again. If it persists, check this machine's "
            "network and any proxy.",
            status=status,
        )
    return GiveUpError(f"{message} Asking again will not help.", status=status)


def status_error(
    status: int, headers: Mapping[str, str], body: bytes, where: str, retry_after_cap: float
) -> HelpdeskError:
    """The error for a response whose status was not expected.

    Args:
        status: of the response.
        headers: of the response; lower-case lookups must work.
        body: decoded, possibly only its beginning.
        where: method, path and host, without the query.
        retry_after_cap: the longest wait the server may ask for, in seconds.
    """
    told = described(body, headers.get("content-type", ""))
    message = f"{where} answered {status} ({told}). {_advice(status)}"
    if status in {404, 410}:
        return GapError(message, status=status)
    if is_retryable_status(status):
        asked = headers.get("retry-after")
        wait = retry_after_seconds(asked, _now_for_retry_after(headers), retry_after_cap)
        return RetryableError(message, status=status, retry_after_seconds=wait)
    return GiveUpError(message, status=status)
