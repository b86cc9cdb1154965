# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from support.procall import PASSWORD

from ansible_collections.ucops.recovery.plugins.module_utils._compare.findings import Rules, graded
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_server import ProcallServer


def config(name, content):
    return {f"/C:/Program Files/estos/UCServer/config/{name}".encode(): content}


def test_users_and_lines_in_words():
    masker = Masker(bytes(32))
    old = {
        **config("users/anna_clientcontent.xml", b"<c/>"),
        **config("ucserver.xml", b'<s><Lines><Line id="1" number="11"/></Lines></s>'),
    }
    new = {
        **config("users/bernd_clientcontent.xml", b"<c/>"),
        **config("ucserver.xml", b'<s><Lines><Line id="1" number="11"/><Line id="2" number="12"/></Lines></s>'),
    }
    told = [(one.kind, one.object, one.action, one.of) for one in ProcallServer({}).semantic(old, new, masker)]
    assert ("user", "anna", "removed", 1) in told
    assert ("user", "bernd", "added", 0) in told
    assert [kind for kind, name, action, _of in told if kind == "line" and action == "added"] == ["line"]
    assert not any(kind == "document" for kind, *_rest in told)


def test_what_counts_as_a_user_a_trunk_and_an_administrator():
    product, masker = ProcallServer({}), Masker(bytes(32))
    users = {path: b"<c/>" for number in range(20) for path in config(f"users/u{number}_clientcontent.xml", b"")}
    xml = '<s><Trunks><Trunk id="1"/><Trunk id="2"/></Trunks><Admins><Admin name="a"/>{}</Admins></s>'
    old = {**users, **config("ucserver.xml", xml.format("").encode())}
    new = {
        **dict(list(users.items())[:10]),
        **config("ucserver.xml", xml.format('<Admin name="b"/>').replace('<Trunk id="2"/>', "").encode()),
    }
    _changes, findings = graded(product.semantic(old, new, masker), product.topics, Rules())
    assert {(one.grade, one.rule) for one in findings} == {
        ("high", "administrator_changed"),
        ("high", "trunk_removed"),
        ("high", "users_gone"),
    }


def test_a_password_in_its_xml_is_masked():
    masker = Masker(bytes(32))
    product = ProcallServer({})
    old = config("ucserver.xml", f'<s><Admin Name="a" Password="{PASSWORD}"/></s>'.encode())
    new = config("ucserver.xml", b'<s><Admin Name="a" Password="an0ther-One"/></s>')
    told = str(product.semantic(old, new, masker))
    rules = product.mask_rules(next(iter(old)))
    text = masker.mask_text(next(iter(old.values())).decode(), rules)[0]
    assert "<secret:" in told
    assert "<secret:" in text
    assert PASSWORD not in told + text
    assert "an0ther-One" not in told
