"""The gateway's own pages, and what it asks of its settings."""

import json

import pytest

from chassis.assertions import generate_key
from chassis.settings import SettingsError, load
from gateway.app import create_app
from gateway.settings import PREFIX, Settings

URLS = {f"GATEWAY_{name}_URL": f"http://{name.lower()}:8000" for name in ("USERS", "ORDERS", "PAYMENTS")}


@pytest.fixture
def environment(tmp_path):
    private, public = generate_key("gateway")
    (tmp_path / "key").write_text(json.dumps(private))
    (tmp_path / "bundle").write_text(json.dumps({"keys": [public]}))
    return URLS | {
        "GATEWAY_TOKEN_ISSUER": "https://souk.test",
        "GATEWAY_SIGNING_KEY_FILE": str(tmp_path / "key"),
        "GATEWAY_TRUST_BUNDLE_FILE": str(tmp_path / "bundle"),
    }


def test_a_gateway_whose_key_is_believed_is_ready(environment):
    client = create_app(load(Settings, PREFIX, environment)).test_client()
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json["checks"] == {"signing_key": "ok"}


def test_a_gateway_whose_key_nobody_believes_is_not(environment, tmp_path):
    (tmp_path / "bundle").write_text(json.dumps({"keys": [generate_key("gateway")[1]]}))
    client = create_app(load(Settings, PREFIX, environment)).test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.json["checks"] == {"signing_key": "failing"}


@pytest.mark.parametrize(
    "url", ["users:8000", "https://users:8000", "http://", "http://users:x", "http://users/api"]
)
def test_an_address_that_is_none_is_refused(environment, url):
    with pytest.raises(SettingsError, match="GATEWAY_USERS_URL"):
        load(Settings, PREFIX, environment | {"GATEWAY_USERS_URL": url})


@pytest.mark.parametrize(
    "origins",
    [
        *("*", "null", "https://a.test/", "https://a.test/b", "https://A.test", "a.test", "https://*.a.test"),
        *("https://a.test:443", "http://a.test:80", "https://a.test,*", "https://a.test\r\nx: y", "https://"),
    ],
)
def test_what_is_no_single_origin_is_refused(environment, origins):
    with pytest.raises(SettingsError, match="GATEWAY_CORS_ORIGINS"):
        load(Settings, PREFIX, environment | {"GATEWAY_CORS_ORIGINS": origins})


def test_origins_are_listed_as_browsers_send_them(environment):
    listed = "https://a.test, http://localhost:8443,capacitor://localhost,https://[2001:db8::1]:8443"
    settings = load(Settings, PREFIX, environment | {"GATEWAY_CORS_ORIGINS": listed})
    assert settings.allowed_origins == [each.strip() for each in listed.split(",")]


@pytest.mark.parametrize("networks", ["10.0.0.1/8", "proxy", "10.0.0.0/8;::1"])
def test_what_is_no_network_is_refused(environment, networks):
    with pytest.raises(SettingsError, match="GATEWAY_TRUSTED_PROXIES"):
        load(Settings, PREFIX, environment | {"GATEWAY_TRUSTED_PROXIES": networks})
