# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the wire, against a server that breaks each."""

from __future__ import annotations

import http.server
import threading
import time

import pytest
import requests

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionFailed,
    ConnectionLost,
    OutputTooLarge,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport import winrm_wire
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_wire import Wire


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        getattr(self, self.path.strip("/"))()

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def fine(self):
        self.reply(200, b"<x/>")

    def sealed(self):
        self.reply(200, b"sealed", Content_Type='multipart/encrypted;protocol="x"')

    def denied(self):
        self.reply(401)

    def elsewhere(self):
        self.reply(302, Location="/fine")

    def large(self):
        self.reply(200, b"x" * 5000)

    def goodbye(self):
        self.reply(200, b"<x/>")
        self.close_connection = True

    def once(self):
        self.reply(200, b"<x/>", Connection="close")

    def endless(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        except OSError:
            self.close_connection = True

    def drop_by_drop(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        try:
            for _turn in range(200):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            self.close_connection = True


@pytest.fixture(scope="module")
def url():
    class Server(http.server.ThreadingHTTPServer):
        block_on_close = False

        def handle_error(self, request, client_address):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def wire():
    wire = Wire("uc01", 2, 5)
    yield wire
    wire.close()


@pytest.fixture
def session(wire):
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", wire)
        yield session


def test_answers_come_through(session, url):
    assert session.post(f"{url}/fine", data=b"<x/>").content == b"<x/>"


@pytest.mark.parametrize("path", ["large", "endless"])
def test_answers_have_a_size(session, url, path, monkeypatch):
    monkeypatch.setattr(winrm_wire, "LARGEST_ANSWER", 4999)
    with pytest.raises(OutputTooLarge, match="larger than any"):
        session.post(f"{url}/{path}")


def test_redirects_do_not_exist(session, url):
    with pytest.raises(ConnectionFailed, match="another place"):
        session.post(f"{url}/elsewhere")


def test_a_sealed_message_gets_a_sealed_answer(session, url):
    sealed = {"Content-Type": 'multipart/encrypted;protocol="x"'}
    assert session.post(f"{url}/sealed", headers=sealed).content == b"sealed"
    assert session.post(f"{url}/denied", headers=sealed).status_code == 401
    with pytest.raises(ConnectionFailed, match="without encryption"):
        session.post(f"{url}/fine", headers=sealed)


def test_a_login_counts_for_one_connection(session, wire, url):
    assert session.post(f"{url}/once").ok
    assert session.post(f"{url}/once").ok
    wire.settled = True
    with pytest.raises((ConnectionLost, requests.ConnectionError)):
        session.post(f"{url}/fine")


def test_quiet_is_a_connection_that_stands(session, wire, url):
    assert not wire.is_quiet
    session.post(f"{url}/fine")
    assert wire.is_quiet
    wire.cut()
    assert not wire.is_quiet


def test_a_goodbye_of_the_host_is_no_quiet(session, wire, url):
    session.post(f"{url}/goodbye")
    until = time.monotonic() + 5
    while wire.is_quiet and time.monotonic() < until:
        time.sleep(0.02)
    assert not wire.is_quiet


def test_it_can_be_cut_while_an_answer_drips(session, wire, url):
    threading.Timer(0.3, wire.cut).start()
    began = time.monotonic()
    with pytest.raises((ConnectionLost, requests.RequestException)):
        session.post(f"{url}/drop_by_drop")
    assert time.monotonic() - began < 3
    with pytest.raises((ConnectionLost, requests.RequestException)):
        session.post(f"{url}/fine")
    wire.cut()


def test_closing_gives_every_socket_back(url):
    wire = Wire("uc01", 2, 5)
    with requests.Session() as session:
        session.mount("http://", wire)
        session.post(f"{url}/fine")
        copies = list(wire._sockets)
        assert copies
        wire.close()
        wire.close()
    assert all(each.fileno() == -1 for each in copies)
