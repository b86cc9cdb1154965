# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet as a whole: a PBX answers while it is started and configured for its port, and not otherwise."""

from __future__ import annotations

import pytest
from demo_fleet import NAMES, Fleet


@pytest.fixture
def berlin(fleet):
    host = fleet.hosts["pbx-berlin"]
    config = host.directory / "etc/kamailio/kamailio.cfg"
    before = config.read_text()
    yield host
    config.write_text(before)
    (host.directory / "run/kamailio/kamailio.pid").write_text("1\n")


def test_hosts_products_and_ports(fleet):
    assert tuple(fleet.hosts) == NAMES
    assert [host.product for host in fleet.hosts.values()] == ["kamailio", "kamailio", "linux"]
    assert len({host.port for host in fleet.hosts.values()}) == 3
    assert fleet.hosts["gw-linux"].sip is None
    assert fleet.hosts["gw-linux"].serving is False


def test_a_stopped_service_does_not_serve(berlin):
    assert berlin.serving
    (berlin.directory / "run/kamailio/kamailio.pid").unlink()
    assert not berlin.serving


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("listen=udp:127.0.0.1:{port}", "listen=udp:127.0.0.1:5060"),
        ("request_route {{", "request_route {{{{"),
        ("listen=udp", "#listen=udp"),
    ],
)
def test_a_bad_configuration_does_not_serve(berlin, old, new):
    config = berlin.directory / "etc/kamailio/kamailio.cfg"
    old, new = old.format(port=berlin.sip.port), new.format()
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    assert not berlin.serving


def test_a_missing_configuration_does_not_serve(berlin):
    (berlin.directory / "etc/kamailio/kamailio.cfg").unlink()
    assert not berlin.serving


def test_secrets_of_all_hosts_are_known(fleet):
    assert {name.partition("/")[0] for name in fleet.secrets} == set(NAMES)
    assert fleet.hosts["pbx-hamburg"].ssh.password in fleet.secrets.values()


def test_a_second_fleet_needs_a_new_folder(fleet):
    with pytest.raises(FileExistsError):
        Fleet(fleet.directory)


def test_stopping_twice_is_fine(tmp_path):
    fleet = Fleet(tmp_path / "fleet")
    fleet.start()
    fleet.stop()
    fleet.stop()
