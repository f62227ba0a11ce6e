"""The current credentials, and their one rereading after a refusal."""

import threading
from collections.abc import Callable

from sources.http.errors import SettingsError
from sources.http.redaction import Secret, basic_credentials, register_basic


class Credentials:
    """The Authorization header of HTTP Basic, replaced when the credentials rotate. Thread-safe.

    Args:
        username: for Gladly, the e-mail address of the API user.
        password: for Gladly, the API token.
        reread: returns the user name and password as configured now.

    Raises:
        SettingsError: either cannot be sent as it is.
    """

    def __init__(
        self, username: str, password: Secret, reread: Callable[[], tuple[str, str]] | None
    ) -> None:
        self._lock = threading.Lock()
        self._reread = reread
        self._current = _authorization(username, password)

    def current(self) -> Secret:
        """The Authorization header to send."""
        with self._lock:
            return self._current

    def after_refusal(self, refused: Secret) -> Secret | None:
        """Another header to try once `refused` got a 401, or None if there is no other.

        The configuration is read only if no other thread has replaced `refused` already.
        """
        with self._lock:
            if self._current == refused and self._reread is not None:
                self._current = _authorization(*_held(self._reread()))
            return None if self._current == refused else self._current


def _held(pair: tuple[str, str]) -> tuple[str, Secret]:
    return pair[0], Secret(pair[1])


def _authorization(username: str, password: Secret) -> Secret:
    if not username or ":" in username or not username.isprintable():
        raise SettingsError(
            "The API user name is empty, or contains a colon or a control character. Correct it "
            "in the secrets file or the environment."
        )
    if not password.reveal() or not password.reveal().isprintable():
        raise SettingsError(
            "The API token is empty, or contains a line break or another control character. Copy "
            "it again into the secrets file or the environment."
        )
    register_basic(username, password.reveal())
    return Secret(f"Basic {basic_credentials(username, password.reveal())}")
