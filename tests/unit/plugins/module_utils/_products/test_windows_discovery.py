# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from support.windows_files import MemoryWindowsFiles

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import (
    Installed,
    WindowsLook,
    WindowsService,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products import windows_discovery
from ansible_collections.ucops.recovery.plugins.module_utils._products.windows_discovery import (
    Sought,
    find_installation,
    in_stop_order,
    is_below,
    same_path,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import (
    WindowsCommands,
    WindowsTransport,
)

SOUGHT = Sought(re.compile("meta ?directory", re.I), re.compile(r"\bestos\b", re.I), "config\\MetaDirectoryServer.xml")
MARKER = "\\config\\MetaDirectoryServer.xml"
OTHERS = (
    WindowsService("Spooler", "Print Spooler", "%SystemRoot%\\System32\\spoolsv.exe", "LocalSystem", "automatic"),
    WindowsService(
        "eucsrv", "estos UCServer", '"C:\\Program Files\\estos\\UCServer\\eucsrv.exe"', "LocalSystem", "automatic"
    ),
)


class Silent(WindowsCommands):
    host = "windows.example"

    def close(self):
        pass


def host(*files):
    disk = MemoryWindowsFiles()
    for path in files:
        disk.add(path, b"<a/>")
    return WindowsTransport(Silent(), disk)


def service(name, display_name, image_path, *depends):
    return WindowsService(name, display_name, image_path, "LocalSystem", "automatic", depends)


def look(programs=(), *services):
    every = {one.name.lower(): one for one in (*OTHERS, *services)}
    return WindowsLook(programs=programs, services=every)


USUAL = "C:\\Program Files\\estos\\MetaDirectory"
LAYOUTS = {
    "as the vendor installs it": (
        [Installed("estos MetaDirectory 5", "5.0.1.3200", "estos GmbH", USUAL + "\\", "64")],
        service("emetasrv", "estos MetaDirectory", f'"{USUAL}\\MetaDirectoryServer.exe" -service'),
        USUAL,
    ),
    "on another drive, in the 32-bit view, with a quoted location": (
        [Installed("MetaDirectory Enterprise", "3.5.2", "ESTOS GmbH", '"E:\\UC Tools\\MetaDir"', "32")],
        service("md", "MetaDirectory Server", "E:\\UC Tools\\MetaDir\\bin\\md.exe /run"),
        "E:\\UC Tools\\MetaDir",
    ),
    "renamed by a partner, known by vendor and configuration": (
        [Installed("Kontaktserver", "4.0", "Beispiel GmbH (estos)", "D:\\Kontakte", "64")],
        service("kontakt", "Kontaktserver", '"D:\\Kontakte\\srv\\kontakt.exe"'),
        "D:\\Kontakte",
    ),
    "without a location, known by its service": (
        [Installed("estos MetaDirectory", "5.0.9", "estos GmbH", "", "64")],
        service("x1", "estos MetaDirectory", '"D:\\apps\\bin\\MetaDirectoryServer.exe"'),
        "D:\\apps",
    ),
    "without an uninstall key and with names of its own": (
        [],
        service("contacts", "Contacts", "F:\\c\\contacts.exe"),
        "F:\\c",
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(name):
    programs, own, root = LAYOUTS[name]
    found = find_installation(host(root + MARKER), look(programs, own), SOUGHT)
    assert found.root == root
    assert [service.name for service in found.services] == [own.name]
    assert found.version == (programs[0].version if programs else "")


@pytest.mark.parametrize("name", list(LAYOUTS)[:2])
def test_a_place_with_its_name_is_still_it_when_its_configuration_is_gone(name):
    programs, own, root = LAYOUTS[name]
    found = find_installation(host(), look(programs, own), SOUGHT)
    assert (found.root, [service.name for service in found.services]) == (root, [own.name])


def test_nothing_there():
    ucserver = [Installed("estos UCServer", "8.6", "estos GmbH", "C:\\Program Files\\estos\\UCServer", "64")]
    found = find_installation(host(), look(ucserver), SOUGHT)
    assert (found.root, found.version, found.services) == ("", "", ())


def test_installed_twice_is_for_the_operator_to_decide():
    programs = [Installed("MetaDirectory", "5", "estos", place, "64") for place in (USUAL, "D:\\md")]
    where = host(USUAL + MARKER, "D:\\md" + MARKER)
    with pytest.raises(OptionInvalid, match="more than once") as caught:
        find_installation(where, look(programs), SOUGHT)
    assert "option root" in str(caught.value)
    found = find_installation(where, look(programs), SOUGHT, root="D:\\md")
    assert found.root == "D:\\md"


def test_what_the_operator_says_counts():
    found = find_installation(host(), look(), SOUGHT, root="D:\\md", services=["EUCSRV", "gone"])
    assert [one.name for one in found.services] == ["eucsrv"]


def test_others_of_the_vendor_are_not_taken_for_it():
    programs, own, root = LAYOUTS["as the vendor installs it"]
    programs = [Installed("estos UCServer", "8.6", "estos GmbH", "C:\\Program Files\\estos\\UCServer", "64"), *programs]
    found = find_installation(host(root + MARKER), look(programs, own), SOUGHT)
    assert (found.root, found.version) == (root, "5.0.1.3200")


def test_the_version_of_the_program_where_no_uninstall_key_tells_it(monkeypatch):
    asked = []
    monkeypatch.setattr(windows_discovery, "file_version", lambda _files, path: asked.append(path) or "8.6.2.4711")
    _programs, own, root = LAYOUTS["without an uninstall key and with names of its own"]
    assert find_installation(host(root + MARKER), look((), own), SOUGHT).version == "8.6.2.4711"
    assert asked == ["F:\\c\\contacts.exe"]


def test_a_program_that_cannot_be_read_tells_no_version():
    _programs, own, root = LAYOUTS["without an uninstall key and with names of its own"]
    assert find_installation(host(root + MARKER), look((), own), SOUGHT).version == ""


def test_what_needs_others_stops_first():
    services = [service("a", "", ""), service("b", "", "", "A"), service("c", "", "", "b", "rpcss")]
    assert [one.name for one in in_stop_order(services)] == ["c", "b", "a"]
    circle = [service("a", "", "", "b"), service("b", "", "", "a")]
    assert len(in_stop_order(circle)) == 2


def test_paths_have_no_case():
    assert is_below("c:\\program files\\ESTOS\\x.exe", "C:\\Program Files\\estos\\")
    assert not is_below("C:\\Program Files\\estos2\\x.exe", "C:\\Program Files\\estos")
    assert same_path("C:\\A\\", "c:\\a")
