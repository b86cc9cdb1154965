# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._items.services import Service
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import WindowsLook, WindowsService
from ansible_collections.ucops.recovery.plugins.module_utils._products import mssql_partners
from ansible_collections.ucops.recovery.plugins.module_utils._products.mssql_partners import running_services

UCSERVER = WindowsService(
    "eucsrv", "estos UCServer", '"C:\\Program Files\\estos\\UCServer\\bin\\eucsrv.exe" -s', "LocalSystem", "automatic"
)
MEDIA = WindowsService(
    "emssrv",
    "estos UC Media Server",
    "C:\\Program Files\\estos\\UCServer\\emswindows\\ems.exe",
    "LocalSystem",
    "automatic",
)
SPOOLER = WindowsService("Spooler", "Print Spooler", "%SystemRoot%\\System32\\spoolsv.exe", "LocalSystem", "automatic")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A Windows host: which services it has, and which of them run."""
    facts: dict[str, Any] = {"services": [UCSERVER, MEDIA, SPOOLER], "running": {"eucsrv", "spooler"}}

    class Control:
        def __init__(self, transport: object) -> None:
            """Nothing is asked yet."""

        def is_active(self, service: Service) -> bool:
            return service.name.lower() in facts["running"]

    def look(transport: object) -> WindowsLook:
        return WindowsLook(services={one.name.lower(): one for one in facts["services"]})

    monkeypatch.setattr(mssql_partners, "look_at_windows", look)
    monkeypatch.setattr(mssql_partners, "WindowsServiceControl", Control)
    return facts


def ask(*patterns: str) -> tuple[list[str], list[str]]:
    return running_services(None, patterns)  # type: ignore[arg-type]


def test_ucserver_is_found_by_itself(host: dict[str, Any]) -> None:
    assert ask() == (["eucsrv"], ["eucsrv"])
    host["running"].clear()
    assert ask() == (["eucsrv"], [])


def test_a_host_without_ucserver(host: dict[str, Any]) -> None:
    host["services"] = [SPOOLER]
    assert ask() == ([], [])


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("EUCSRV", ["eucsrv"]),
        ("estos uc*", ["eucsrv", "emssrv"]),
        ("*\\emswindows\\*.exe", ["emssrv"]),
        ("c:\\program files\\estos\\ucserver\\bin\\eucsrv.exe", ["eucsrv"]),
        ("uc", []),
    ],
)
def test_services_are_named_by_name_by_what_is_shown_or_by_program(
    host: dict[str, Any], pattern: str, found: list[str]
) -> None:
    assert ask(pattern)[0] == found
