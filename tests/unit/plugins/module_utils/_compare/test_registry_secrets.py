# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret in an export of the registry is never seen, and its change always is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare import registry_secrets
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask_rules import rules_for
from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    BOM,
    REG_BINARY,
    REG_DWORD,
    REG_EXPAND_SZ,
    REG_MULTI_SZ,
    REG_SZ,
    RegistryTree,
    RegistryValue,
    format_reg,
    format_text,
    parse_reg,
)
from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry_secrets import (
    registry_changes,
    registry_text,
)
from ansible_collections.ucops.recovery.plugins.module_utils._compare.textdiff import ContentChange, content_diff

MASKER = Masker(bytes(range(32)))
TOP = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server"
PATH = b"/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/ESTOS/UCServer4/Server.reg"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SECRETS = st.text(LETTERS + '!#$%&()*+,-./:<=>?@[]^_{|}~ äß€\\"', min_size=1, max_size=20).map(
    lambda text: f"Zz9{text}9zZ"
)
SECRET_NAMES = [
    "Password",
    "AdminPassword",
    "UserPassword2",
    "DB_PWD",
    "pwd",
    "Kennwort",
    "ServicePasswort",
    "ClientSecret",
    "AccessToken",
    "CurrentPassword",
    "Licence",
    "LicenseKey",
    "Lizenz",
    "SerialNumber",
    "ApiKey",
    "Key1",
    "KeyData",
    "ServerKeys_2",
    "AuthCode",
    "PIN",
    "PasswordHash",
    "EncryptedPwdOfAdmin",
    "Credentials",
]


def tree(name: str, value: RegistryValue, key: str = TOP) -> RegistryTree:
    return RegistryTree({key: {"before": RegistryValue.of_text("seen"), name: value}})


def everything_shown(old: RegistryTree | None, new: RegistryTree | None) -> str:
    """The textual and the semantic difference."""
    sides = [None if side is None else format_reg(side) for side in (old, new)]
    text = content_diff(ContentChange(PATH, *sides), MASKER, rules_for(PATH)).text
    return text + "\n".join(map(str, registry_changes(old, new, MASKER)))


def hidden(secret: str, shown: str) -> bool:
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
    in_bytes = ",".join(f"{byte:02x}" for byte in secret.encode("utf-16-le"))
    return secret not in shown and escaped not in shown and in_bytes not in shown


def types_of(secret: str) -> list[RegistryValue]:
    return [
        RegistryValue.of_text(secret),
        RegistryValue.of_text(secret, REG_EXPAND_SZ),
        RegistryValue.of_texts(["first", secret]),
        RegistryValue(REG_BINARY, secret.encode("utf-16-le")),
        RegistryValue(REG_SZ, b"a\0\0\0" + secret.encode("utf-16-le")),
        RegistryValue(REG_DWORD, secret.encode("utf-16-le")),
        RegistryValue(0, secret.encode("utf-16-le")),
    ]


@given(st.sampled_from(SECRET_NAMES), SECRETS, SECRETS)
def test_a_secret_that_its_name_tells_of_is_never_seen(name, secret, other):
    for one, two in zip(types_of(secret), types_of(other)):
        shown = everything_shown(tree(name, one), tree(name, two)) + everything_shown(None, tree(name, one))
        assert hidden(secret, shown) and hidden(other, shown)
        assert (name in everything_shown(tree(name, one), tree(name, two))) == (one != two)


@given(SECRETS, st.sampled_from(["Value", "", "Blob 1"]))
def test_bytes_of_unknown_meaning_are_never_seen(secret, name):
    for value in types_of(secret)[3:]:
        assert hidden(secret, everything_shown(None, tree(name, value)))


@given(
    st.text(LETTERS + "!#$%()*+,-./:<=>?@[]^_{|}~ ä€", min_size=1).map(lambda text: f"Zz9{text}9zZ"),
    st.sampled_from(
        [
            "Provider=SQLNCLI11;Server=db;Password={};Database=x",
            "pwd={}",
            "Server=db;User Password = '{}';x=y",
            '<login user="a" password="{}"/>',
            "https://user:{}@host/",
        ]
    ),
)
def test_a_secret_within_a_text_is_never_seen(secret, form):
    if "://" in form:
        secret = "".join(char for char in secret if char.isalnum())
    for value in (
        RegistryValue.of_text(form.format(secret)),
        RegistryValue.of_text(form.format(secret), REG_EXPAND_SZ),
        RegistryValue.of_texts(["a", form.format(secret)]),
    ):
        assert hidden(secret, everything_shown(None, tree("Connection", value)))


@pytest.mark.parametrize("key", [TOP + r"\Licenses", TOP + r"\Passwords\alice", TOP + r"\Lizenzen", TOP + r"\Tokens"])
@pytest.mark.parametrize("name", ["0", "alice", ""])
def test_a_secret_that_its_key_tells_of_is_never_seen(key, name):
    assert "Zz9xy" not in everything_shown(None, tree(name, RegistryValue.of_text("Zz9xy"), key))


def test_a_default_value_belongs_to_the_name_of_its_key():
    assert "Zz9" not in everything_shown(None, tree("", RegistryValue.of_text("Zz9"), TOP + r"\AdminPwd"))


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        (TOP, "Text", "ABCD-EF12-34GH-5678"),
        (TOP, "ABCD-EF12-34GH-5678", "1"),
        (TOP + r"\ABCD-EF12-34GH-5678", "a", "1"),
        (TOP + r"\Licenses", "ABCDEF12GH345678", "1"),
    ],
)
def test_the_codes_of_licences_are_never_seen(key, name, value):
    shown = everything_shown(None, tree(name, RegistryValue.of_text(value), key))
    assert "EF12" not in shown and "<secret:" in shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Port", RegistryValue.of_number(7222), "7222"),
        ("Text", RegistryValue.of_text("hello"), "hello"),
        ("Path", RegistryValue.of_text(r"C:\x", REG_EXPAND_SZ), r"C:\x (expandable)"),
        ("List", RegistryValue.of_texts(["a", "b"]), "a | b (list)"),
        ("PasswordRequired", RegistryValue.of_number(1), "1"),
        ("SavePassword", RegistryValue.of_text("no"), "no"),
        (
            "Guid",
            RegistryValue.of_text("{6F1C2D3E-1234-4321-ABCD-0123456789AB}"),
            "{6F1C2D3E-1234-4321-ABCD-0123456789AB}",
        ),
        ("Sid", RegistryValue.of_text("S-1-5-21-1111-2222-3333-1001"), "S-1-5-21-1111-2222-3333-1001"),
        ("Password", RegistryValue.of_text(""), ""),
        ("Hotkey", RegistryValue.of_text("F5"), "F5"),
        ("KeyboardLayout", RegistryValue.of_text("de"), "de"),
        ("Keynote", RegistryValue.of_text("x"), "x"),
    ],
)
def test_what_is_no_secret_is_seen(name, value, shown):
    (change,) = registry_changes(RegistryTree({TOP: {}}), RegistryTree({TOP: {name: value}}), MASKER)
    assert (change.object, change.after) == (rf"{TOP}\{name}", shown)
    _text, masked = MASKER.mask_text(format_text(RegistryTree({TOP: {name: value}})), rules_for(PATH))
    assert masked == 0


def test_a_password_that_is_a_number_is_hidden():
    shown = everything_shown(None, tree("Pin", RegistryValue.of_number(47110)))
    assert "47110" not in shown and "b806" not in shown


def test_the_same_secret_has_the_same_placeholder():
    (change,) = registry_changes(
        tree("Password", RegistryValue.of_text("one")), tree("Password", RegistryValue.of_text("two")), MASKER
    )
    (again,) = registry_changes(None, RegistryTree({TOP: {"Password": RegistryValue.of_text("one")}}), MASKER)
    assert change.action == "changed" and change.before == again.after != change.after


def test_changes_in_words():
    old = RegistryTree({TOP: {"a": RegistryValue.of_text("1"), "gone": RegistryValue.of_number(5)}, TOP + r"\Old": {}})
    new = RegistryTree(
        {TOP.upper(): {"A": RegistryValue.of_text("2"), "": RegistryValue.of_text("new")}, TOP + r"\New": {}}
    )
    assert [str(change) for change in registry_changes(old, new, MASKER)] == [
        rf"registry key {TOP}\Old removed",
        rf"registry key {TOP}\New added",
        rf"registry value {TOP.upper()}\(default) added: new",
        rf"registry value {TOP.upper()}\A changed: 1 -> 2",
        rf"registry value {TOP}\gone removed: 5",
    ]
    assert not registry_changes(old, old, MASKER)


def test_a_long_text_is_cut():
    (change,) = registry_changes(None, RegistryTree({TOP: {"a": RegistryValue.of_text("x" * 5000)}}), MASKER)
    assert len(change.after) < 400


# --- the textual difference -------------------------------------------------------------------------------------------
def test_only_what_differs_differs_in_the_text():
    old = RegistryTree({TOP: {"b": RegistryValue.of_text("1"), "a": RegistryValue.of_text("ä")}})
    new = RegistryTree({TOP: {"a": RegistryValue.of_text("ä"), "b": RegistryValue.of_text("2")}})
    text = content_diff(ContentChange(PATH, format_reg(old), format_reg(new)), MASKER, rules_for(PATH)).text
    assert [line for line in text.splitlines()[3:] if line[0] in "+-"] == ['-"b"="1"', '+"b"="2"']
    assert ' "a"="ä"' in text


def test_another_order_is_no_difference():
    one = RegistryTree({TOP: {"b": RegistryValue.of_text("1"), "a": RegistryValue.of_text("2")}})
    other = RegistryTree({TOP: {"a": RegistryValue.of_text("2"), "b": RegistryValue.of_text("1")}})
    assert content_diff(ContentChange(PATH, format_reg(one), format_reg(other)), MASKER, rules_for(PATH)).text == ""


def test_a_sensitive_export_is_not_even_shown_masked():
    change = ContentChange(PATH, None, format_reg(tree("Port", RegistryValue.of_number(1))), sensitive=True)
    assert "Port" not in content_diff(change, MASKER, rules_for(PATH)).text


@given(SECRETS.filter(lambda text: len(text) > 6), st.data())
def test_nothing_is_seen_of_a_file_that_cannot_be_followed(secret, data):
    content = format_reg(tree("Password", RegistryValue.of_text(secret)))
    end = data.draw(st.integers(len(content) - 60, len(content)))
    broken = content[:end] + BOM + "Password: ".encode("utf-16-le") + secret.encode("utf-16-le")
    text = content_diff(ContentChange(PATH, None, broken), MASKER, rules_for(PATH)).text
    assert secret[:6] not in text.replace('\\"', '"').replace("\\\\", "\\") or secret[:6] in "Password: "


def test_comments_are_not_seen():
    content = format_reg(RegistryTree({TOP: {}})) + "; password Zz9\r\n".encode("utf-16-le")
    assert "Zz9" not in MASKER.mask_text(content.decode("utf-16"), rules_for(PATH))[0]
    assert "Zz9" not in registry_text(content)


def test_what_is_no_export_stays_a_text():
    assert registry_text(b"no export") == "no export"
    assert registry_text(BOM + "no export\r\n".encode("utf-16-le")) == "no export\n"


def test_the_text_means_the_same_as_the_export():
    before = RegistryTree({TOP: {"b": RegistryValue.of_text("1\r\n2"), "a": RegistryValue(REG_MULTI_SZ, b"abc")}})
    text = registry_text(format_reg(before))
    assert parse_reg(BOM + text.encode("utf-16-le")).is_same(before)


def test_no_span_reaches_beyond_the_text():
    text = format_text(tree("Password", RegistryValue(REG_BINARY, bytes(100))))
    for begin, end in registry_secrets.registry_values(text):
        assert 0 <= begin <= end <= len(text)
