# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of an EJBCA, exported by a stand-in for its REST interface that checks every request."""

from __future__ import annotations

import json

import pytest
from support.certificates import Authority
from support.ejbca_stand_in import BASE, PLANTED, EjbcaStandIn
from support.gathering import Gathering

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    CertificateRejected,
    CommandFailed,
    ConnectionFailed,
    ItemMissing,
    ItemTruncated,
    OptionInvalid,
    OutputTooLarge,
    PrivilegeFailed,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items import configdump
from ansible_collections.ucops.recovery.plugins.module_utils._items.configdump import PATH
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.ejbca_configdump import EjbcaConfigdump
from ansible_collections.ucops.recovery.plugins.module_utils._transport.http import HttpOptions, HttpTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    with EjbcaStandIn(tmp_path_factory.mktemp("ejbca")) as server:
        yield server


@pytest.fixture(scope="module")
def login(stand_in):
    return stand_in.client()


@pytest.fixture(autouse=True)
def nothing_to_complain_of(stand_in):
    stand_in.complaints.clear()
    stand_in.asked.clear()
    stand_in.instead, stand_in.broken = None, []
    yield
    assert stand_in.complaints == []


def reach(server, login=None, **options):
    given = {"host": server.address, "port": server.port, "ca_file": server.ca_file, "client_certificate_file": login}
    return HttpTransport(HttpOptions(**{**given, **options}))


@pytest.fixture
def transport(stand_in, login):
    with reach(stand_in, login) as one:
        yield one


def gathered(transport, **options):
    product = EjbcaConfigdump(options)
    (item,) = product.items(Probe())
    return Gathering(item, transport)


# --- what is asked and what comes ------------------------------------------------------------------------------------
def test_release_and_what_is_asked(transport):
    probe = EjbcaConfigdump({"include": ["CA:*"]}).probe(transport)
    assert (probe.release, probe.version, probe.build) == ("EJBCA 8.3.2", "8.3.2", "EJBCA 8.3.2 Enterprise (r1234)")
    assert probe.facts["asked"]["include"] == "CA:*" and not probe.private


def test_the_dump_comes_whole_and_is_kept_byte_for_byte(stand_in, transport):
    dump = gathered(transport)
    content = dump.by_path[PATH][1]
    assert json.loads(content) == stand_in.dump
    assert dump.problems == {} and dump.report.notes["objects"]["admin-roles"] == 1
    path, asked = stand_in.asked[-1]
    assert path == BASE
    assert asked == {"ignoreerrors": ["false"], "defaults": ["false"], "externalcas": ["false"]}


def test_everything_that_can_be_asked_for(stand_in, transport):
    dump = gathered(
        transport,
        include=["CA:*", "role:Super*"],
        exclude=["*:*"],
        ignore_errors=True,
        defaults=True,
        external_cas=True,
        api_base="/ejbca/ejbca-rest-api/",
    )
    assert stand_in.asked[-1][1] == {
        "ignoreerrors": ["true"],
        "defaults": ["true"],
        "externalcas": ["true"],
        "include": ["CA:*;role:Super*"],
        "exclude": ["*:*"],
    }
    assert dump.report.notes["objects"] == {"certification-authorities": 1, "admin-roles": 1}


def test_a_restore_is_not_offered(transport):
    (item,) = EjbcaConfigdump({}).items(Probe())
    assert not item.restorable and item.covers(PATH) and not item.covers(b"/etc/passwd")


def test_health_tells_the_status(transport):
    (check,) = EjbcaConfigdump({}).health(transport, Probe())
    assert check.ok is True


# --- who may not -----------------------------------------------------------------------------------------------------
def test_another_authority_than_the_one_that_is_trusted(stand_in, login, tmp_path):
    with (
        reach(stand_in, login, ca_file=str(Authority(tmp_path).file)) as transport,
        pytest.raises(CertificateRejected),
    ):
        EjbcaConfigdump({}).probe(transport)


def test_no_client_certificate_where_tls_demands_one(stand_in):
    with reach(stand_in) as transport, pytest.raises(AuthenticationFailed, match="wants a client certificate"):
        EjbcaConfigdump({}).probe(transport)


def test_a_client_certificate_of_a_stranger(stand_in, tmp_path):
    stranger = str(Authority(tmp_path, "Somebody else").issue("SuperAdmin"))
    with reach(stand_in, stranger) as transport, pytest.raises(AuthenticationFailed):
        EjbcaConfigdump({}).probe(transport)


def test_a_client_certificate_without_the_right(stand_in):
    with reach(stand_in, stand_in.client("Auditor")) as transport, pytest.raises(PrivilegeFailed) as caught:
        EjbcaConfigdump({}).probe(transport)
    assert "REST Configdump" in str(caught.value)


def test_no_client_certificate_where_only_ejbca_asks_for_it(tmp_path):
    with (
        EjbcaStandIn(tmp_path, demand_certificate=False) as server,
        reach(server) as transport,
        pytest.raises(PrivilegeFailed),
    ):
        EjbcaConfigdump({}).probe(transport)


def test_the_community_edition(tmp_path):
    with EjbcaStandIn(tmp_path, community=True) as server, reach(server, server.client()) as transport:
        with pytest.raises(ItemMissing, match=r"no ConfigDump \(HTTP status 404\)") as caught:
            EjbcaConfigdump({}).probe(transport)
        assert "Enterprise edition" in caught.value.hint


def test_401_is_a_failed_login(stand_in, transport):
    stand_in.instead = lambda handler: handler.reply(401)
    with pytest.raises(AuthenticationFailed, match="does not know who we are"):
        gathered(transport)


def test_another_kind_of_transport():
    with pytest.raises(ConnectionFailed, match="EJBCA is reached by HTTPS"):
        EjbcaConfigdump({}).probe(LocalTransport())


# --- what is not a dump ----------------------------------------------------------------------------------------------
def test_errors_of_an_export_are_named_without_secrets(stand_in, transport):
    stand_in.broken = ["Certificate profile\nTLS: password=planted-9 is gone", *("x" * 300 for _one in range(4))]
    with pytest.raises(CommandFailed) as caught:
        gathered(transport)
    text = str(caught.value)
    assert "Certificate profile TLS" in text and "and 2 more" in text and len(text) < 900
    assert "planted" not in text and "\n" not in text
    assert gathered(transport, ignore_errors=True).problems == {}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"certification-authorities": {"Root": {"x": ', "the dump is not whole: it ends before its end"),
        (b"", "the dump is not whole: it ends before its end"),
        (b"<html>login</html>", "the dump is not whole: it is no JSON"),
        (b"{}", "the dump holds no object at all"),
        (b'{"services": {}}', "the dump holds no object at all"),
        (b"[1]", "it is no dump: its outermost value is no object"),
        (b'{"errors": ["x"], "warnings": []}', "it is a report of errors, not a dump"),
        (b'{"a": {"b": {}}, "a": {}}', "the dump is not whole: it names the same thing twice"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "the dump is not whole: it is deeper than 64 levels"),
    ],
)
def test_what_is_no_whole_dump_is_kept_and_named(stand_in, transport, body, problem):
    stand_in.instead = lambda handler: handler.reply(200, body, Content_Type="application/json")
    dump = gathered(transport)
    assert dump.by_path[PATH][1] == body
    assert list(dump.problems.values()) == [problem]


def test_an_answer_that_is_cut(stand_in, transport):
    def cut(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"services": {}}')
        handler.cut()

    stand_in.instead = cut
    with pytest.raises((ItemTruncated, ConnectionFailed)):
        gathered(transport)


def test_an_answer_without_an_end_is_judged_by_its_json(stand_in, transport):
    def without_length(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b'{"services": {"a": {"x"')
        handler.close_connection = True

    stand_in.instead = without_length
    assert list(gathered(transport).problems.values()) == ["the dump is not whole: it ends before its end"]


def test_more_than_is_taken(stand_in, transport):
    (item,) = EjbcaConfigdump({}).items(Probe())
    item.largest = 10
    with pytest.raises(OutputTooLarge):
        Gathering(item, transport)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[]", b"null", b'{"revision": 7}'])
def test_a_hostile_status(stand_in, transport, monkeypatch, body):
    class Said:
        status, host = 200, "x"

    Said.body = body
    monkeypatch.setattr(transport, "request", lambda *_asked, **_options: Said)
    if body == b"[" * 100_000:
        with pytest.raises(ConnectionFailed, match="not understood"):
            EjbcaConfigdump({}).probe(transport)
    else:
        assert EjbcaConfigdump({}).probe(transport).release == ""


# --- comparing -------------------------------------------------------------------------------------------------------
def test_the_order_in_which_it_is_written_is_no_change(transport):
    (item,) = EjbcaConfigdump({}).items(Probe())

    def normalised(content):
        normaliser = item.normaliser(None)
        return normaliser.feed(content) + normaliser.finish()

    assert normalised(b'{"b": {"x": 1}, "a": [{"Name": "2"}, {"Name": "1"}]}') == normalised(
        b'{"a":[{"Name":"1"},{"Name":"2"}],"b":{"x":1}}'
    )
    assert normalised(b"<html>") == b"<html>"


def test_differences_in_the_words_of_ejbca(stand_in, transport):
    before = gathered(transport).by_path[PATH][1]
    after = before.replace(b'"1y"', b'"2y"').replace(PLANTED.encode(), b"planted-new")
    masker = Masker(b"k" * 32)
    shown = [str(one) for one in EjbcaConfigdump({}).semantic({PATH: before}, {PATH: after}, masker)]
    assert "certificate-profiles TLS server changed: Validity=1y -> Validity=2y" in shown
    assert len(shown) == 2 and "planted" not in "".join(shown)
    assert EjbcaConfigdump({}).semantic({PATH: before}, {PATH: b"<html>"}, masker) == []
    assert len(EjbcaConfigdump({}).semantic({}, {PATH: before}, masker)) == 4


# --- options ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "options",
    [
        {"include": ["CA"]},
        {"include": ["CA:"]},
        {"exclude": ["CA:*;ROLE:*"]},
        {"exclude": ["C A:*"]},
        {"exclude": [1]},
        {"api_base": "ejbca"},
        {"api_base": "/ejbca?x=1"},
        {"api_base": "/"},
        {"defaults": "yes"},
        {"overwrite": True},
    ],
)
def test_options_that_cannot_be(options):
    with pytest.raises(OptionInvalid):
        EjbcaConfigdump(options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ignore_errors": True}, "nothing names them"),
        ({"include": ["CA:*"]}, "include alone leaves nothing out"),
        ({"exclude": ["CERTPROFIL:*"]}, "CERTPROFIL in include or exclude is no type"),
    ],
)
def test_what_an_operator_should_know(options, words):
    assert words in " ".join(EjbcaConfigdump(options).remarks(Probe()))
    always = EjbcaConfigdump({"include": ["certification-authorities:*"], "exclude": ["*:*"]}).remarks(Probe())
    assert len(always) == 2 and "no private keys" in always[0]


def test_nothing_of_a_dump_is_in_the_item_s_repr():
    assert PLANTED not in repr(configdump.ConfigDump(name="x", data_class="system_config"))
