# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.procall import MEDIA, ROOT, NoCommands
from support.windows_files import MemoryWindowsFiles

from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_files import DEFAULT_ROOT, ProcallFiles
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_services import UcService
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsTransport


@pytest.fixture
def disk():
    return MemoryWindowsFiles()


@pytest.fixture
def files(disk):
    return ProcallFiles(WindowsTransport(NoCommands(), disk))


def service(program, component="ucserver"):
    return UcService(component, "x", "x", program, "LocalSystem")


def test_the_root_is_where_config_is(files, disk):
    program = service(r"D:\UC\Server\bin\x64\srv.exe")
    assert files.server_root([program], []) == r"D:\UC\Server\bin\x64"
    assert files.server_root([], []) == ""
    disk.add(rf"{DEFAULT_ROOT}\config", None)
    assert files.server_root([program], []) == DEFAULT_ROOT
    disk.add(r"E:\told\config", None)
    assert files.server_root([program], [r"E:\told"]) == r"E:\told"
    disk.add(r"D:\UC\Server\config", None)
    assert files.server_root([program], [r"E:\told"]) == r"D:\UC\Server"


def test_a_root_that_has_lost_its_config(files, disk):
    programs = [service(rf"{ROOT}\WebService\web.exe", "web_server"), service(rf"{ROOT}\eucsrv.exe")]
    assert files.server_root(programs, []) == ROOT
    disk.add(rf"{ROOT}\userstates", None)
    assert files.server_root(programs[:1], []) == ROOT


def test_the_media_root_by_what_is_in_it_or_by_the_program(files, disk):
    program = service(rf"{MEDIA}\emswindows\bin\ems.exe", "media_server")
    assert files.media_root([program], ROOT) == MEDIA
    assert files.media_root([service(r"E:\media\run.exe")], ROOT) == r"E:\media"
    assert files.media_root([], ROOT) == ""
    disk.add(rf"{MEDIA}\logparams.txt", b"")
    assert files.media_root([], ROOT) == MEDIA


def test_files_that_are_not_there_or_denied_tell_nothing(files, disk):
    config = files.config(ROOT)
    assert (config.settings, config.users, config.unread) == ([], None, [])
    assert files.media_log_folders(MEDIA) is None
    assert files.sqlite_files([ROOT]) == []
    assert not files.has_directory_cache([ROOT])
    disk.add(rf"{ROOT}\config\a.xml", b"<a b='1'/>")
    disk.denied.add(rf"{ROOT}\config")
    assert files.config(ROOT).settings == []


def test_a_document_without_measure_is_not_read_to_its_end(files, disk):
    disk.add(rf"{ROOT}\config\big.xml", b"<a>" + b" " * (17 * 2**20) + b"</a>")
    (unread,) = files.config(ROOT).unread
    assert "big.xml: a document of more than" in unread


def test_texts_by_their_place(files, disk):
    disk.add(rf"{ROOT}\config\a.xml", b"<a><Key>K-1</Key><b key='K-2'/></a>")
    place = rf"{ROOT}\config\a.xml"
    found = files.texts([f"{place}#KEY", f"{place}#none", rf"{ROOT}\not there.xml#Key"])
    assert [one.value for one in found] == ["K-1", "K-2"]
