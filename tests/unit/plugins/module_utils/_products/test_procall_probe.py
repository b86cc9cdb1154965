# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import struct
from dataclasses import replace

import pytest
from support.procall import LICENCE, MEDIA, PASSWORD, ROOT, SERVER_KEY, VERSION, probed

from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import WindowsService
from ansible_collections.ucops.recovery.plugins.module_utils._products import procall_probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_server import ProcallServer


def program(*numbers):
    """As little of a program as tells its version: one section, with resources."""
    resources = struct.pack("<II4H", 0xFEEF04BD, 0x00010000, *numbers)
    section = struct.pack("<8sIIII16x", b".rsrc", 0, 0, len(resources), 512)
    headers = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<2xH12xH2x", 1, 0) + section
    return headers.ljust(512, b"\0") + resources


def test_version_edition_places_and_counts(uc_host):
    _product, probe = probed(uc_host)
    assert (probe.release, probe.version) == (f"UCServer {VERSION}", VERSION)
    assert probe.facts["edition"] == "enterprise"
    assert probe.facts["components"] == ["ucserver", "media_server", "web_server"]
    assert (probe.facts["root"], probe.facts["media_server_root"]) == (ROOT, MEDIA)
    assert probe.facts["services"] == ["eucweb", "eucmedia", "eucsrv"]
    assert probe.counts == {"databases": 0, "users": 2}
    assert probe.identity["machine_id"] == "4c4c4544-0042"


def test_users_are_counted_also_when_none_is_left(uc_host):
    gone = [path for path in uc_host.files.paths() if "_clientcontent" in path]
    assert gone
    for path in gone:
        uc_host.files.remove(path)
    assert probed(uc_host)[1].counts["users"] == 0
    uc_host.files.remove(ROOT + r"\config\users")
    assert probed(uc_host)[1].counts["users"] == 0


def test_users_are_not_counted_where_nobody_may_look(uc_host):
    listing = uc_host.files.list_folder

    def refused(path):
        if path.endswith("users"):
            raise PermissionError(13, "denied")
        return listing(path)

    uc_host.files.list_folder = refused
    assert "users" not in probed(uc_host)[1].counts


def test_the_domain_of_the_host_unless_a_setting_names_another(uc_host):
    uc_host.setting("Domain", "example.com", procall_probe.DOMAIN_KEY)
    assert probed(uc_host)[1].facts["domain"] == "example.com"
    uc_host.setting("DomainName", "users.example.com")
    assert probed(uc_host)[1].facts["domain"] == "users.example.com"


def test_nothing_in_a_probe_changes_by_itself_and_nothing_secret_is_shown(uc_host):
    uc_host.setting("DbConnection", f"Server=sql1;Database=CHAT;Password={PASSWORD}")
    product, probe = probed(uc_host, licences=["MANUAL-1"])
    assert product.probe(uc_host.transport).to_json() == probe.to_json()
    shown = json.dumps([probe.facts, probe.counts, probe.identity, probe.release, product.remarks(probe)])
    shown += str(product.companions(probe)) + repr(product.options)
    assert PASSWORD not in shown
    assert LICENCE not in shown
    assert "MANUAL-1" not in shown


def test_editions(uc_host):
    uc_host.programs[0] = replace(uc_host.programs[0], name="estos ProCall Infinity (DataCenter)")
    assert probed(uc_host)[1].facts["edition"] == "datacenter"
    uc_host.programs[0] = replace(uc_host.programs[0], name="estos ProCall Business")
    assert probed(uc_host)[1].facts["edition"] == "business"
    uc_host.programs[0] = replace(uc_host.programs[0], name="estos UCServer")
    _product, probe = probed(uc_host)
    assert probe.facts["edition"] == ""
    assert any("option edition" in remark for remark in ProcallServer({}).remarks(probe))
    uc_host.setting("ServerName", "sql1", SERVER_KEY + r"\MultiServer")
    uc_host.setting("DatabaseName", "CONF", SERVER_KEY + r"\MultiServer")
    assert probed(uc_host)[1].facts["edition"] == "datacenter"
    assert probed(uc_host, edition="business")[1].facts["edition"] == "business"


def test_version_of_the_program_when_no_uninstall_key_tells(uc_host):
    uc_host.programs.clear()
    uc_host.files.add(ROOT + r"\eucsrv.exe", program(6, 8, 4711, 2))
    assert probed(uc_host)[1].version == VERSION
    uc_host.files.in_use.add(ROOT + r"\eucsrv.exe")
    assert probed(uc_host)[1].version == ""


LAYOUTS = {
    "vendor's default": (ROOT, rf'"{ROOT}\eucsrv.exe"', {}),
    "another drive, program below bin, uninstall key without a folder": (
        r"D:\UC", r"D:\UC\bin\srv.exe -k run", {"location": ""},
    ),
    "the 32 bit view, a quoted folder": (
        r"C:\Program Files (x86)\estos\UCServer", r'"%ProgramFiles(x86)%\estos\UCServer\a.exe"',
        {"location": '"C:\\Program Files (x86)\\estos\\UCServer\\"', "view": "32"},
    ),
    "a service without a path, the uninstall key tells": (r"E:\estos server", "", {"location": "E:\\estos server\\"}),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(uc_host, layout):
    root, image, program = LAYOUTS[layout]
    uc_host.files.nodes = {key: node for key, node in uc_host.files.nodes.items() if "ESTOS" not in key}
    uc_host.files.add(rf"{root}\config\locations.xml", b"<locations/>")
    uc_host.services[:] = [WindowsService("anything", "estos UCServer", image, "LocalSystem", "automatic")]
    uc_host.programs[0] = replace(uc_host.programs[0], **{"location": root, **program})
    product, probe = probed(uc_host)
    assert probe.facts["root"] == root
    assert probe.version == VERSION
    assert probe.facts["services"] == ["anything"]
    config = next(item for item in product.items(probe) if item.name == "config")
    assert list(config.paths) == [rf"{root}\config"]


def test_options_win_against_discovery(uc_host):
    uc_host.files.add(r"D:\own\config\a.xml", b"<a/>")
    _product, probe = probed(uc_host, root=r"D:\own", media_server_root=r"E:\media", services=["eucsrv", "nothing"])
    assert (probe.facts["root"], probe.facts["media_server_root"]) == (r"D:\own", r"E:\media")
    assert probe.facts["services"] == ["eucsrv"]


def test_licences_of_every_component_in_one_list(uc_host):
    uc_host.setting("Key1", "MD-4711-XYZ", r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\ESTOS\MetaDirectory")
    uc_host.setting("SerialNumber", "EC-0815-ABC", r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\ESTOS\ECSTA")
    uc_host.files.add(ROOT + r"\config\own.xml", b"<own><Freischaltung>FREI-1</Freischaltung></own>")
    _product, probe = probed(
        uc_host,
        licences=["noted by hand"],
        licence_values=[
            r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\ESTOS\MetaDirectory\Key1",
            ROOT + r"\config\own.xml#Freischaltung",
            r"C:\not there.xml#x",
        ],
    )
    text = "\n".join(probe.licences)
    for key in (LICENCE, "MD-4711-XYZ", "EC-0815-ABC", "FREI-1", "noted by hand"):
        assert key in text
    assert len(probe.licences) == 5


def test_no_licence_is_said(uc_host):
    del uc_host.keys[SERVER_KEY + r"\Licenses"]
    product, probe = probed(uc_host)
    assert any("licence_values" in remark for remark in product.remarks(probe))


def test_a_document_that_cannot_be_read_is_said(uc_host):
    uc_host.files.add(ROOT + r"\config\broken.xml", b"<a>")
    uc_host.files.add(ROOT + r"\config\locked.xml", b"<a/>")
    uc_host.files.in_use.add(ROOT + r"\config\locked.xml")
    product, probe = probed(uc_host)
    told = [remark for remark in product.remarks(probe) if "cannot be told" in remark]
    assert len(told) == 2
    assert any("broken.xml: no well-formed XML" in remark for remark in told)
