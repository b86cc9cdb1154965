# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed
from ansible_collections.ucops.recovery.plugins.module_utils._products import unix_host
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


@pytest.fixture(name="transport")
def _transport():
    with LocalTransport() as transport:
        yield transport


def write(root, path, content):
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def test_look_below_a_root(tmp_path, transport):
    write(tmp_path, "/etc/machine-id", b"3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    write(tmp_path, "/etc/hostname", b"pbx-k\xc3\xb6ln\n")
    write(tmp_path, "/etc/debian_version", b"12.11\n")
    write(
        tmp_path,
        "/usr/lib/os-release",
        b"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID='12'\nuname=bad bad bad\n",
    )
    look = unix_host.look_at_host(transport, str(tmp_path), False)
    assert look.identity == {"machine_id": "3d1219c7c4c5404aaa1f6d2a48adfda4", "hostname": "pbx-köln"}
    assert look.release == "Debian GNU/Linux 12 (bookworm)"
    assert look.debian_version == "12.11"
    assert look.kernel == ""
    assert look.facts() == {"os_id": "debian", "os_version_id": "12", "os": "Debian GNU/Linux 12 (bookworm)"}


def test_look_at_an_empty_root(tmp_path, transport):
    look = unix_host.look_at_host(transport, str(tmp_path), False)
    assert look.identity == {}
    assert look.release == ""
    assert look.facts() == {}


def test_look_at_this_host_knows_it_again(transport):
    one, other = (unix_host.look_at_host(transport, "/", False) for _turn in range(2))
    assert one == other
    assert one.kernel == os.uname().release
    assert one.identity["hostname"]


def test_bytes_that_are_no_text_do_no_harm(tmp_path, transport):
    write(tmp_path, "/etc/hostname", b"\xff\xfe\0name\r\nsecond=line\n")
    write(tmp_path, "/etc/os-release", b"NAME='open\nVERSION=1 2\n; rm -rf /\n")
    look = unix_host.look_at_host(transport, str(tmp_path), False)
    assert look.identity["hostname"].endswith("name")
    assert look.release == "open 1 2"


@pytest.mark.parametrize(
    ("serial", "kept"),
    [
        ("VMware-56 4d 1a", True), ("C02XK1ZZJHD2", True), ("To Be Filled By O.E.M.", False), ("None", False),
        ("0000000", False), ("Default string", False), ("Not Specified", False), ("123456789", False),
    ],
)  # fmt: skip
def test_serial_numbers_that_are_none(serial, kept):
    look = unix_host._look([f"dmi.product_serial={serial}", "dmi.product_uuid=03000200-0400-0500-0006-000700080009"])
    assert ("serial" in look.identity) is kept
    assert "product_uuid" not in look.identity


def test_machine_id_that_is_not_set_yet():
    assert unix_host._look(["machine_id=uninitialized"]).identity == {}
    assert unix_host._look(["dbus_id=abc"]).identity == {"machine_id": "abc"}


def test_a_host_without_a_shell_is_said(transport, monkeypatch):
    monkeypatch.setattr(unix_host, "_LOOK", "exit 3")
    with pytest.raises(CommandFailed, match="cannot be looked at"):
        unix_host.look_at_host(transport, "/", False)


def test_existing_follows_links_to_their_end(tmp_path, transport):
    write(tmp_path, "/archive/key1.pem", b"x")
    (tmp_path / "live").mkdir()
    (tmp_path / "live/key.pem").symlink_to("../archive/key1.pem")
    (tmp_path / "live/outside.pem").symlink_to("/etc/passwd")
    (tmp_path / "live/dead.pem").symlink_to("../nowhere")
    asked = ["/live/key.pem", "/live/none", "/live/dead.pem", "/live/outside.pem", "/archive", "/archive/key1.pem"]
    found = unix_host.existing(transport, str(tmp_path), False, asked)
    assert found == ["/live/key.pem", "/archive/key1.pem", "/live/outside.pem", "/archive"]
    assert "/archive" not in unix_host.existing(transport, str(tmp_path), False, asked, files_only=True)
    assert unix_host.existing(transport, str(tmp_path), False, []) == []


def test_names_with_newlines_and_strange_bytes(tmp_path, transport):
    name = "/a\nb \udcff'"
    (tmp_path / os.fsdecode(name.encode("utf-8", "surrogateescape")).lstrip("/")).write_bytes(b"content")
    assert unix_host.existing(transport, str(tmp_path), False, [name]) == [name]
    read = unix_host.TextReader(transport, str(tmp_path), False)
    assert read(name) == b"content"
    assert (read("/none"), read("/"), read.unread) == (None, None, {})


def test_what_may_not_be_looked_at_is_not_absent(open_folder, stranger, transport):
    write(open_folder, "/private/sub/key.pem", b"x")
    write(open_folder, "/open/file", b"x")
    (open_folder / "private").chmod(0)
    (open_folder / "open/link").symlink_to("../private/./sub/key.pem")
    (open_folder / "open/far").symlink_to("link")
    (open_folder / "open/loop").symlink_to("loop")
    (open_folder / "open/dead").symlink_to("nothing/at/all")
    named = ["/private/sub/key.pem", "/private/none", "/open/link", "/open/far"]
    absent = ["/open/none/at/all", "/open/loop", "/open/dead", "/open/file/below"]
    for files_only in (False, True):
        found = unix_host.existing(transport, str(open_folder), stranger, [*absent, *named], files_only)
        assert found == ["/private/sub/key.pem", "/private/none", "/open/link", "/open/far"]
    behind = ["/open/link", "/private/sub/key.pem", "/open/far"]
    assert unix_host.existing(transport, str(open_folder), stranger, behind[::2]) == behind
    if os.geteuid() == 0:
        assert unix_host.existing(transport, str(open_folder), False, ["/private/none"]) == []


def test_a_file_that_may_not_be_read_is_remembered(open_folder, stranger, transport):
    write(open_folder, "/private/in.cfg", b"x")
    write(open_folder, "/closed.cfg", b"x")
    (open_folder / "private").chmod(0)
    (open_folder / "closed.cfg").chmod(0)
    read = unix_host.TextReader(transport, str(open_folder), stranger)
    assert [read(path) for path in ("/private/in.cfg", "/closed.cfg", "/none.cfg")] == [None] * 3
    assert list(read.unread) == ["/private/in.cfg", "/closed.cfg"]
    assert all("Permission denied" in why for why in read.unread.values())


def test_an_answer_about_paths_that_breaks_off_is_an_error(tmp_path, transport, monkeypatch):
    for said in ("exit 0", r"printf '/a\0'", r"printf '/a\0looked'", "exit 1"):
        monkeypatch.setattr(unix_host, "_PRESENT", said)
        with pytest.raises(CommandFailed, match="did not tell"):
            unix_host.existing(transport, str(tmp_path), False, ["/a"])
