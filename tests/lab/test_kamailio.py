# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The telephone system of the lab serves calls, and the drill tells when it does not."""

from __future__ import annotations

import dataclasses

import pytest

from lab.host import Host
from lab.hosts import Fleet
from lab.kamailio import DATABASES, Pbx, install
from lab.phones import Phone, call_drill, register


@pytest.fixture(scope="module")
def alice(fleet: Fleet) -> Phone:
    return Phone(fleet.add("alice"), "1001", "Winter-1001")


@pytest.fixture(scope="module")
def bob(fleet: Fleet) -> Phone:
    return Phone(fleet.add("bob"), "1002", "Sommer-1002")


@pytest.fixture(scope="module", params=DATABASES)
def pbx(request: pytest.FixtureRequest, fleet: Fleet) -> Pbx:
    host: Host = fleet.add(f"pbx-{request.param[:8]}")
    return install(host, request.param)


def test_a_call_goes_through(pbx: Pbx, alice: Phone, bob: Phone) -> None:
    drill = call_drill(pbx.host, alice, bob)
    assert drill.passed, drill.log


def test_a_caller_with_a_wrong_password_is_refused(pbx: Pbx, alice: Phone, bob: Phone) -> None:
    drill = call_drill(pbx.host, dataclasses.replace(alice, password="wrong"), bob)
    assert drill.registered
    assert not drill.called
    assert not drill.answered
    assert "407" in drill.log


def test_a_phone_with_a_wrong_password_cannot_register(pbx: Pbx, bob: Phone) -> None:
    registered, said = register(pbx.host, dataclasses.replace(bob, password="wrong"))
    assert not registered
    assert "401" in said


def test_registrations_survive_a_restart(pbx: Pbx, alice: Phone, bob: Phone) -> None:
    pbx.stop()
    assert not register(pbx.host, bob)[0]
    pbx.start()
    assert call_drill(pbx.host, alice, bob).passed


def test_planted_secrets_are_in_the_files_of_the_system(pbx: Pbx) -> None:
    configuration = pbx.host.read("/etc/kamailio/kamailio.cfg").decode()
    password, nonce_secret, *_others = pbx.secrets
    assert nonce_secret in configuration
    assert (password in configuration) == (pbx.database in ("mariadb", "postgresql"))


def test_a_destroyed_system_serves_nobody(pbx: Pbx, alice: Phone, bob: Phone) -> None:
    pbx.destroy()
    assert not pbx.host.exists("/etc/kamailio")
    assert not call_drill(pbx.host, alice, bob).passed
