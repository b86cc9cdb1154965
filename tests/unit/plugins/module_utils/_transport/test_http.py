# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTPS interface that behaves, and one that misbehaves in every way that is looked for."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import threading
import time

import pytest
from support.certificates import Authority
from support.https_server import HttpsServer, QuietHandler

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    CertificateRejected,
    CommandFailed,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    ItemTruncated,
    OptionInvalid,
    OutputTooLarge,
    PrivilegeFailed,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandsRefused
from ansible_collections.ucops.recovery.plugins.module_utils._transport.http import (
    Answer,
    HttpOptions,
    HttpTransport,
    NotJson,
    Redirected,
    SizedBody,
    finite,
)

SECRET = "s3cret-Pa55"


class Handler(QuietHandler):
    def handle_any(self):
        getattr(self, self.path.partition("?")[0].strip("/").replace("-", "_"))()

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def echo(self):
        told = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.read_body().decode("latin-1"),
            "connection": self.client_address[1],
        }
        self.reply(200, json.dumps(told).encode(), Content_Type="application/json")

    def page(self):
        self.reply(200, b"<html>")

    def denied(self):
        self.reply(401)

    def forbidden(self):
        self.reply(403)

    def failing(self):
        self.reply(500, SECRET.encode())

    def elsewhere(self):
        self.reply(302, Location=f"https://evil.example/?secret={SECRET}")

    def login_page(self):
        self.reply(302, Location="/login")

    def large(self):
        self.reply(200, b"x" * 5000)

    def chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nhello\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def chunked_cut(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nhello\r\n")
        self.cut()

    def endless(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    def short(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x" * 600)
        self.cut()

    def without_end(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"all?")
        self.close_connection = True

    def packed(self):
        self.reply(200, b"\x1f\x8b", Content_Encoding="gzip")

    def silent(self):
        self.server.released.wait(5)

    def falls_silent(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x")
        self.wfile.flush()
        self.server.released.wait(5)

    def drop_by_drop(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _turn in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)

    def head_drop_by_drop(self):
        with contextlib.suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for _turn in range(100):
                self.wfile.write(b"X")
                self.wfile.flush()
                time.sleep(0.05)

    def goodbye(self):
        self.reply(200, b"{}")
        self.close_connection = True


@pytest.fixture(scope="module")
def server():
    with HttpsServer(Handler, "127.0.0.1", "localhost") as one:
        one.released = threading.Event()
        yield one
        one.released.set()


def reach(server, **options):
    given = {"host": server.address, "port": server.port, "ca_file": server.ca_file, "username": "admin"}
    return HttpTransport(HttpOptions(**{**given, "password": SECRET, **options}))


@pytest.fixture
def transport(server):
    with reach(server, silence_timeout=3) as one:
        yield one


def test_what_is_sent(transport):
    answer = transport.request(
        "PUT", "/echo", query={"keep": "ja & nein"}, headers={"Authorization": "Bearer abc"}, json={"a": "ü"}
    )
    told = answer.demand().json()
    assert told["method"] == "PUT" and told["path"] == "/echo?keep=ja+%26+nein"
    assert json.loads(told["body"]) == {"a": "ü"}
    headers = told["headers"]
    assert headers["authorization"] == "Bearer abc"
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert headers["host"] == f"127.0.0.1:{transport.options.port}"
    assert "cookie" not in headers


def test_a_form(transport):
    told = transport.request("POST", "/echo", form={"password": "a&b=ü"}).demand().json()
    assert told["headers"]["content-type"] == "application/x-www-form-urlencoded"
    assert told["body"] == "password=a%26b%3D%C3%BC"


def test_a_request_without_a_body_says_so_where_one_could_be(transport):
    assert transport.request("PUT", "/echo").json()["headers"]["content-length"] == "0"
    assert "content-length" not in transport.request("GET", "/echo").json()["headers"]


def test_a_body_is_sent_as_a_stream(transport):
    sent = SizedBody((piece for piece in [b"one,", b"two,", b"three"]), 13)
    told = transport.request("PUT", "/echo", body=sent, headers={"Content-Type": "text/x"}).demand().json()
    assert told["body"] == "one,two,three"
    assert told["headers"]["content-length"] == "13" and "transfer-encoding" not in told["headers"]


def test_an_error_of_whoever_makes_the_body_is_told_as_it_is(transport):
    def pieces():
        yield b"x"
        raise ItemTruncated("the repository ended")

    with pytest.raises(ItemTruncated, match="the repository ended"):
        transport.request("PUT", "/echo", body=SizedBody(pieces(), 10))
    assert transport.request("GET", "/echo").status == 200


def test_one_connection_serves_many_requests_and_a_closed_one_is_made_again(transport):
    first, second = (transport.request("GET", "/echo").json()["connection"] for _turn in range(2))
    assert first == second
    transport.request("GET", "/goodbye")
    assert transport.request("GET", "/echo").json()["connection"] != first
    transport.close()
    transport.close()
    assert transport.request("GET", "/echo").status == 200


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("/denied", AuthenticationFailed, "401"),
        ("/forbidden", PrivilegeFailed, "403"),
        ("/failing", CommandFailed, "GET /failing with HTTP status 500"),
    ],
)
def test_a_status_that_was_not_asked_for(transport, path, kind, says):
    answer = transport.request("GET", path, query={"q": SECRET})
    assert answer.demand(answer.status) is answer
    with pytest.raises(kind, match=says) as error:
        answer.demand(200, 202)
    assert SECRET not in str(error.value) and SECRET not in repr(answer)
    with transport.download("GET", path) as download, pytest.raises(kind):
        download.demand()


def test_a_page_is_no_json(transport):
    with pytest.raises(NotJson, match="no JSON"):
        transport.request("GET", "/page").json()


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 200_000, b'{"a": "\n"}'])
def test_what_cannot_be_read_is_no_json(body):
    with pytest.raises(NotJson):
        Answer("pbx", "GET /x", 200, {}, body).json()


@pytest.mark.parametrize("told", [b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"true", b'"1"', b"null", b"[1]"])
def test_what_is_no_finite_number(told):
    assert finite(json.loads(told)) is None


def test_a_finite_number():
    assert finite(json.loads(b"0.5")) == 0.5 and finite(3) == 3.0


@pytest.mark.parametrize(
    ("path", "says"), [("/elsewhere", "to the host evil.example"), ("/login-page", "to another place")]
)
def test_a_redirect_is_not_followed(transport, path, says):
    with pytest.raises(Redirected, match=says) as error:
        transport.request("GET", path)
    assert SECRET not in str(error.value)


def test_an_answer_that_is_too_large(transport):
    with pytest.raises(OutputTooLarge, match="4999"):
        transport.request("GET", "/large", limit=4999)
    with pytest.raises(OutputTooLarge):
        transport.request("GET", "/endless")
    assert len(transport.request("GET", "/large", limit=5000).body) == 5000


def test_an_answer_that_is_packed_is_refused(transport):
    with pytest.raises(ConnectionFailed, match="gzip"):
        transport.request("GET", "/packed")


def test_a_download_tells_its_length(transport):
    with transport.download("GET", "/large") as download:
        assert (download.status, download.length, download.has_end) == (200, 5000, True)
        assert sum(len(piece) for piece in download.chunks()) == 5000
    with transport.download("GET", "/chunked") as download:
        assert (download.length, download.has_end) == (None, True)
        assert b"".join(download.chunks()) == b"hello"
    with transport.download("GET", "/without-end") as download:
        assert (download.length, download.has_end) == (None, False)


def test_a_body_that_ends_early(transport):
    with pytest.raises((ItemTruncated, ConnectionLost)):
        transport.request("GET", "/short")
    with pytest.raises(ConnectionLost):
        transport.request("GET", "/chunked-cut")


@pytest.mark.parametrize("path", ["/silent", "/falls-silent"])
def test_silence(server, path):
    with reach(server, silence_timeout=0.3) as transport, pytest.raises(DeadlineExceeded, match="silent .* 0.3 s"):
        transport.request("GET", path)


@pytest.mark.parametrize("path", ["/drop-by-drop", "/head-drop-by-drop"])
def test_a_host_that_answers_drop_by_drop(server, path):
    began = time.monotonic()
    with reach(server, total_timeout=0.4) as transport:
        with pytest.raises(DeadlineExceeded, match="longer than 0.4 s"):
            transport.request("GET", path)
        assert time.monotonic() - began < 3
        assert transport.request("GET", "/goodbye").status == 200


def test_an_unknown_authority(server, tmp_path):
    other = Authority(tmp_path, "other")
    untrusted = pytest.raises(CertificateRejected, match="Nobody whom we trust")
    for ca_file in (str(other.file), None):
        with untrusted, reach(server, ca_file=ca_file) as transport:
            transport.request("GET", "/echo")


def test_a_certificate_for_another_name():
    refused = pytest.raises(CertificateRejected, match="another name")
    with refused, HttpsServer(Handler, "pbx.example") as server, reach(server) as transport:
        transport.request("GET", "/echo")


def test_an_old_certificate():
    with HttpsServer(Handler) as server:
        pem = server.authority.issue("127.0.0.1", until=datetime.datetime(2021, 1, 1))
        server._context.load_cert_chain(str(pem))
        with reach(server) as transport, pytest.raises(CertificateRejected, match="not valid today"):
            transport.request("GET", "/echo")


def test_a_client_certificate(tmp_path):
    ours = Authority(tmp_path, "ours")
    pem = str(ours.issue("backup"))
    with HttpsServer(Handler, client_ca=ours.file) as server:
        with reach(server, client_certificate_file=pem) as transport:
            assert transport.request("GET", "/echo").status == 200
        with reach(server) as transport, pytest.raises(AuthenticationFailed, match="client certificate"):
            transport.request("GET", "/echo")


def test_files_that_cannot_be_used(server, tmp_path):
    text = tmp_path / "text.pem"
    text.write_text("nothing")
    for options in (
        {"ca_file": str(text)},
        {"ca_file": str(tmp_path / "none")},
        {"client_certificate_file": str(text)},
        {"client_certificate_file": str(tmp_path / "none")},
        {"client_key_file": str(text)},
    ):
        with pytest.raises(OptionInvalid):
            reach(server, **options)


def test_a_locked_key_is_refused_and_asks_nobody(server, tmp_path):
    from cryptography.hazmat.primitives import serialization

    pem = Authority(tmp_path, "ours").issue("backup")
    key = serialization.load_pem_private_key(pem.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"geheim"),
        )
    )
    with pytest.raises(OptionInvalid, match="passphrase"):
        reach(server, client_certificate_file=str(pem), client_key_file=str(locked))


def test_a_port_that_is_closed_and_one_without_tls():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        options = HttpOptions("127.0.0.1", closed.getsockname()[1])
        with HttpTransport(options) as transport, pytest.raises(ConnectionFailed, match="cannot be reached"):
            transport.request("GET", "/")
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer():
            peer, _address = plain.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        options = HttpOptions("127.0.0.1", plain.getsockname()[1])
        with HttpTransport(options) as transport, pytest.raises(ConnectionFailed, match="does not speak TLS"):
            transport.request("GET", "/")


def test_a_host_that_is_silent_before_tls():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        options = HttpOptions("127.0.0.1", mute.getsockname()[1], connect_timeout=0.3)
        with HttpTransport(options) as transport, pytest.raises(DeadlineExceeded, match="let us in within 0.3 s"):
            transport.request("GET", "/")


def test_a_name_that_is_none():
    unknown = pytest.raises(ConnectionFailed, match="name cannot be resolved")
    with unknown, HttpTransport(HttpOptions("pbx.invalid")) as transport:
        transport.request("GET", "/")


@pytest.mark.parametrize("path", ["rest", "/a b", "/a\r\nX: y", "/a?b=c", "/ü"])
def test_a_path_that_is_none(transport, path):
    with pytest.raises(OptionInvalid):
        transport.request("GET", path)


def test_the_environment_changes_nothing(server, monkeypatch, tmp_path):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login x password {SECRET}")
    monkeypatch.setenv("HOME", str(tmp_path))
    with reach(server) as transport:
        assert "authorization" not in transport.request("GET", "/echo").json()["headers"]


def test_secrets_do_not_show(server):
    with reach(server) as transport:
        assert SECRET not in repr(transport.options) and SECRET not in repr(vars(transport))
        with pytest.raises(CommandsRefused):
            transport.run(["true"])
