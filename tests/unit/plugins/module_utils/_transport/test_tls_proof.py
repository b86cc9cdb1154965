# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import threading

import pytest
from support.certificates import Authority
from support.https_server import HttpsServer, QuietHandler

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ConnectionFailed, DeadlineExceeded
from ansible_collections.ucops.recovery.plugins.module_utils._transport.tls_context import verifying_context
from ansible_collections.ucops.recovery.plugins.module_utils._transport.tls_proof import (
    ldap_starttls,
    shown_certificate,
)


@pytest.fixture(scope="module")
def server():
    with HttpsServer(QuietHandler) as running:
        yield running


def test_a_certificate_of_somebody_who_is_trusted(server):
    shown = shown_certificate(server.address, server.port, verifying_context(server.ca_file), 5)
    assert (shown.kind, shown.doubt, shown.port) == ("certificate", "", server.port)
    der = ssl.PEM_cert_to_DER_cert(shown.text)
    assert shown.fingerprint.replace(":", "") == "SHA256" + hashlib.sha256(der).hexdigest().upper()
    assert re.fullmatch(r"SHA256(:[0-9A-F]{2}){32}", shown.fingerprint)


def test_one_of_nobody_is_shown_with_the_reason(server, tmp_path):
    stranger = Authority(tmp_path)
    shown = shown_certificate(server.address, server.port, verifying_context(str(stranger.file)), 5)
    assert "is not believed: " in shown.doubt and shown.to_result()["believed"] is False


def test_one_of_another_name(server):
    shown = shown_certificate("localhost", server.port, verifying_context(server.ca_file), 5)
    assert "localhost" in shown.doubt


def answering(answer):
    """A server that says one thing and closes; its port, and what it heard."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard = []

    def serve():
        line, _address = listener.accept()
        with line:
            heard.append(line.recv(4096))
            line.sendall(answer)
        listener.close()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1], heard


def test_a_port_without_tls():
    port, heard = answering(b"220 hello\r\n")
    with pytest.raises(ConnectionFailed, match="speaks no TLS with us"):
        shown_certificate("127.0.0.1", port, verifying_context(None), 5)
    assert heard[0][:1] == b"\x16"


def test_a_directory_without_starttls():
    port, heard = answering(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00")
    with pytest.raises(ConnectionFailed, match="offers no StartTLS"):
        shown_certificate("127.0.0.1", port, verifying_context(None), 5, ldap_starttls)
    assert heard == [b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"]


def test_nobody_listens_or_answers():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(DeadlineExceeded, match="did not answer within 0.2 s"):
            shown_certificate("127.0.0.1", port, verifying_context(None), 0.2)
    with pytest.raises(ConnectionFailed, match="cannot be reached: Connection refused"):
        shown_certificate("127.0.0.1", port, verifying_context(None), 5)
