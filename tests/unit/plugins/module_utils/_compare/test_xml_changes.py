# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.thoroughness import thorough

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.semantic import HIGH
from ansible_collections.ucops.recovery.plugins.module_utils._compare.xml_changes import xml_changes

MASKER = Masker(bytes(32))
SERVER = """<Server name="uc1">
  <Settings><Port>7222</Port><Ldap tls="1"><Host>dc1</Host></Ldap></Settings>
  <Users>
    <User id="1" name="Anna Berg"><Line>101</Line><Line>102</Line><Password>alt</Password></User>
    <User id="2" name="Ben Cho"><Line>103</Line></User>
  </Users>
</Server>"""


def told(old, new, **others):
    return [str(change) for change in xml_changes(_bytes(old), _bytes(new), MASKER, **others)]


def _bytes(text):
    return text if text is None else text.encode()


def edited(*pairs):
    text = SERVER
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after, 1)
    return text


def test_nothing_changed_whatever_the_order_and_the_layout():
    users = SERVER.index("    <User id"), SERVER.index("  </Users>")
    lines = SERVER[slice(*users)].splitlines()
    assert told(SERVER, SERVER[: users[0]] + "\n".join(reversed(lines)) + SERVER[users[1] :].replace("\n", "")) == []


def test_a_setting():
    assert told(SERVER, edited(("7222", "7223"), ('tls="1"', 'tls="0"'))) == [
        "setting Settings/Ldap/tls changed: 1 -> 0",
        "setting Settings/Port changed: 7222 -> 7223",
    ]
    assert told(SERVER, edited(("<Host>dc1</Host>", ""))) == ["setting Settings/Ldap/Host removed: dc1"]
    assert told(edited(("<Host>dc1</Host>", "")), SERVER) == ["setting Settings/Ldap/Host added: dc1"]


def test_an_element_that_is_only_there_or_not():
    assert told("<S><A/></S>", "<S><A/><B/></S>") == ["setting B added"]
    assert told("<S><A/><B/></S>", "<S><A/></S>") == ["setting B removed"]
    assert told("<S><A/></S>", "<S><A>1</A></S>") == ["setting A added: 1"]


def test_users_come_go_and_change():
    carl = '<User id="3" name="Carl Ito"><Line>104</Line></User></Users>'
    assert told(SERVER, edited(("</Users>", carl))) == ["user Carl Ito (3) added: id=3 name=Carl Ito Line=104"]
    assert told(edited(("</Users>", carl)), SERVER) == ["user Carl Ito (3) removed: id=3 name=Carl Ito Line=104"]
    assert told(SERVER, edited(("Ben Cho", "Ben Chu"))) == ["user Ben Chu (2) changed: name=Ben Cho -> name=Ben Chu"]
    assert told(SERVER, edited(('id="2"', 'id="4"'))) == [
        "user Ben Cho (2) removed: id=2 name=Ben Cho Line=103",
        "user Ben Cho (4) added: id=4 name=Ben Cho Line=103",
    ]


def test_the_lines_of_a_user():
    assert told(SERVER, edited(("<Line>102</Line>", ""))) == ["line Anna Berg (1) / 102 removed: text=102"]
    assert told(SERVER, edited(("102", "109"))) == ["line Anna Berg (1) / 109 changed: text=102 -> text=109"]
    assert told(SERVER, edited(("103", "109"))) == ["user Ben Cho (2) changed: Line=103 -> Line=109"]
    assert told(SERVER, edited(("<Line>103</Line>", "<Line>103</Line><Line>110</Line>"))) == [
        "line Ben Cho (2) / 110 added: text=110"
    ]


def test_the_first_user_is_a_user_already():
    one = '<S><Users><User id="1" name="A"/></Users></S>'
    assert told("<S><Users/></S>", one) == ["user A (1) added: id=1 name=A"]
    assert told(one, "<S><Users/></S>") == ["user A (1) removed: id=1 name=A"]
    assert told(one, one.replace("1", "2")) == ["user A (1) removed: id=1 name=A", "user A (2) added: id=2 name=A"]


def test_children_may_identify_as_well():
    old = "<L><U><Id>1</Id><Name>A</Name></U><U><Id>2</Id><Name>B</Name></U></L>"
    assert told(old, old.replace("B", "C")) == ["u C (2) changed: Name=B -> Name=C"]


def test_what_nothing_identifies_is_known_by_its_content():
    old = "<L><R><a>1</a></R><R><a>2</a></R><R><a>2</a></R></L>"
    assert told(old, old.replace("<R><a>1</a></R>", "")) == ["r R removed: a=1"]
    assert told(old, old.replace("<a>1</a>", "<a>3</a>")) == ["r R changed: a=1 -> a=3"]
    assert told(old, "<L><R><a>1</a></R><R><a>2</a></R></L>") == ["r R removed: a=2"]


def test_kinds_and_place():
    changes = told(SERVER, edited(("Ben Cho", "Ben Chu"), ("7222", "1")), kinds={"user": "person"}, place="a.xml")
    assert changes == [
        "setting a.xml: Settings/Port changed: 7222 -> 1",
        "person a.xml: Ben Chu (2) changed: name=Ben Cho -> name=Ben Chu",
    ]


def test_whole_documents():
    assert told(None, SERVER, place="x") == ["document x added"]
    assert told(SERVER, None, place="x") == ["document x removed"]
    assert told(None, None) == []
    changes = xml_changes(SERVER.encode(), b"<Server>", MASKER, place="x")
    assert str(changes[0]).startswith("document x changed: cannot be read: no well-formed XML")
    assert changes[0].severity == HIGH
    assert xml_changes(b"<Server>", SERVER.encode(), MASKER)[0].severity != HIGH
    assert xml_changes(SERVER.encode(), b"<Other/>", MASKER)[0].severity == HIGH


SECRET = "S3cr3t-Planted"
PLACES = [
    "<Password>{}</Password>",
    '<Ldap password="{}"/>',
    '<add key="DbPassword" value="{}"/>',
    '<Set name="Pwd">{}</Set>',
    "<Set><Name>Pwd</Name><Value>{}</Value></Set>",
    "<Password><Plain>{}</Plain></Password>",
    "<Passwords><Entry>{}</Entry><Entry>b</Entry></Passwords>",
    "<Passwords><Entry id='1'>{}</Entry><Entry id='2'>b</Entry></Passwords>",
    "<Keys><License name='{}'/><License name='b'/></Keys>",
    "<Password>{}</Password><Password>b</Password>",
    '<Set name="Pwd" default="{}"/>',
    '<Set name="Pwd"><Current><Text>{}</Text></Current></Set>',
    "<Set><Name>Pwd</Name><Current>{}</Current></Set>",
    "<Set><Name>Pwd</Name><Vs><V>{}</V><V>b</V></Vs></Set>",
    "<Sets><Set><Name>Pwd</Name><V>{}</V><V>b</V></Set></Sets>",
    '<Db connection="Server=db;Password={};x=y"/>',
    "<Users><User id='1' name='A'><Secrets><s>{}</s><s>b</s></Secrets></User></Users>",
]


@pytest.mark.parametrize("place", PLACES)
def test_secrets_are_placeholders_and_their_change_is_seen(place):
    document = f"<Config>{place}</Config>"
    for old, new in ((SECRET, SECRET + "x"), ("x", SECRET), (SECRET, "x")):
        changes = xml_changes(document.format(old).encode(), document.format(new).encode(), MASKER)
        assert changes
        assert SECRET not in json.dumps([change.to_json() for change in changes])
    for one, other in ((document.format(SECRET), "<Config/>"), ("<Config/>", document.format(SECRET))):
        changes = xml_changes(one.encode(), other.encode(), MASKER)
        assert changes and SECRET not in json.dumps([change.to_json() for change in changes])


def test_of_a_document_full_of_secrets_only_what_changed_is_told():
    new = edited(("7222", "7223"), ("Ben Cho", "Ben Chu"), ('tls="1"', 'tls="0"'), ("<Line>102</Line>", ""))
    changes = [str(change) for change in xml_changes(SERVER.encode(), new.encode(), MASKER, hide_values=True)]
    port = f"{MASKER.placeholder('7222')} -> {MASKER.placeholder('7223')}"
    assert changes[:2] == ["setting Settings/Ldap/tls changed: 1 -> 0", f"setting Settings/Port changed: {port}"]
    assert changes[2].startswith("line Anna Berg (1) / <secret:")
    assert changes[3].startswith("user Ben Chu (2) changed: name=<secret:")
    assert not any(value in "".join(changes) for value in ("7222", "102", "Ben Cho ", "dc1"))


def test_licence_codes_are_told_by_their_form():
    old, new = (f'<L><Product key="AB12-CD34-{end}"/></L>'.encode() for end in ("EF56", "EF57"))
    shown = json.dumps([change.to_json() for change in xml_changes(old, new, MASKER)])
    assert "secret" in shown and "CD34" not in shown


@thorough
def test_time_grows_with_the_size_only():
    names = "".join(f"<n{number}/>" for number in range(8_000))
    lists = "<e><x>1</x></e>" * 12_000
    started = time.monotonic()
    for inner in (names, lists, "<a>" * 90 + names[:40_000] + "</a>" * 90):
        document = f"<root>{inner}</root>".encode()
        assert xml_changes(document, document.replace(b"</root>", b"<more/></root>"), MASKER)
    assert time.monotonic() - started < 60


names = st.sampled_from(["User", "Line", "Name", "Users", "id"])
elements = st.recursive(
    st.builds(lambda name, text: f"<{name}>{text}</{name}>", names, st.sampled_from(["", "1", "2"])),
    lambda inner: st.builds(
        lambda name, number, children: f'<{name} id="{number}">{"".join(children)}</{name}>',
        names,
        st.sampled_from("12"),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@given(elements, elements)
def test_a_document_equals_itself_and_differs_both_ways(one, other):
    old, new = f"<a>{one}</a>".encode(), f"<a>{other}</a>".encode()
    assert xml_changes(old, old, MASKER) == []
    assert bool(xml_changes(old, new, MASKER)) == bool(xml_changes(new, old, MASKER))
