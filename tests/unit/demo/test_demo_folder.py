# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's folder is made new, and never on top of anything else."""

from __future__ import annotations

import multiprocessing

import pytest
import yaml
from demo_folder import PROJECT, DemoFolder, FolderUnusable


def test_a_second_run_begins_anew(tmp_path):
    folder = DemoFolder(tmp_path / "demo")
    folder.renew()
    locked = folder.path / "fleet/hosts/x"
    locked.mkdir(parents=True)
    locked.chmod(0)
    (folder.path / "collections/ansible_collections/other").symlink_to(tmp_path)
    (folder.path / "stray").write_text("x")
    del folder
    again = DemoFolder(tmp_path / "demo")
    again.renew()
    assert not (again.path / "fleet").exists()
    assert not (again.path / "stray").exists()
    assert (again.path / "collections/ansible_collections/ucops/recovery").resolve() == PROJECT
    assert again.path.stat().st_mode & 0o777 == 0o700


def test_the_project_behind_the_collection_link_is_not_touched(tmp_path):
    target = tmp_path / "precious"
    target.mkdir()
    (target / "file").write_text("x")
    folder = DemoFolder(tmp_path / "demo")
    folder.renew()
    (folder.path / "link").symlink_to(target)
    del folder
    DemoFolder(tmp_path / "demo").renew()
    assert (target / "file").exists()
    assert (PROJECT / "demo/run.py").exists()


def test_a_folder_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FolderUnusable, match="no demo made it"):
        DemoFolder(tmp_path).renew()
    assert (tmp_path / "file").read_text() == "mine"


def _renew(path, results):
    try:
        DemoFolder(path).renew()
        results.put("renewed")
    except FolderUnusable as error:
        results.put(str(error))


def test_a_folder_in_use_is_refused(tmp_path):
    folder = DemoFolder(tmp_path / "demo")
    folder.renew()
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    other = context.Process(target=_renew, args=(folder.path, results))
    other.start()
    assert "Another demo is running" in results.get()
    other.join()
    assert folder.controller.exists()


def test_the_inventory_holds_no_secret(fleet, tmp_path):
    folder = DemoFolder(tmp_path / "demo")
    folder.renew()
    folder.write_inventory(fleet)
    text = folder.inventory.read_text("utf-8")
    assert not any(secret in text for secret in fleet.secrets.values())
    hosts = yaml.safe_load(text)["all"]["hosts"]
    assert hosts["pbx-berlin"]["ansible_port"] == fleet.hosts["pbx-berlin"].port
    assert hosts["gw-linux"]["recovery_product"] == "linux"
    password = folder.controller / "pbx-hamburg.password"
    assert password.read_text() == fleet.hosts["pbx-hamburg"].ssh.password
    assert password.stat().st_mode & 0o777 == 0o600
