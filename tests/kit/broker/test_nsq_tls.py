"""Row 17 of the NSQ client: who nsqd is, and who we are, against an nsqd that demands it."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pasar.engines.ports import any_free
from pasar.kit.broker.choose import BrokerSettings, connect
from pasar.kit.broker.nsq_connection import NsqConnection, NsqRefused
from pasar.kit.broker.nsq_dial import dial
from pasar.kit.broker.nsq_settings import NsqSettings, verifying_tls
from pasar.kit.settings import BadSetting
from tests.fakes.broker import MemoryDeadLetters
from tests.fixtures.engines import HOST, RunningNsq, run, start_nsq
from tests.kit.broker.targets import CHANNEL, Recorder

SECRET = "known to the authorisation server"
MAKE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 "
    "-addext keyUsage=critical,digitalSignature,keyCertSign -addext subjectAltName=IP:127.0.0.1"
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Signed by itself, so whoever trusts it names it as the authority."""

    cert: str
    key: str


def certificate(folder: Path, name: str) -> Certificate:
    made = Certificate(str(folder / f"{name}.pem"), str(folder / f"{name}.key"))
    files = ["-subj", f"/CN={name}", "-out", made.cert, "-keyout", made.key]
    subprocess.run([*MAKE.split(), *files], check=True, capture_output=True)
    return made


@pytest.fixture
def nsqd_certificate(tmp_path: Path) -> Certificate:
    return certificate(tmp_path, "nsqd")


@pytest.fixture
def our_certificate(tmp_path: Path) -> Certificate:
    return certificate(tmp_path, "store")


@pytest.fixture
def auth_port() -> int:
    return any_free(HOST)


@pytest.fixture
def strict_nsq(
    nsq_binaries: Path,
    tmp_path: Path,
    nsqd_certificate: Certificate,
    our_certificate: Certificate,
    auth_port: int,
) -> Iterator[RunningNsq]:
    """Speaks TLS only, to those who show our certificate and know the secret."""
    engines = start_nsq(
        nsq_binaries,
        tmp_path,
        f"--tls-cert={nsqd_certificate.cert}",
        f"--tls-key={nsqd_certificate.key}",
        f"--tls-root-ca-file={our_certificate.cert}",
        "--tls-client-auth-policy=require-verify",
        "--tls-required=true",
        f"--auth-http-address={HOST}:{auth_port}",
    )
    yield engines
    run(engines.nsqd.stop())
    run(engines.nsqlookupd.stop())


@pytest.fixture
async def authorisation(auth_port: int) -> AsyncIterator[None]:
    """Permits everything to whoever knows the secret."""
    permitted = {"permissions": ["subscribe", "publish"], "topic": ".*", "channels": [".*"]}
    answer = {"ttl": 60, "identity": "store", "identity_url": "", "authorizations": [permitted]}

    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        known = b"secret=" + SECRET.replace(" ", "+").encode() in asked
        status = b"200 OK" if known else b"403 Forbidden"
        body = json.dumps(answer).encode() if known else b"{}"
        head = b"HTTP/1.0 %b\r\nContent-Type: application/json\r\n\r\n" % status
        writer.write(head + body)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer_one, HOST, auth_port):
        yield


@pytest.fixture
def ours(nsqd_certificate: Certificate, our_certificate: Certificate) -> ssl.SSLContext:
    return verifying_tls(nsqd_certificate.cert, our_certificate.cert, our_certificate.key)


@asynccontextmanager
async def dialled(
    address: str, tls: ssl.SSLContext | None, secret: str = SECRET
) -> AsyncIterator[NsqConnection]:
    settings = NsqSettings(tls=tls, auth_secret=secret)
    connection = await dial(address, settings, lambda *_: None, lambda: None)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.usefixtures("authorisation")
async def test_row_17_with_certificates_and_secret_messages_flow(
    strict_nsq: RunningNsq, nsqd_certificate: Certificate, our_certificate: Certificate
) -> None:
    settings = BrokerSettings(
        kind="nsq",
        nsqd_addr=strict_nsq.nsqd_tcp,
        nsq_tls=True,
        nsq_tls_ca_file=nsqd_certificate.cert,
        nsq_tls_cert_file=our_certificate.cert,
        nsq_tls_key_file=our_certificate.key,
        nsq_auth_secret=SECRET,
        client_id="test",
    )
    broker, handler = connect(settings, MemoryDeadLetters()), Recorder()
    await broker.declare({"orders": [CHANNEL]})
    await broker.subscribe("orders", CHANNEL, handler, concurrency=1)

    await broker.publish("orders", b"x" * 100_000)

    await handler.got(1)
    assert handler.bodies == [b"x" * 100_000]
    await broker.close()


async def test_row_17_a_foreign_certificate_is_refused(
    strict_nsq: RunningNsq, our_certificate: Certificate
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="CERTIFICATE_VERIFY_FAILED"):
        async with dialled(strict_nsq.nsqd_tcp, verifying_tls(our_certificate.cert, "", "")):
            pass


async def test_row_17_another_host_name_is_refused(
    strict_nsq: RunningNsq, ours: ssl.SSLContext
) -> None:
    """The certificate names 127.0.0.1 alone."""
    port = strict_nsq.nsqd_tcp.rpartition(":")[2]
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'localhost'"):
        async with dialled(f"localhost:{port}", ours):
            pass


@pytest.mark.usefixtures("authorisation")
async def test_row_17_a_wrong_secret_is_refused_by_name(
    strict_nsq: RunningNsq, ours: ssl.SSLContext
) -> None:
    with pytest.raises(NsqRefused) as refused:
        async with dialled(strict_nsq.nsqd_tcp, ours, "guessed"):
            pass
    assert refused.value.code == "E_AUTH_FAILED"


async def test_row_17_an_nsqd_without_tls_hears_no_secret(
    nsq: RunningNsq, ours: ssl.SSLContext
) -> None:
    with pytest.raises(ConnectionError, match="offers no TLS"):
        async with dialled(nsq.nsqd_tcp, ours):
            pass


def test_a_tls_file_that_cannot_be_read_is_found_at_the_start(tmp_path: Path) -> None:
    settings = BrokerSettings(
        kind="nsq", nsq_tls=True, nsq_tls_ca_file=str(tmp_path / "none"), client_id="test"
    )
    with pytest.raises(BadSetting, match="NSQ_TLS"):
        connect(settings, MemoryDeadLetters())
