"""A real Prometheus behind TLS that asks for a certificate and a password."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub_prometheus.settings import PrometheusSettings
from hub_prometheus.source import make_source
from tests.peer import unavailable
from tests.prometheus.stand import context

pytestmark = [pytest.mark.peer, pytest.mark.sqlite("no store takes part: once is enough")]
BCRYPT = "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"  # of "secret"
START_S = 60


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _certificates(folder: Path) -> None:
    """An authority, a server and a client it vouches for, and an authority nobody knows."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    for name in ("ca", "stranger"):
        _openssl(folder, "req", "-x509", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")
    for name, usage in (("server", "serverAuth"), ("client", "clientAuth")):
        _openssl(folder, "req", *key[:-2], "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / "more").write_text(f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={usage}\n")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "more")
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.crt")


@pytest.fixture(scope="module")
def secured() -> Iterator[dict[str, Any]]:
    """Settings that fit the server."""
    missing = [name for name in ("prometheus", "openssl") if shutil.which(name) is None]
    if missing:
        unavailable(f"{', '.join(missing)} not installed")
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="hub-secured-"))
    _certificates(folder)
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1m}\n")
    (folder / "web.yml").write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt,"
        f" client_auth_type: RequireAndVerifyClientCert}}\nbasic_auth_users: {{hub: {BCRYPT}}}\n"
    )
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["prometheus", "--config.file=prometheus.yml", "--web.config.file=web.yml", "--storage.tsdb.path=data"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}"], cwd=folder, stdout=log, stderr=log
        )
    url = f"https://127.0.0.1:{port}"
    try:
        trust = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        trust.load_cert_chain(str(folder / "client.crt"), str(folder / "client.key"))
        _wait(url, trust, folder)
        yield {
            "plugin": "prometheus",
            "url": url,
            "user": "hub",
            "password": "secret",
            "ca_bundle": folder / "ca.crt",
            "client_certificate": folder / "client.crt",
            "client_key": folder / "client.key",
            "heartbeat": "vector(1)",
        }
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder)


def _wait(url: str, trust: ssl.SSLContext, folder: Path) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            if httpx.get(f"{url}/-/ready", auth=("hub", "secret"), verify=trust).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # not yet
        assert time.monotonic() < end, (folder / "log").read_text()
        time.sleep(0.1)


def said(settings: dict[str, Any], folder: Path, **changes: Any) -> list[tuple[str, str]]:
    fields = {name: value for name, value in {**settings, **changes}.items() if value is not None}
    source = make_source(PrometheusSettings.model_validate(fields), context(folder))
    try:
        return [(line.level, line.text) for line in source.check()]
    finally:
        source.close()


def test_certificate_and_password_let_us_in(secured, tmp_path):
    told = said(secured, tmp_path)
    assert told[0] == ("ok", f"{secured['url']}: Prometheus {told[0][1].split()[-2]} answers")
    assert "error" not in {level for level, _ in told}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"password": "guessed"}, "does not accept the credential"),
        ({"user": None, "password": None}, "does not accept the credential"),
        ({"user": None, "password": None, "token": "abc"}, "does not accept the credential"),
        (
            {"client_certificate": None, "client_key": None},
            "asks for a certificate of ours that it trusts; set client_certificate",
        ),
        ({"client_certificate": "stranger.crt", "client_key": "stranger.key"}, "asks for a certificate of ours"),
        ({"ca_bundle": "stranger.crt"}, "is not trusted or not made out to that name"),
        ({"ca_bundle": None}, "is not trusted or not made out to that name"),
    ],
)
def test_what_is_wrong_is_one_clear_line(secured, tmp_path, changes, line):
    beside = secured["ca_bundle"].parent
    changes = {name: beside / value if str(value).startswith("stranger") else value for name, value in changes.items()}
    ((level, text),) = said(secured, tmp_path, **changes)
    assert level == "error"
    assert line in text
    assert "guessed" not in text
    assert "secret" not in text
