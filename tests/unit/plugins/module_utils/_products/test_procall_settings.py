# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import RegistryTree, RegistryValue
from ansible_collections.ucops.recovery.plugins.module_utils._compare.xml_document import XmlRefused
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_settings import (
    Setting,
    registry_settings,
    xml_settings,
)

KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server"


@pytest.mark.parametrize(
    "text",
    [
        '<x Server="a" Port="1"/>',
        "<x><Server>a</Server><Port>1</Port></x>",
        '<x><add name="Server" value="a"/><add key="Port" value="1"/></x>',
        '<x><value name="Server">a</value><value name="Port" type="dword">1</value></x>',
    ],
)
def test_writings_of_one_setting(text):
    assert xml_settings("f", text.encode()) == [Setting("f#x", "Server", "a"), Setting("f#x", "Port", "1")]


def test_neighbours_of_one_name_are_kept_apart():
    text = b'<x><db Server="a" Database="1"/><db Server="b" Database="2"/></x>'
    assert [setting.place for setting in xml_settings("f", text)] == ["f#x/db", "f#x/db", "f#x/db[2]", "f#x/db[2]"]
    with pytest.raises(XmlRefused):
        xml_settings("f", b"<x>")


def test_the_registry():
    value = RegistryValue
    keys = {
        KEY: {"Server": value.of_text("a"), "Port": value.of_number(1), "Blob": value(3, b"x"), "": value.of_text("d")},
        KEY + r"\Many": {"Names": value.of_texts(["b", "c"])},
    }
    assert registry_settings(RegistryTree(keys)) == [
        Setting(KEY, "Server", "a"), Setting(KEY, "Port", "1"), Setting(KEY, "", "d"),
        Setting(KEY + r"\Many", "Names", "b"), Setting(KEY + r"\Many", "Names", "c"),
    ]  # fmt: skip
