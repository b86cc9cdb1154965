# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for /usr/sbin/kamailio answers like the real one, and starts only what could start."""

from __future__ import annotations

import subprocess

import pytest
from host_tree import build_tree


@pytest.fixture
def host(tmp_path):
    return build_tree("pbx-berlin", tmp_path / "host", 15060).directory


def kamailio(host, *arguments):
    command = [host / "usr/sbin/kamailio", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_version(host):
    assert kamailio(host, "-v").stdout.startswith("version: kamailio 5.6.3 (x86_64/linux)")


def test_check_accepts_and_refuses(host):
    config = host / "etc/kamailio/kamailio.cfg"
    good = kamailio(host, "-c", "-f", config)
    assert good.returncode == 0
    assert "udp: 127.0.0.1:15060" in good.stdout
    assert "config file ok" in good.stderr
    config.write_text(config.read_text().replace("request_route {", "request_route {{"))
    bad = kamailio(host, "-c")
    assert bad.returncode == 255
    assert "parse error in config file kamailio.cfg" in bad.stderr


def test_service_starts_only_a_good_configuration(host):
    assert kamailio(host, "service", "status").returncode == 3
    assert kamailio(host, "service", "start").returncode == 0
    assert kamailio(host, "service", "status").returncode == 0
    assert kamailio(host, "service", "stop").returncode == 0
    assert kamailio(host, "service", "stop").returncode == 0
    (host / "etc/kamailio/kamailio.cfg").unlink()
    assert kamailio(host, "service", "start").returncode == 255
    assert kamailio(host, "service", "status").returncode == 3


def test_anything_else_is_refused(host):
    result = kamailio(host, "-D")
    assert result.returncode == 64
    assert "stand-in" in result.stderr
