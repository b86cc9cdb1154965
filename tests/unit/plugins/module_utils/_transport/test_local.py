# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import PrivilegeFailed
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="left out: changing the user needs root")


def test_files_and_folders_are_read_without_a_shell(tmp_path):
    folder = os.fsencode(tmp_path)
    (tmp_path / "Grüße").write_bytes(b"x" * 100_000)
    with open(folder + b"/\xff\n", "wb") as handle:
        handle.write(b"odd")
    (tmp_path / "sub").mkdir()
    os.symlink(b"/\xfe", folder + b"/link")
    with LocalTransport() as local:
        found = {status.name: status for status in local.list_dir(folder)}
        assert all(local.file_status(os.path.join(folder, name)) == status for name, status in found.items())
        assert {name: status.kind for name, status in found.items()} == {
            "Grüße".encode(): "file",
            b"\xff\n": "file",
            b"sub": "directory",
            b"link": "symlink",
        }
        assert found["Grüße".encode()].size == 100_000
        assert b"".join(local.read_file(folder + b"/\xff\n")) == b"odd"
        assert local.read_link(folder + b"/link") == b"/\xfe"
        with pytest.raises(FileNotFoundError):
            list(local.read_file(folder + b"/nothing"))


@NEEDS_ROOT
def test_another_user_is_become_without_sudo_when_we_are_root():
    with LocalTransport() as local:
        assert local.run(["id", "-un"], become="nobody").text == "nobody\n"
        assert local.run(["id", "-un"], become=True).text == "root\n"
        assert local.run(["cat"], become="nobody", input=b"\n\xff").stdout == b"\n\xff"


@NEEDS_ROOT
def test_a_user_that_is_not_there_is_named():
    with LocalTransport("pbx") as local, pytest.raises(PrivilegeFailed, match="pbx: There is no user nosuch"):
        local.run(["id"], become="nosuch")
