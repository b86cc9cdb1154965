# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change of the demo breaks what it should break, and every secret that it brings is known."""

from __future__ import annotations

import pytest
from demo_fleet import Fleet
from kamailio_config import read_config
from sip_responder import ask
from the_change import make_change, snapshot, transposed


@pytest.fixture
def berlin(tmp_path):
    with Fleet(tmp_path / "fleet") as fleet:
        yield fleet.hosts["pbx-berlin"]


@pytest.mark.parametrize(
    ("port", "slip"), [(40123, 40132), (33333, 33332), (65535, 65355), (1024, 1042), (40100, 40010)]
)
def test_transposed_ports_are_other_ports_that_can_be_listened_on(port, slip):
    assert transposed(port) == slip


def test_the_change_is_valid_but_nobody_answers(berlin):
    port = berlin.sip.port
    assert ask(port).startswith("200")
    change = make_change(berlin)
    config = read_config(berlin.directory / "etc/kamailio/kamailio.cfg")
    assert not config.listens_on("udp", port)
    assert config.listens_on("udp", transposed(port))
    assert config.modparams["registrar", "max_expires"] == "7200"
    assert ask(port, timeout=0.2) is None
    text = "".join(
        path.read_text("utf-8") for path in berlin.directory.rglob("*") if path.is_file() and not path.is_symlink()
    )
    assert all(text.count(secret) == 1 for secret in change.secrets)
    assert not any(secret in step for secret in change.secrets for step in change.steps)


def test_a_change_is_made_once(berlin):
    make_change(berlin)
    with pytest.raises(ValueError, match="does not stand exactly once"):
        make_change(berlin)


def test_a_snapshot_sees_content_mode_time_links_and_what_is_gone(berlin):
    before = snapshot(berlin, "etc/kamailio", "etc/systemd")
    assert snapshot(berlin, "etc/kamailio", "etc/systemd") == before
    make_change(berlin)
    (berlin.directory / "etc/systemd/system/multi-user.target.wants/kamailio.service").unlink()
    after = snapshot(berlin, "etc/kamailio", "etc/systemd")
    different = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert different == {
        "etc/kamailio/kamailio.cfg",
        "etc/kamailio/tls/pbx-berlin.key",
        "etc/kamailio/conf.d",
        "etc/kamailio/conf.d/Ansage Büro Köln.txt",
        "etc/systemd/system/multi-user.target.wants",
        "etc/systemd/system/multi-user.target.wants/kamailio.service",
    }
