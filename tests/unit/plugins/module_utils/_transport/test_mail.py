# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mails to a real server on loopback, which is good or bad as asked."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
from support.certificates import Authority
from support.mail_server import MailServer

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    CertificateRejected,
    ConnectionFailed,
    OptionInvalid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.mail import MailOptions, compose, send

LOGIN = ("backup", "qx7-mail-secret")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def options(server, authority, **others):
    return MailOptions(
        **{
            "host": "127.0.0.1",
            "sender": "backup@example.com",
            "recipients": ("a@example.com", "b@example.com"),
            "port": server.port if server else 1,
            "ca_file": str(authority.file),
            "timeout": 5,
            **others,
        }
    )


def login():
    return {"username": LOGIN[0], "password": LOGIN[1]}


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_arrives_encrypted_and_with_a_login(authority, security):
    with MailServer(authority.server("127.0.0.1"), starttls=security == "starttls", login=LOGIN) as server:
        asked = options(server, authority, security=security, **login())
        assert send(asked, compose(asked, "Grüße\r\nBcc: evil@example.com", "pbx: büro\n.\nQUIT\n")) == []
    ((sender, recipients, message),) = server.mails
    assert (sender, recipients) == ("backup@example.com", ["a@example.com", "b@example.com"])
    assert message["Subject"] == "Grüße Bcc: evil@example.com" and message["Bcc"] is None
    assert message.get_content() == "pbx: büro\n.\nQUIT\n"
    assert message["Date"] and message["Message-ID"] and message["Auto-Submitted"] == "auto-generated"


def test_this_machines_own_server_needs_neither():
    with MailServer() as server:
        asked = MailOptions("localhost", "a@b.example", ("c@d.example",), port=server.port, security="none")
        assert send(asked, compose(asked, "x", "y\n")) == []
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"sender": "nobody"},
        {"sender": "a@b.example\nBcc: x@y.example"},
        {"recipients": ()},
        {"recipients": ("a@b.example, c@d.example",)},
        {"username": "backup"},
        {"password": "secret"},
        {"sender": "a\udcff@b.example"},
        {"recipients": ("a\udcff@b.example",)},
        {"username": "u", "password": "secret\udcff"},
        {"username": "u\0v", "password": "secret"},
        {"security": "none", "host": "mail.example.com"},
        {"security": "none", "host": "192.0.2.1"},
        {"security": "none", "host": "127.0.0.1", "username": "u", "password": "p"},
    ],
)
def test_what_cannot_be_is_refused_at_once(authority, wrong):
    with pytest.raises(OptionInvalid) as caught:
        options(None, authority, **wrong)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_unknown_authority_and_another_name_are_refused_before_the_login(authority, tmp_path, security):
    strangers = Authority(tmp_path, "strangers")
    for context in (strangers.server("127.0.0.1"), authority.server("mail.example.com")):
        with MailServer(context, starttls=security == "starttls", login=LOGIN) as server:
            asked = options(server, authority, security=security, **login())
            with pytest.raises(CertificateRejected, match="not to be trusted") as caught:
                send(asked, compose(asked, "x", "y\n"))
        assert server.logins == 0 and server.mails == []
        assert "smtp_ca_file" in str(caught.value) and LOGIN[1] not in str(caught.value)


def test_a_server_without_encryption_gets_neither_login_nor_mail(authority):
    with MailServer(None, login=LOGIN) as server:
        asked = options(server, authority, **login())
        with pytest.raises(ConnectionFailed, match="offers no encryption"):
            send(asked, compose(asked, "x", "y\n"))
    assert server.logins == 0 and server.mails == []


def test_a_wrong_password_is_told_without_it(authority):
    with MailServer(authority.server("127.0.0.1"), login=("backup", "another")) as server:
        asked = options(server, authority, **login())
        with pytest.raises(AuthenticationFailed, match="refuses the login") as caught:
            send(asked, compose(asked, "x", "y\n"))
    assert server.logins and LOGIN[1] not in str(caught.value) and LOGIN[1] not in repr(asked)


UMLAUTS = ("büro", "schlüssel-ß")


@pytest.mark.parametrize("who", [UMLAUTS, ("backup", UMLAUTS[1]), (UMLAUTS[0], "secret")])
def test_a_login_of_any_characters(authority, who):
    with MailServer(authority.server("127.0.0.1"), login=who) as server:
        asked = options(server, authority, username=who[0], password=who[1])
        assert send(asked, compose(asked, "x", "y\n")) == []
        wrong = options(server, authority, username=who[0], password=f"{who[1]}ö")
        with pytest.raises(AuthenticationFailed, match="refuses the login") as caught:
            send(wrong, compose(wrong, "x", "y\n"))
    assert len(server.mails) == 1 and who[1] not in str(caught.value)


def test_a_login_of_any_characters_where_the_server_has_no_way_for_it(authority):
    with MailServer(authority.server("127.0.0.1"), login=UMLAUTS, without=["PLAIN"]) as server:
        asked = options(server, authority, username=UMLAUTS[0], password=UMLAUTS[1])
        with pytest.raises(OptionInvalid, match="AUTH PLAIN") as caught:
            send(asked, compose(asked, "x", "y\n"))
    assert server.logins == 0 and UMLAUTS[1] not in str(caught.value)
    with MailServer(authority.server("127.0.0.1"), without=["PLAIN", "LOGIN"]) as server:
        asked = options(server, authority, username=UMLAUTS[0], password=UMLAUTS[1])
        with pytest.raises(ConnectionFailed, match="offers no login"):
            send(asked, compose(asked, "x", "y\n"))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_addresses_of_any_characters(authority, security):
    where = {"sender": "büro@example.com", "recipients": ("käthe@exämple.com", "a@example.com")}
    with MailServer(authority.server("127.0.0.1"), starttls=security == "starttls", utf8=True) as server:
        asked = options(server, authority, security=security, **where)
        assert send(asked, compose(asked, "x", "y\n")) == []
    ((sender, recipients, message),) = server.mails
    assert (sender, tuple(recipients)) == (where["sender"], where["recipients"])
    assert message["To"] == "käthe@exämple.com, a@example.com"


def test_addresses_of_any_characters_where_the_server_takes_none(authority):
    with MailServer(authority.server("127.0.0.1")) as server:
        some = options(server, authority, recipients=("käthe@example.com", "a@example.com"))
        assert send(some, compose(some, "x", "y\n")) == ["käthe@example.com"]
        for wrong in ({"sender": "büro@example.com"}, {"recipients": ("käthe@example.com",)}):
            asked = options(server, authority, **wrong)
            with pytest.raises(ConnectionFailed, match="SMTPUTF8") as caught:
                send(asked, compose(asked, "x", "y\n"))
            assert "ASCII" in caught.value.hint
    assert [recipients for _sender, recipients, _mail in server.mails] == [["a@example.com"]]


def test_recipients_that_are_refused_are_named(authority):
    answers = {"b@example.com": "550 5.1.1 no such user"}
    with MailServer(authority.server("127.0.0.1"), answers=answers) as server:
        asked = options(server, authority)
        assert send(asked, compose(asked, "x", "y\n")) == ["b@example.com"]
        nobody = options(server, authority, recipients=("b@example.com",))
        with pytest.raises(ConnectionFailed, match="takes no mail for b@example.com .550 5.1.1 no such user"):
            send(nobody, compose(nobody, "x", "y\n"))
    assert [recipients for _sender, recipients, _mail in server.mails] == [["a@example.com"]]


def test_a_full_mailbox_is_told(authority):
    with MailServer(authority.server("127.0.0.1"), answers={"DATA": "452 4.3.1 mailbox is full"}) as server:
        asked = options(server, authority)
        with pytest.raises(ConnectionFailed, match="refuses the mail .452 4.3.1 mailbox is full"):
            send(asked, compose(asked, "x", "y\n"))


def test_nobody_there_or_nobody_who_answers(authority):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        nobody = options(None, authority, port=one.getsockname()[1])
        with pytest.raises(ConnectionFailed, match="cannot be reached"):
            send(nobody, compose(nobody, "x", "y\n"))
        one.listen()
        silent = options(None, authority, port=one.getsockname()[1], timeout=0.3)
        with pytest.raises(ConnectionFailed, match="cannot be reached or broke off"):
            send(silent, compose(silent, "x", "y\n"))


def test_a_server_that_is_none(authority):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()

        def answer():
            with contextlib.suppress(OSError):
                connection, _address = one.accept()
                with connection:
                    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        threading.Thread(target=answer, daemon=True).start()
        asked = options(None, authority, port=one.getsockname()[1])
        with pytest.raises(ConnectionFailed):
            send(asked, compose(asked, "x", "y\n"))
