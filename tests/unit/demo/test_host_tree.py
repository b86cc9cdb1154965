# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The golden trees: no secret in them, every placeholder filled, modes and links as the sheets say."""

from __future__ import annotations

import hashlib
import os
import re
import stat

import pytest
from demo_fleet import NAMES
from host_tree import TREES, build_tree, remove_tree
from kamailio_config import read_config


def files(directory):
    return [path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()]


@pytest.mark.parametrize("name", NAMES)
def test_every_placeholder_is_filled(tmp_path, name):
    tree = build_tree(name, tmp_path / name, 15060)
    for path in files(tree.directory):
        assert not re.search(r"@[A-Z0-9_]+(:[^@\n]*)?@", path.read_text("utf-8")), path


@pytest.mark.parametrize("name", NAMES)
def test_secrets_are_new_each_time_and_not_in_the_golden_tree(tmp_path, name):
    first = build_tree(name, tmp_path / "1", 15060).secrets
    second = build_tree(name, tmp_path / "2", 15060).secrets
    assert first.keys() == second.keys()
    assert not set(first.values()) & set(second.values())
    golden = "".join(path.read_text("utf-8") for path in files(TREES))
    assert not any(value in golden for value in first.values())
    assert all(len(value) >= 16 for value in first.values())


def test_subscribers_have_the_digests_that_kamailio_checks(tmp_path):
    tree = build_tree("pbx-berlin", tmp_path / "host", 15060)
    rows = (tree.directory / "var/lib/kamailio/dbtext/subscriber").read_text().splitlines()
    assert rows[0].startswith("id(int,auto) username(string)")
    for row in rows[1:]:
        _number, user, domain, password, ha1, ha1b = row.split(":")
        assert ha1 == hashlib.md5(f"{user}:{domain}:{password}".encode()).hexdigest()
        assert ha1b == hashlib.md5(f"{user}@{domain}:{domain}:{password}".encode()).hexdigest()
        assert {password, ha1, ha1b} <= set(tree.secrets.values())


def test_modes_links_folders_and_tls(tmp_path):
    os_umask = os.umask(0o077)
    try:
        host = build_tree("pbx-berlin", tmp_path / "host", 15060).directory
    finally:
        os.umask(os_umask)
    assert stat.S_IMODE((host / "etc/kamailio/tls/pbx-berlin.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((host / "etc/kamailio/kamailio.cfg").stat().st_mode) == 0o644
    assert os.readlink(host / "etc/localtime") == "/usr/share/zoneinfo/Europe/Berlin"
    assert (host / "etc/kamailio/conf.d/Ansage Büro Köln.txt").read_text("utf-8").startswith("Sie rufen")
    assert (host / "etc/kamailio/tls/ca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert read_config(host / "etc/kamailio/kamailio.cfg").listens_on("tls", 5061)


def test_remove_also_takes_locked_folders(tmp_path):
    host = build_tree("gw-linux", tmp_path / "host", None).directory
    (host / "etc/ssh").chmod(0)
    remove_tree(host)
    assert not host.exists()
