# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import WindowsLook, WindowsService
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_services import (
    UcService,
    component_of,
    folders_above,
    stop_order,
    uc_services,
)


def known(name, display_name, image_path, account="LocalSystem"):
    return WindowsService(name, display_name, image_path, account, "automatic")


def found(services, names=None):
    look = WindowsLook(services={service.name.lower(): service for service in services})
    return uc_services(look, names)


STRANGERS = [
    known("Spooler", "Print Spooler", r"%SystemRoot%\System32\spoolsv.exe"),
    known("W3SVC", "World Wide Web Publishing Service", r"C:\Windows\System32\svchost.exe -k iissvcs"),
    known("EMetaSrv", "estos MetaDirectory", r'"C:\Program Files\estos\MetaDirectory\EMetaSrv.exe"'),
    known("EACuSrv", "estos UpdateService", r'"C:\Program Files (x86)\estos\UpdateService\EACuSrv.exe"'),
    known("wms", "Windows Media Server", r"C:\Windows\System32\wms.exe"),
]
LAYOUTS = {
    "all in the vendor's folder": (
        [
            known("eucsrv", "estos UCServer", r'"C:\Program Files\estos\UCServer\eucsrv.exe"'),
            known("emsrv", "estos UC Media Server",
                  r'"C:\Program Files\estos\UCServer\MediaService\emswindows\bin\ems.exe" -service'),
            known("eucwebsrv", "estos UC Web Server", r'"C:\Program Files\estos\UCServer\WebService\web.exe"'),
        ],
        {"web_server": "eucwebsrv", "media_server": "emsrv", "ucserver": "eucsrv"},
    ),
    "another drive, folders without a hint, own names and accounts": (
        [
            known("UC$1", "estos UCServer", r"D:\UC\Bin\srv64.exe --instance 1", r"EXAMPLE\svc-uc"),
            known("UC$M", "estos UC MediaServer", r"E:\Media\run.exe", r".\media"),
            known("UC$W", "estos UC WebServer", r"E:\Web\run.exe"),
        ],
        {"web_server": "UC$W", "media_server": "UC$M", "ucserver": "UC$1"},
    ),
    "display names that say nothing, paths without quotes": (
        [
            known("ctisrv", "Unified Communications", r"%ProgramFiles%\estos\UCServer\ctisrv.exe -k run"),
            known("rtp", "RTP Relay", r"\??\C:\Program Files\estos\UCServer\MediaService\emswindows\bin\rtp.exe"),
            known("https", "Portal", r"C:\Program Files\estos\UC WebServer\node.exe index.js"),
        ],
        {"web_server": "https", "media_server": "rtp", "ucserver": "ctisrv"},
    ),
    "a media server on a machine of its own": (
        [known("ems", "UC Media Server", r'"D:\estos\MediaServer\emswindows\bin\ems.exe"')],
        {"media_server": "ems"},
    ),
    "a display name wins against the folder": (
        [known("a", "estos UCServer", r"C:\UC\MediaServer\a.exe")],
        {"ucserver": "a"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    services, expected = LAYOUTS[layout]
    own = found([*STRANGERS, *services])
    assert {service.component: service.name for service in own} == expected
    assert [service.component for service in own] == list(expected)


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda service: service.name)
def test_what_belongs_to_others_is_left_alone(stranger):
    assert found([stranger]) == []


@pytest.mark.parametrize(
    ("account", "needs"),
    [
        ("LocalSystem", False),
        (r".\LocalSystem", False),
        ("", False),
        (r"NT AUTHORITY\NetworkService", False),
        (r"NT-AUTORITÄT\NETZWERKDIENST", False),
        (r"NT SERVICE\eucsrv", False),
        (r"EXAMPLE\gmsa-uc$", False),
        (r"EXAMPLE\svc-uc", True),
        (r".\media", True),
        ("svc@example.com", True),
    ],
)
def test_accounts_whose_password_must_be_given(account, needs):
    (service,) = found([known("a", "estos UCServer", r"C:\estos\a.exe", account)])
    assert service.facts()["needs_password"] is needs


@pytest.mark.parametrize(
    ("image", "program"),
    [
        (r'"C:\Program Files\a b\x.exe" -k "y"', r"C:\Program Files\a b\x.exe"),
        (r"%ProgramFiles%\x.exe -k", r"C:\Program Files\x.exe"),
        (r"\SystemRoot\System32\drivers\x.sys", ""),
        ("", ""),
    ],
)
def test_programs_of_services(image, program):
    (service,) = found([known("a", "estos UCServer", image)])
    assert service.program == program


def test_services_that_the_operator_names_are_taken_in_his_order():
    services = [known("b", "Portal", r"C:\x.exe"), known("a", "estos UC Web Server", r"C:\y.exe")]
    assert [(one.name, one.component) for one in found(services, ["B", "nothing", "a"])] == [
        ("b", "ucserver"),
        ("a", "web_server"),
    ]


def test_what_depends_stops_first():
    def service(component, name, *depends):
        return UcService(component, name, name, "", "LocalSystem", depends)

    uc, media, web = service("ucserver", "uc", "MEDIA"), service("media_server", "media"), service("web_server", "web")
    assert [one.name for one in stop_order([uc, media, web])] == ["web", "uc", "media"]
    circle = [service("ucserver", "a", "b"), service("ucserver", "b", "a")]
    assert sorted(one.name for one in stop_order(circle)) == ["a", "b"]


def test_folders_above_a_program():
    assert folders_above(r"C:\a\b\x.exe") == [r"C:\a\b", r"C:\a"]
    assert folders_above("") == []


@given(st.text(), st.text())
def test_any_text_is_something_or_nothing(display, image):
    assert component_of(display, image) in (None, "ucserver", "media_server", "web_server")
