"""Settings that are refused before anything starts; the variable is named."""

import pytest

from pasar.kit.settings import BadSetting, read
from pasar.payment_service.config import PaymentConfig

TOKEN = "t" * 32
PUBLIC = {"PAYMENT_GRPC_HOST": "0.0.0.0", "PAYMENT_SERVICE_TOKEN": TOKEN}  # noqa: S104  refused
TLS = {"PAYMENT_TLS_CERT_FILE": "cert.pem", "PAYMENT_TLS_KEY_FILE": "key.pem"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_neither_token_nor_tls(host: str) -> None:
    assert read(PaymentConfig, {"PAYMENT_GRPC_HOST": host}).on_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "payment.internal"])  # noqa: S104
def test_h56_production_off_loopback_needs_tls(host: str) -> None:
    with pytest.raises(BadSetting, match=r"^invalid PAYMENT_TLS_CERT_FILE: needed in production"):
        read(PaymentConfig, {**PUBLIC, "PAYMENT_GRPC_HOST": host})

    assert not read(PaymentConfig, {**PUBLIC, **TLS, "PAYMENT_GRPC_HOST": host}).on_loopback


def test_h56_off_loopback_needs_a_token_in_development_too() -> None:
    variables = {**PUBLIC, "PAYMENT_SERVICE_TOKEN": "", "APP_ENV": "development"}

    with pytest.raises(BadSetting, match=r"^invalid PAYMENT_SERVICE_TOKEN: needed"):
        read(PaymentConfig, variables)

    assert read(PaymentConfig, {**variables, "PAYMENT_SERVICE_TOKEN": TOKEN})


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"PAYMENT_SERVICE_TOKEN": "short"}, "PAYMENT_SERVICE_TOKEN"),
        ({"EVENT_SIGNING_KEY": "k" * 31}, "EVENT_SIGNING_KEY"),
        ({"EVENT_SIGNING_KEY_PREVIOUS": "k"}, "EVENT_SIGNING_KEY_PREVIOUS"),
        ({"PAYMENT_TLS_CERT_FILE": "cert.pem"}, "PAYMENT_TLS_CERT_FILE"),
        ({"PAYMENT_TLS_KEY_FILE": "key.pem"}, "PAYMENT_TLS_CERT_FILE"),
        ({"PAYMENT_DELAY_MIN": "3s"}, "PAYMENT_DELAY_MIN"),
        ({"PAYMENT_SUCCESS_RATE": "1.1"}, "PAYMENT_SUCCESS_RATE"),
        ({"PAYMENT_GRPC_PORT": "0"}, "PAYMENT_GRPC_PORT"),
        ({"PAYMENT_CONCURRENCY": "3000"}, "PAYMENT_CONCURRENCY"),
    ],
)
def test_an_unusable_setting_is_named(variables: dict[str, str], named: str) -> None:
    with pytest.raises(BadSetting) as refused:
        read(PaymentConfig, variables)

    assert refused.value.variable == named
