# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed, ConnectionLost
from ansible_collections.ucops.recovery.plugins.module_utils._items.services import Service
from ansible_collections.ucops.recovery.plugins.module_utils._module.stopping import start_again, stopped

WEB, SIP, RTP = Service("web"), Service("sip"), Service("rtp")


class Control:
    """Services of a host; ``broken`` do not start, with these errors."""

    longest = 210.0

    def __init__(self, active, broken=None):
        self.active = [service.name for service in active]
        self.broken = broken or {}
        self.asked = []

    def exists(self, service):
        return service.name != "unknown"

    def is_active(self, service):
        return service.name in self.active

    def stop(self, service):
        self.active.remove(service.name)

    def start(self, service):
        self.asked.append(service.name)
        if service.name in self.broken:
            raise self.broken[service.name]
        self.active.append(service.name)


def test_what_ran_is_stopped_and_started_in_reverse():
    control = Control([WEB, SIP])
    told = []
    with stopped(control, [WEB, RTP, SIP, Service("unknown")], told.append):
        assert control.active == [] and told == [420.0]
    assert control.active == ["sip", "web"]


def test_it_is_started_again_when_the_work_fails():
    control = Control([WEB])
    with pytest.raises(ZeroDivisionError), stopped(control, [WEB]):
        raise ZeroDivisionError
    assert control.active == ["web"]


def test_every_service_is_tried_and_all_that_stay_down_are_named():
    broken = CommandFailed("The service cannot be started: no port", host="pbx", item="sip")
    control = Control([], {"sip": broken, "web": CommandFailed("Nor this", host="pbx")})
    with pytest.raises(CommandFailed) as caught:
        start_again(control, [WEB, RTP, SIP])
    assert control.asked == ["sip", "rtp", "web"] and control.active == ["rtp"]
    text = str(caught.value)
    assert text.startswith("pbx: sip, web were stopped and cannot be started again: The service cannot be started: no")
    assert "start by hand" in text


def test_a_lost_host_is_not_asked_for_each_service_but_all_are_named():
    control = Control([], {"sip": ConnectionLost("The connection is gone", host="pbx")})
    with pytest.raises(CommandFailed, match="^pbx: sip, rtp, web were stopped and cannot .*: The connection is gone"):
        start_again(control, [WEB, RTP, SIP])
    assert control.asked == ["sip"]
