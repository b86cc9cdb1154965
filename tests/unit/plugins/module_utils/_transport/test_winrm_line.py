# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before the login: encryption is demanded, tickets are found, a late host is cut off."""

from __future__ import annotations

import os
import socket
import time

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionFailed,
    DeadlineExceeded,
    OutputTooLarge,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_line import (
    Line,
    _demand_encryption,
    _ticket_cache,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_options import WinRmOptions

LOGIN = WinRmOptions("127.0.0.1", scheme="http", username="backup", password="Planted-Secret", connect_timeout=1)


class Able:
    session_security = None
    winrm_encryption_available = True


class OldKerberos:
    winrm_encryption_available = False


class Session:
    def __init__(self, auth):
        self.auth = auth


def test_libraries_that_cannot_encrypt_are_refused():
    kerberos = WinRmOptions("uc01", scheme="http", authentication="kerberos")
    for options in (LOGIN, kerberos):
        _demand_encryption(Session(Able()), options)
        with pytest.raises(ConnectionFailed, match="cannot encrypt") as caught:
            _demand_encryption(Session(object()), options)
        assert "https" in caught.value.hint
    with pytest.raises(ConnectionFailed):
        _demand_encryption(Session(OldKerberos()), kerberos)


def test_tickets_are_found_and_the_environment_is_as_before(monkeypatch):
    login = WinRmOptions("uc01", authentication="kerberos", kerberos_cache_file="/run/cache")
    for before in ("/else", None):
        if before is None:
            monkeypatch.delenv("KRB5CCNAME", raising=False)
        else:
            monkeypatch.setenv("KRB5CCNAME", before)
        with _ticket_cache(login):
            assert os.environ["KRB5CCNAME"] == "/run/cache"
        assert os.environ.get("KRB5CCNAME") == before
        with _ticket_cache(LOGIN):
            assert os.environ.get("KRB5CCNAME") == before


def test_a_host_that_says_nothing_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = WinRmOptions(**{**vars(LOGIN), "port": silent.getsockname()[1]})
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="did not let us in within 1 s"):
            Line(options).open()
        assert time.monotonic() - began < 4


def test_every_call_has_a_deadline_and_errors_are_ours():
    line = Line(LOGIN)
    with pytest.raises(DeadlineExceeded, match="within 0.1 s"):
        line._call(0.1, lambda _protocol: (time.sleep(0.3), 1 / 0))
    line.close()
    ours = OutputTooLarge("too much", host="uc01")

    def fail(_protocol):
        raise ours

    with Line(LOGIN) as line, pytest.raises(OutputTooLarge):
        line._call(1, fail)


def test_nothing_of_the_secret_shows():
    line = Line(LOGIN)
    assert "Planted-Secret" not in repr(vars(line))
    line.close()
