"""Where an organisation's API is."""

import pytest

from sources.gladly.settings import gladly_base_url
from sources.http.errors import SettingsError


@pytest.mark.parametrize(
    ("organization", "address"),
    [
        pytest.param("acme", "https://acme.gladly.com", id="name"),
        pytest.param("Acme", "https://acme.gladly.com", id="capitals"),
        pytest.param("acme.us-1", "https://acme.us-1.gladly.com", id="region"),
        pytest.param("acme.gladly.qa", "https://acme.gladly.qa", id="sandbox"),
        pytest.param("acme.us-1.gladly.com", "https://acme.us-1.gladly.com", id="whole host"),
        pytest.param("https://acme.gladly.com/", "https://acme.gladly.com", id="address"),
    ],
)
def test_an_organisation_has_one_address(organization: str, address: str) -> None:
    assert gladly_base_url(organization, None) == address


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        pytest.param("https://proxy.example.com", "https://proxy.example.com", id="host"),
        pytest.param("https://acme.gladly.com/api/v1", "https://acme.gladly.com", id="with api/v1"),
        pytest.param("http://127.0.0.1:8000/", "http://127.0.0.1:8000", id="loopback"),
    ],
)
def test_a_base_url_wins_and_never_doubles_the_prefix(base_url: str, address: str) -> None:
    assert gladly_base_url("acme", base_url) == address


@pytest.mark.parametrize("organization", [None, "", "acme/../other", "acme@other", "a b", "-acme"])
def test_what_is_no_organisation_names_the_setting(organization: str | None) -> None:
    with pytest.raises(SettingsError, match="SOURCES__GLADLY__ORGANIZATION"):
        gladly_base_url(organization, None)


def test_a_plain_http_base_url_is_refused() -> None:
    with pytest.raises(SettingsError, match="https"):
        gladly_base_url(None, "http://acme.gladly.com")
