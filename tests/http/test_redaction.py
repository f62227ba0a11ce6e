import copy
import io
import json
import logging
import pickle
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.http import RedactingFilter, Secret, protect, redact, register_secrets
from sources.http.redaction import MASK, Redactor, basic_credentials, register_basic

USERNAME = "api-canary@example.com"
CANARY = 'canary/+ "tökén"\\=&?'
FORMS = [
    CANARY,
    quote(CANARY),
    quote(CANARY, safe=""),
    quote_plus(CANARY),
    quote(CANARY, safe="").replace("%2F", "%2f"),
    b64encode(CANARY.encode()).decode(),
    b64encode(f"{USERNAME}:{CANARY}".encode()).decode(),
    quote(b64encode(f"{USERNAME}:{CANARY}".encode()), safe=""),
    repr(CANARY),
    json.dumps(CANARY),
]


@pytest.fixture(autouse=True)
def _registered() -> None:
    register_basic(USERNAME, CANARY)


@pytest.mark.parametrize("form", FORMS)
def test_every_written_form_is_removed(form: str) -> None:
    inner = form.strip("'\"") if form.endswith(("'", '"')) else form
    assert inner not in redact(f"before {form} after")
    assert MASK in redact(f"before {form} after")


@given(
    st.text(st.characters(codec="utf-8"), min_size=8), st.text(), st.text(), st.text(max_size=20)
)
def test_no_registered_secret_survives(secret: str, before: str, after: str, user: str) -> None:
    redactor = Redactor()
    user = user.encode(errors="replace").decode()
    redactor.register_basic(user, secret)
    told = redactor.redact(f"{before}{secret} Basic {basic_credentials(user, secret)}{after}")
    assert basic_credentials(user, secret) not in told
    assert told.count(MASK) >= 2


def test_the_longest_secret_is_removed_first() -> None:
    redactor = Redactor()
    redactor.register("abcdefgh", "abcdefgh-longer")
    assert redactor.redact("abcdefgh-longer") == MASK


@pytest.mark.parametrize("short", ["", "a", "token"])
def test_texts_too_short_for_a_token_are_left_alone(short: str) -> None:
    redactor = Redactor()
    redactor.register_basic("user", short)
    assert redactor.redact("a token") == "a token"


def logged(level: int, message: object, *arguments: object, **options: object) -> str:
    """What one record looks like after a protected handler wrote it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    form = "%(name)s %(message)s %(extra_text)s"
    handler.setFormatter(logging.Formatter(form, defaults={"extra_text": ""}))
    protect(handler)
    protect(handler)
    assert len(handler.filters) == 1
    logger = logging.getLogger("tests.redaction.child")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.log(level, message, *arguments, **options)  # type: ignore[arg-type]  # options vary
    finally:
        logger.removeHandler(handler)
    return written.getvalue()


@pytest.mark.parametrize("form", FORMS[:8])
def test_log_messages_arguments_and_extras_are_cleaned(form: str) -> None:
    told = logged(
        logging.ERROR, "%s and %s and %r", form, [form], {"key": form}, extra={"extra_text": form},
        stack_info=True,
    )  # fmt: skip
    assert form not in told
    assert told.count(MASK) >= 4


def failing_with(text: str) -> None:
    try:
        int(text)
    except ValueError as fault:
        raise RuntimeError(f"outer {text}") from fault


def test_logged_exceptions_are_cleaned_with_their_causes() -> None:
    try:
        failing_with(CANARY)
    except RuntimeError as error:
        told = logged(logging.ERROR, "failed", exc_info=error)
    assert CANARY not in told
    assert f"RuntimeError: outer {MASK}" in told
    assert f"base 10: '{MASK}'" in told


def test_a_later_handler_cannot_format_the_exception_itself() -> None:
    error = RuntimeError(CANARY)
    record = logging.LogRecord("x", 40, "f", 1, "m", (), (RuntimeError, error, None))
    assert RedactingFilter().filter(record)
    assert record.exc_info is None
    assert CANARY not in logging.Formatter().format(record)


def test_harmless_records_stay_as_they_are() -> None:
    record = logging.LogRecord("x", 20, "f", 1, "%d of %d", (1, 2), None)
    assert RedactingFilter().filter(record)
    assert (record.msg, record.args) == ("%d of %d", (1, 2))


def test_a_wrong_format_string_is_logged_without_the_secret() -> None:
    record = logging.LogRecord("x", 40, "f", 1, "%d", (CANARY,), None)
    assert RedactingFilter().filter(record)
    assert record.getMessage() == f"'%d' with arguments ('{MASK}',)"


def test_a_secret_never_shows_its_value() -> None:
    secret = Secret("shown-only-on-purpose")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", "%s %r" % (secret, [secret])]  # noqa: UP031 - the form under test
    assert all("shown-only" not in text for text in shown)
    assert secret.reveal() == "shown-only-on-purpose"
    with pytest.raises(TypeError):
        vars(secret)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps({"secret": Secret("x")}, protocol)


def test_a_secret_is_not_json() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret("x"))


def test_secrets_compare_by_value_and_copy_as_themselves() -> None:
    secret = Secret("x")
    assert secret == Secret("x") != Secret("y")
    assert secret != 7
    assert hash(secret) == hash(Secret("x"))
    assert copy.copy(secret) is copy.deepcopy(secret) is secret


def test_secrets_of_others_can_be_registered() -> None:
    register_secrets("another-secret-value")
    assert redact("x=another-secret-value") == f"x={MASK}"
