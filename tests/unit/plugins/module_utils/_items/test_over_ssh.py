# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items on a host behind SSH and sudo, as they are in real life."""

from __future__ import annotations

import os
import pathlib
import sqlite3
import tempfile

import pytest
from sshd import HAS_ACCOUNTS, WITHOUT_ACCOUNTS, Account, Sshd

from ansible_collections.ucops.recovery.plugins.module_utils._items.database import DatabaseConnection, DatabaseDump
from ansible_collections.ucops.recovery.plugins.module_utils._items.file_tree import FileTree
from ansible_collections.ucops.recovery.plugins.module_utils._transport.ssh import SshOptions, SshTransport


@pytest.fixture(scope="module")
def server():
    if not HAS_ACCOUNTS:
        pytest.skip(WITHOUT_ACCOUNTS)
    config = "Match User files\n  ForceCommand internal-sftp\n"
    with Sshd([Account("ops", password="pw", sudo="ALL"), Account("files", password="pw")], config) as one:
        yield one


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="ucops-tree-") as name:
        path = pathlib.Path(name)
        path.chmod(0o755)
        yield path


def connect(server, username="ops", **options):
    values = {"password": "pw", "become_password": "pw", "known_hosts_file": str(server.known_hosts)}
    return SshTransport(SshOptions(server.host, server.port, username, **{**values, **options}))


def test_a_tree_goes_and_comes_back_through_sudo(server, folder, gather):
    tree = folder / "k"
    (tree / "tls").mkdir(parents=True)
    (tree / "Grüße\n").write_bytes(os.urandom(3_000_000))
    (tree / "tls/key").write_text("closed")
    (tree / "tls/key").chmod(0o600)
    os.chown(tree / "tls", 1, 2)
    item = FileTree(name="config", data_class="voip_config", paths=(str(tree),), become=True)
    with connect(server) as ssh:
        before = gather(item, ssh)
        assert not before.report.problems
        assert before.by_path[os.fsencode(tree / "tls/key")][1] == b"closed"
        (tree / "Grüße\n").write_text("bad")
        (tree / "tls/key").unlink()
        (tree / "new").write_text("new")
        item.restore(ssh, before.wanted, gather(item, ssh).entries)
        assert gather(item, ssh).by_path == before.by_path


def test_without_sudo_what_is_closed_is_a_problem(server, folder, gather):
    (folder / "open").write_text("x")
    (folder / "closed").write_text("x")
    (folder / "closed").chmod(0o600)
    item = FileTree(name="config", data_class="voip_config", paths=(str(folder),))
    with connect(server) as ssh:
        found = gather(item, ssh)
    assert list(found.problems) == [str(folder / "closed")]
    assert os.fsencode(folder / "open") in found.by_path


def test_an_account_for_files_only_is_enough_to_read(server, folder, gather):
    (folder / "open").write_bytes(os.urandom(500_000))
    (folder / "closed").write_text("x")
    (folder / "closed").chmod(0o600)
    item = FileTree(name="config", data_class="voip_config", paths=(str(folder),))
    with connect(server, "files") as ssh:
        found = gather(item, ssh)
    assert found.by_path[os.fsencode(folder / "open")][1] == (folder / "open").read_bytes()
    assert "Permission denied" in found.problems[str(folder / "closed")]


def test_a_database_goes_and_comes_back_through_sudo(server, folder, gather):
    path = folder / "db.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE t(a); INSERT INTO t VALUES('x');")
    connection.close()
    path.chmod(0o600)
    where = DatabaseConnection(engine="sqlite", path=str(path))
    item = DatabaseDump(name="db", data_class="voip_config", connection=where, become=True)
    with connect(server) as ssh:
        before = gather(item, ssh)
        assert not before.report.problems
        path.unlink()
        item.restore(ssh, before.wanted, [])
        assert gather(item, ssh).by_path == before.by_path
