# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""LDAP against a stand-in that gives the answers Samba does not; real logins and searches are in tests/lab."""

from __future__ import annotations

import sys

import pytest
from support.certificates import Authority
from support.ldap_stand_in import BIND, EXTENDED, MODIFY, PASSWORD, SEARCH, Answer, StandIn

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    LibraryMissing,
    OptionInvalid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.directory import (
    ADD,
    ANY,
    DELETE,
    REPLACE,
    Modification,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.ldap import LdapOptions, LdapTransport

DN = "CN=x,DC=lab"


@pytest.fixture(name="authority", scope="module")
def _authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(name="serve")
def _serve(authority):
    """A stand-in with a script for all but logins, and a transport to it."""
    opened = []

    def serve(script, *, login=None, names=("127.0.0.1",), tls=True, **options):
        def answer(request):
            return (login or Answer()) if request.kind == BIND else script(request)

        context = authority.server(*names)
        server = StandIn(answer, tls=context if tls else None, starttls=context)
        server.__enter__()
        given = {"username": "backup@lab", "password": PASSWORD, "ca_file": str(authority.file), "port": server.port}
        transport = LdapTransport(LdapOptions("127.0.0.1", **{**given, "silence_timeout": 5, **options}))
        opened.append((server, transport))
        return server, transport

    yield serve
    for server, transport in opened:
        transport.close()
        server.__exit__()


def values(first, last):
    return [f"v{number}".encode() for number in range(first, last + 1)]


# --- ranges and pages ------------------------------------------------------------------------------------------------
def in_ranges(total, step):
    """A directory that gives ``step`` values at a time, as Active Directory does with 1,500."""

    def script(request):
        (asked,) = request.attributes
        first = int(asked.partition("=")[2].partition("-")[0]) if ";" in asked else 0
        last = min(first + step, total) - 1
        name = f"member;range={first}-{'*' if last == total - 1 else last}"
        return Answer(objects=[(DN, {"member": [], name: values(first, last)})])

    return script


@pytest.mark.parametrize(("total", "answers"), [(1500, 1), (1501, 2), (1600, 2), (4500, 3), (4501, 4)])
def test_values_that_come_in_ranges_are_read_to_the_end(serve, total, answers):
    server, transport = serve(in_ranges(total, 1500))
    found = transport.read(DN, ["member"])
    assert found is not None and found.attributes == {"member": values(0, total - 1)}
    assert sum(request.kind == SEARCH for request in server.requests) == answers
    (found,) = transport.search(DN, ANY, ["member"])
    assert found.attributes == {"member": values(0, total - 1)}


@pytest.mark.parametrize(
    "rest",
    [
        Answer(),
        Answer(objects=[(DN, {})]),
        Answer(objects=[(DN, {"member": values(0, 3)})]),
        Answer(objects=[(DN, {"member;range=0-1499": values(0, 1499)})]),
        Answer(objects=[(DN, {"member;range=1400-*": values(1400, 1600)})]),
        Answer(objects=[(DN, {"member;range=1500-*": []})]),
    ],
)
def test_ranges_that_break_off_are_an_error_and_no_short_list(serve, rest):
    def script(request):
        return (
            rest if ";" in request.attributes[0] else Answer(objects=[(DN, {"member;range=0-1499": values(0, 1499)})])
        )

    _server, transport = serve(script)
    with pytest.raises(CommandFailed, match="gave 1500 values of member and not the rest"):
        list(transport.search("DC=lab", ANY, ["member"]))


def test_values_that_do_not_begin_at_the_beginning_are_an_error(serve):
    _server, transport = serve(lambda request: Answer(objects=[(DN, {"member;range=5-*": values(5, 9)})]))
    with pytest.raises(CommandFailed, match="gave 0 values of member"):
        transport.read(DN, ["member"])


def test_every_page_is_asked_for_and_names_come_in_the_spelling_that_was_asked_for(serve):
    def script(request):
        page = int(request.cookie or b"0")
        entry = (f"CN={page},DC=lab", {"EXTENSIONNAME": [b"\xff\0", b"x"]})
        return Answer(objects=[entry], cookie=str(page + 1).encode() if page < 2 else b"")

    server, transport = serve(script)
    found = list(transport.search("DC=lab", ANY, ["extensionName"]))
    assert [one.dn for one in found] == ["CN=0,DC=lab", "CN=1,DC=lab", "CN=2,DC=lab"]
    assert found[0].attributes == {"extensionName": [b"\xff\0", b"x"]}
    assert [request.cookie for request in server.requests if request.kind == SEARCH] == [b"", b"1", b"2"]


# --- refusals --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (Answer(10, referral="ldap://other.example/DC=other"), CommandFailed, "refers to another server"),
        (Answer(32), CommandFailed, "no such object"),
        (Answer(50), CommandFailed, "no right"),
        (Answer(3), DeadlineExceeded, "own time limit"),
        (Answer(53, message="00002035 planted-value"), CommandFailed, "unwillingToPerform"),
    ],
)
def test_what_the_directory_refuses_is_told_without_its_text(serve, answer, error, words):
    _server, transport = serve(lambda request: answer)
    with pytest.raises(error, match=words) as caught:
        list(transport.search("DC=other", ANY, ["cn"]))
    with pytest.raises(error, match=words):
        transport.modify(DN, [Modification(REPLACE, "cn", [b"planted-value"])])
    assert "planted" not in str(caught.value)


def test_another_server_is_never_followed(serve):
    other, _transport = serve(lambda request: Answer())
    referral = f"ldap://127.0.0.1:{other.port}/DC=lab"
    _server, transport = serve(lambda request: Answer(10, referral=referral))
    with pytest.raises(CommandFailed, match="not followed"):
        list(transport.search("DC=lab", ANY, ["cn"]))
    assert other.requests == [] and not other.heard


def test_an_object_that_is_not_there_is_none(serve):
    _server, transport = serve(lambda request: Answer(32))
    assert transport.read(DN, ["cn"]) is None


def test_a_change_goes_out_as_one_request_and_none_as_no_request(serve):
    server, transport = serve(lambda request: Answer())
    transport.modify(DN, [])
    assert server.requests == []
    transport.modify(
        DN,
        [
            Modification(DELETE, "extensionName", [b"<1,old>"]),
            Modification(ADD, "extensionName", [b"<1,new>\xff"]),
            Modification(REPLACE, "ectisrv3Lines", []),
        ],
    )
    assert [request.kind for request in server.requests] == [BIND, MODIFY]
    sent = bytes(server.heard)
    assert sent.index(b"<1,old>") < sent.index(b"<1,new>\xff") < sent.index(b"ectisrv3Lines")


# --- logging in ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "words"),
    [("525", "no such user"), ("52e", "wrong password"), ("775", "locked"), ("533", "disabled"), ("532", "expired")],
)
def test_a_refused_login_says_why(serve, code, words):
    message = f"80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {code}, v3839"
    _server, transport = serve(lambda request: Answer(), login=Answer(49, message))
    with pytest.raises(AuthenticationFailed, match=f"login of backup@lab: .*{words}") as caught:
        transport.connect()
    assert PASSWORD not in str(caught.value) + repr(transport._options)


def test_a_refused_login_without_a_reason_and_a_directory_that_wants_more(serve):
    _server, transport = serve(lambda request: Answer(), login=Answer(49))
    with pytest.raises(AuthenticationFailed, match="login of backup@lab. Check"):
        transport.connect()
    _server, transport = serve(lambda request: Answer(), login=Answer(8))
    with pytest.raises(ConnectionFailed, match="demands a signed or encrypted"):
        transport.connect()


@pytest.mark.parametrize(
    "options",
    [
        {"security": "none"},
        {"security": "plain", "username": "x", "password": "y"},
        {"username": "x"},
        {"password": "y"},
        {"username": "x", "password": ""},
        {"username": "x", "password": "y", "ca_file": "/no/such/file"},
        {"username": "x", "password": "y", "ca_file": __file__},
    ],
)
def test_options_that_are_refused_before_anything_is_reached(options):
    with pytest.raises(OptionInvalid):
        LdapTransport(LdapOptions("dc1.lab.example", **options))


def test_kerberos_says_what_it_needs(authority, monkeypatch):
    monkeypatch.setitem(sys.modules, "gssapi", None)
    transport = LdapTransport(LdapOptions("127.0.0.1", port=1, security="kerberos", ca_file=str(authority.file)))
    with pytest.raises(LibraryMissing, match="gssapi"):
        transport.connect()


# --- TLS -------------------------------------------------------------------------------------------------------------
def test_a_server_without_starttls_hears_no_password(serve):
    server, transport = serve(
        lambda request: Answer(2) if request.kind == EXTENDED else Answer(), tls=False, security="starttls"
    )
    with pytest.raises(ConnectionFailed, match="offers no STARTTLS, and without TLS nothing is sent"):
        transport.connect()
    assert [request.kind for request in server.requests] == [EXTENDED]
    assert PASSWORD.encode() not in server.heard


def test_starttls_comes_before_the_login(serve):
    server, transport = serve(lambda request: Answer(), tls=False, security="starttls")
    transport.connect()
    assert [request.kind for request in server.requests] == [EXTENDED, BIND]


@pytest.mark.parametrize("security", ["ldaps", "starttls"])
def test_another_name_and_another_authority_hear_no_password(serve, security, tmp_path):
    for options, words in (
        ({"names": ("dc1.lab.example", "127.0.0.2")}, "not made for the name 127.0.0.1"),
        ({"ca_file": str(Authority(tmp_path, "another").file)}, "authority .CA. that is not trusted"),
        ({"ca_file": None}, "authority .CA. that is not trusted"),
    ):
        server, transport = serve(lambda request: Answer(), tls=security == "ldaps", security=security, **options)
        with pytest.raises(ConnectionFailed, match=words):
            transport.connect()
        assert PASSWORD.encode() not in server.heard
        assert BIND not in [request.kind for request in server.requests]


def test_a_port_without_tls_is_told(serve):
    server, transport = serve(lambda request: Answer(), tls=False, connect_timeout=2)
    with pytest.raises(ConnectionFailed):
        transport.connect()
    assert PASSWORD.encode() not in server.heard


# --- silence and loss ------------------------------------------------------------------------------------------------
def test_silence_has_its_limit(serve):
    _server, transport = serve(lambda request: None, silence_timeout=0.3)
    with pytest.raises(DeadlineExceeded, match=r"silent for 0.3 s"):
        list(transport.search("DC=lab", ANY, ["cn"]))


def test_the_whole_has_its_limit(serve):
    def script(request):
        return Answer(objects=[(DN, {"cn": [b"x"]})], cookie=b"more")

    _server, transport = serve(script, total_timeout=0.5)
    with pytest.raises(DeadlineExceeded, match=r"longer than 0.5 s"):
        for _found in transport.search("DC=lab", ANY, ["cn"]):
            pass


@pytest.mark.parametrize(
    "raw",
    [
        b"\x30\x84\x00\x00\x10\x00cut",
        b"no ldap at all",
        b"\x30\x03\x02\x01\x02",
        b"\x30\x05\x02\x01\x02\x65\x00",
        b"\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\xff\x04\x00\x04\x00",
        # notice of disconnection
        b"\x30\x24\x02\x01\x00\x78\x1f\x0a\x01\x34\x04\x00\x04\x00\x8a\x161.3.6.1.4.1.1466.20036",
    ],
)
def test_what_is_no_answer_is_a_lost_connection_and_the_next_use_connects_again(serve, raw):
    answers = [Answer(raw=raw), Answer(objects=[(DN, {"cn": [b"x"]})])]
    server, transport = serve(lambda request: answers.pop(0), silence_timeout=0.5)
    with pytest.raises(ConnectionLost):
        transport.read(DN, ["cn"])
    found = transport.read(DN, ["cn"])
    assert found is not None and found.attributes == {"cn": [b"x"]}
    assert [request.kind for request in server.requests] == [BIND, SEARCH, BIND, SEARCH]


def test_nobody_there(authority):
    login = {"username": "x", "password": PASSWORD, "ca_file": str(authority.file)}
    for host, port, words in (("127.0.0.1", 1, "Port 1 cannot be reached"), ("no-such.invalid", 636, "resolved")):
        with pytest.raises(ConnectionFailed, match=words):
            LdapTransport(LdapOptions(host, port=port, connect_timeout=2, **login)).connect()
