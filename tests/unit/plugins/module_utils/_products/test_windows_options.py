# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._products.options import parse_options
from ansible_collections.ucops.recovery.plugins.module_utils._products.windows_options import (
    WindowsOptions,
    folder_below,
    program_name,
    registry_key,
    service_name,
    windows_folder,
)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("C:\\Program Files\\estos", "C:\\Program Files\\estos"),
        ("c:/Program Files/estos/", "C:\\Program Files\\estos"),
        ("D:\\", "D:\\"),
        ("D:\\a\\.\\b\\\\c*?.xml", "D:\\a\\b\\c*?.xml"),
        ("C:\\Völklingen\\München", "C:\\Völklingen\\München"),
    ],
)
def test_paths(given, taken):
    assert windows_folder(given) == taken


@pytest.mark.parametrize(
    "given",
    ["", "C:", "estos", "\\estos", "\\\\server\\share\\x", "\\\\?\\C:\\x", "C:\\a\\..\\b", "C:\\a:stream", "C:\\a|b",
     "C:\\a\0b", "CC:\\a", 7, None],
)  # fmt: skip
def test_what_is_no_path(given):
    with pytest.raises(ValueError, match="absolute path with a drive letter"):
        windows_folder(given)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS", "HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS"),
        ("Computer\\HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS\\", "HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS"),
        ("hklm\\SOFTWARE\\ESTOS\\ECSTA*", "HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS\\ECSTA*"),
        ("HKCU\\Software\\x y", "HKEY_CURRENT_USER\\Software\\x y"),
        ("HKU\\S-1-5-18\\Software", "HKEY_USERS\\S-1-5-18\\Software"),
    ],
)
def test_keys(given, taken):
    assert registry_key(given) == taken


@pytest.mark.parametrize(
    "given",
    [
        "",
        "HKLM",
        "HKEY_LOCAL_MACHINE",
        "HKLM\\*",
        "HKLM\\SOFTWARE\\*\\x",
        "HKCR\\x",
        "SOFTWARE\\ESTOS",
        "HKLM\\a\nb",
        7,
    ],
)
def test_what_is_no_key(given):
    with pytest.raises(ValueError, match="a key like"):
        registry_key(given)


def test_folders_below():
    assert folder_below("estos/ProCall *") == "estos\\ProCall *"
    for wrong in ("", "\\estos", "estos\\..\\x", "C:\\estos", "estos\\", 7):
        with pytest.raises(ValueError, match="relative path"):
            folder_below(wrong)


def test_programs_and_services():
    assert program_name("ECtiClient.exe") == "ECtiClient.exe"
    assert service_name("MSSQL$CHAT") == "MSSQL$CHAT"
    assert service_name("estos UCServer") == "estos UCServer"
    for wrong in ("", "C:\\x.exe", "a/b"):
        with pytest.raises(ValueError, match="name of a program"):
            program_name(wrong)
    for wrong in ("", "a/b", "a\\b", 'a"b', "x" * 257, None):
        with pytest.raises(ValueError, match="name of a service"):
            service_name(wrong)


def test_passwords_are_never_printed():
    options = parse_options(WindowsOptions, {"service_passwords": {"LAB\\svc": "geheim"}, "services": "eucsrv"})
    assert options.service_passwords == {"LAB\\svc": "geheim"}
    assert options.services == ["eucsrv"]
    assert "geheim" not in repr(options)


@pytest.mark.parametrize("wrong", [{"service_passwords": {"svc": ""}}, {"service_passwords": ["x"]}])
def test_passwords_must_be_some_and_are_not_told(wrong):
    with pytest.raises(OptionInvalid, match="a mapping of accounts") as caught:
        parse_options(WindowsOptions, wrong)
    assert "geheim" not in str(caught.value)


def test_shadow_copies_are_never_auto_or_required():
    assert parse_options(WindowsOptions, {}).shadow_copy == "never"
    with pytest.raises(OptionInvalid, match="never, auto, required"):
        parse_options(WindowsOptions, {"shadow_copy": "yes"})
