# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the README promises: its quickstart runs as it stands, on real hosts."""

from __future__ import annotations

import pytest

from lab.controller import Controller, Play
from lab.kamailio import Pbx
from lab.phones import Phone, call_drill
from lab.readme import INVENTORY, PLAYBOOK, lay_out


@pytest.fixture(scope="module")
def pbx(controller: Controller) -> Pbx:
    return lay_out(controller)


@pytest.fixture(scope="module")
def configuration(pbx: Pbx) -> str:
    """What the telephone system's configuration is before anything happens."""
    return pbx.host.fingerprint("/etc/kamailio")


@pytest.fixture(scope="module")
def quickstart(controller: Controller, pbx: Pbx, configuration: str) -> Play:
    assert "kamailio.cfg" in configuration
    return controller.play(PLAYBOOK, "-i", INVENTORY)


def test_it_runs_as_it_stands(quickstart: Play) -> None:
    assert quickstart.passed, quickstart.output


def test_both_backups_are_complete_and_the_second_one_differs(quickstart: Play) -> None:
    before = quickstart.result("Back up before the change")["generation"]
    after = quickstart.result("Back up after the change")["generation"]
    assert (before["status"], after["status"]) == ("complete", "complete")
    assert after["content_changed"] is True


def test_the_difference_is_the_change(quickstart: Play) -> None:
    lines = quickstart.result("Compare")["text"].splitlines()
    assert "-debug=2" in lines
    assert "+debug=3" in lines


def test_the_system_is_exactly_as_before(quickstart: Play, pbx: Pbx, configuration: str) -> None:
    assert quickstart.result("Put it back as it was before the change")["changed"] is True
    assert pbx.host.fingerprint("/etc/kamailio") == configuration


def test_the_repository_is_authentic(quickstart: Play) -> None:
    assert quickstart.result("Verify the repository, down to every byte")["verdict"] == "authentic"


def test_no_secret_was_printed(quickstart: Play, controller: Controller, pbx: Pbx) -> None:
    master = controller.host.read("/root/lab/kept-outside/domain-master-secret").decode().strip()
    for secret in (*pbx.secrets, master):
        assert secret not in quickstart.output


def test_calls_go_through_afterwards(quickstart: Play, controller: Controller, pbx: Pbx) -> None:
    alice = Phone(controller.fleet.add("alice"), "1001", "Winter-1001")
    bob = Phone(controller.fleet.add("bob"), "1002", "Sommer-1002")
    drill = call_drill(pbx.host, alice, bob)
    assert drill.passed, drill.log
