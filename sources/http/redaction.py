"""Keeping credentials out of logs, exception text and traces."""

import base64
import hmac
import json
import logging
import re
import threading
from collections.abc import Iterator
from typing import Final, NoReturn, Self
from urllib.parse import quote, quote_plus

MASK: Final = "[redacted]"
MINIMUM_LENGTH: Final = 8


class Secret:
    """Holds a value that repr, str, format, pickle and JSON never show; `reveal()` does."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself: call it where the value is used, never to keep it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, specification: str) -> str:
        return format(MASK, specification)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A Secret cannot be pickled: it would be written out in plain text.")


def basic_credentials(username: str, password: str) -> str:
    """The base64 text of HTTP Basic (RFC 7617)."""
    return base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def written_forms(secret: str) -> set[str]:
    """Every way `secret` may appear in text: as is, URL-encoded, base64, quoted by repr or JSON."""
    binary = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        base64.b64encode(binary).decode(),
        base64.urlsafe_b64encode(binary).decode(),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
    }


def _pattern(form: str) -> str:
    """Matches `form`; its percent escapes in upper or lower case (RFC 3986, 2.1)."""
    return re.sub(r"%[0-9A-F]{2}", lambda escape: f"(?i:{escape[0]})", re.escape(form))


class Redactor:
    """The secrets of this process, and the text filter that removes them. Thread-safe.

    Secrets shorter than `MINIMUM_LENGTH` characters are not registered: removing every "token"
    from every text would hide the text, and real tokens are longer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def register(self, *secrets: str) -> None:
        """Remove `secrets`, in all their written forms, from every later text."""
        long_enough = [secret for secret in secrets if len(secret) >= MINIMUM_LENGTH]
        forms = {form for secret in long_enough for form in written_forms(secret)}
        with self._lock:
            if forms <= self._forms:
                return
            self._forms |= forms
            # the longest first: a secret may contain another one
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_pattern, longest_first)))

    def register_basic(self, username: str, password: str) -> None:
        """Register a password, and the pair as HTTP Basic sends it."""
        self.register(password)
        if len(password) >= MINIMUM_LENGTH:
            self.register(basic_credentials(username, password))

    def redact(self, text: str) -> str:
        """`text` with every registered secret replaced by a mask."""
        pattern = self._pattern
        return text if pattern is None else pattern.sub(MASK, text)


_PROCESS = Redactor()
redact = _PROCESS.redact
register_secrets = _PROCESS.register
register_basic = _PROCESS.register_basic


class RedactingFilter(logging.Filter):
    """Removes registered secrets from a record: message, arguments, exception, stack, extras.

    Add it to handlers, not to loggers: Python does not ask a logger's filters about records
    that its children pass up.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean `record` in place; never drops it."""
        original = _message(record)
        cleaned = redact(original)
        if cleaned != original:
            record.msg, record.args = cleaned, None
        if record.exc_info and record.exc_info[0] is not None:
            trace = logging.Formatter().formatException(record.exc_info)
            if redact(trace) != trace:
                # without exc_info, so that no other handler formats the exception itself
                record.exc_info, record.exc_text = None, trace
        for name, value in _texts(record):
            setattr(record, name, redact(value))
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # a wrong format string: logging would print the raw arguments to stderr
        record.msg, record.args = f"{record.msg!r} with arguments {record.args!r}", None
        return str(record.msg)


def _texts(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    extras = {name: value for name, value in vars(record).items() if name not in {"msg", "args"}}
    return ((name, value) for name, value in extras.items() if isinstance(value, str))


def protect(handler: logging.Handler) -> None:
    """Make `handler` redact, once, whatever it is given."""
    if not any(isinstance(present, RedactingFilter) for present in handler.filters):
        handler.addFilter(RedactingFilter())


def quiet_http_loggers() -> None:
    """Keep httpx and httpcore at WARNING or above: their INFO lines print query strings."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        if logger.level < logging.WARNING:
            logger.setLevel(logging.WARNING)
