# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import time

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._items import services
from ansible_collections.ucops.recovery.plugins.module_utils._items.services import Service, ServiceControl


def control(transport, **options):
    clock = [0.0]

    def sleep(seconds):
        clock[0] += seconds

    values = {"become": False, "deadline": 10, "clock": lambda: clock[0], "sleep": sleep}
    return ServiceControl(transport, **{**values, **options})


def systemd(answer, *states):
    """What systemctl says, one state after the other; the first answer finds systemd."""
    return [
        answer(b"systemd\n"),
        *(answer(state.encode() + b"\n") if isinstance(state, str) else state for state in states),
    ]


# --- systemd and sysvinit, by what they answer ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("state", "active"),
    [
        ("active", True),
        ("reloading", True),
        ("activating", True),
        ("deactivating", True),
        ("inactive", False),
        ("failed", False),
        ("unknown", False),
    ],
)
def test_systemd_states(scripted, answer, state, active):
    transport = scripted(*systemd(answer, state))
    assert control(transport).is_active(Service("kamailio")) is active
    assert transport.asked[1][0] == ["systemctl", "is-active", "--", "kamailio"]


def test_a_stop_waits_until_the_service_is_gone(scripted, answer):
    transport = scripted(*systemd(answer, answer(), "deactivating", "deactivating", "inactive"))
    control(transport).stop(Service("kamailio"))
    assert [argv[1] for argv, _input, _become in transport.asked[1:]] == ["stop", "is-active", "is-active", "is-active"]


def test_a_stop_that_never_ends_has_a_deadline(scripted, answer):
    with pytest.raises(CommandFailed, match="pbx: kamailio: .*still runs after 10 s"):
        control(scripted(*systemd(answer, answer(), *["deactivating"] * 50))).stop(Service("kamailio"))


def test_a_start_waits_until_it_runs_and_looks_once_more(scripted, answer):
    transport = scripted(*systemd(answer, answer(), "activating", "active", "active"))
    control(transport).start(Service("kamailio"))
    assert len(transport.asked) == 5
    with pytest.raises(CommandFailed, match="came up and went down again"):
        control(scripted(*systemd(answer, answer(), "active", "failed"))).start(Service("kamailio"))


def test_a_refused_start_is_told_with_the_reason(scripted, answer):
    refused = answer(b"", b"Job for kamailio.service failed because the control process exited with error code.\n", 1)
    with pytest.raises(CommandFailed, match="cannot be started: Job for kamailio.service failed"):
        control(scripted(*systemd(answer, refused, "failed"))).start(Service("kamailio"))


def test_a_stop_of_what_does_not_run_is_fine_whatever_the_status(scripted, answer):
    control(scripted(answer(b"sysv\n"), answer(rc=1), answer(rc=3))).stop(Service("kamailio"))


def test_init_scripts_are_asked_by_service(scripted, answer):
    transport = scripted(answer(b"sysv\n"), answer(rc=0), answer(rc=0), answer(rc=0))
    control(transport, become=True).start(Service("kamailio"))
    assert transport.asked[1][0] == ["service", "kamailio", "start"]
    assert transport.asked[1][2] is True


@pytest.mark.parametrize(
    ("said", "rc", "active"),
    [
        ("kamailio is running.", 0, True),
        ("kamailio is not running.", 0, False),
        ("kamailio is not running ... failed!", 3, False),
        ("[inactive]", 0, False),
        ("", 0, False),
    ],
)
def test_the_words_of_an_init_script_count_and_else_its_process(local, tmp_path, monkeypatch, said, rc, active):
    (tmp_path / "service").write_text(f"#!/bin/sh\necho '{said}'\nexit {rc}\n")
    (tmp_path / "service").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = local.run(["sh", "-c", services._SYSV_STATUS, "sh", "no-such-daemon"])
    assert (done.rc == 0) is active


def test_an_unknown_service_is_named(scripted, answer):
    one = control(scripted(answer(b"none\n")))
    assert not one.exists(Service("kamailio"))
    with pytest.raises(CommandFailed, match="pbx: kamailio: The host knows no such service"):
        one.stop(Service("kamailio"))


@pytest.mark.parametrize("name", ["", "-x", "a b", "a;b", "../x"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(OptionInvalid):
        Service(name)


def test_own_commands_come_as_three():
    with pytest.raises(OptionInvalid, match="together"):
        Service("kamailio", start=("x",), stop=("y",))


# --- a real process ---------------------------------------------------------------------------------------------------
@pytest.fixture
def daemon(tmp_path):
    """A service of own commands: a process that takes half a second to go."""
    pid = tmp_path / "pid"
    body = tmp_path / "daemon"
    body.write_text("#!/bin/bash\ntrap 'sleep 0.5; exit' TERM\nwhile :; do sleep 0.05; done\n")
    body.chmod(0o755)
    start = f"{body} >/dev/null 2>&1 & echo $! > {pid}"
    yield Service(
        "daemon",
        start=("sh", "-c", start),
        stop=("sh", "-c", f"kill $(cat {pid})"),
        status=("sh", "-c", f"kill -0 $(cat {pid} 2>/dev/null) 2>/dev/null"),
    )
    if pid.exists():
        subprocess.run(["kill", "-9", pid.read_text().strip()], capture_output=True, check=False)


def test_a_real_process_is_started_and_really_stopped(local, daemon):
    one = ServiceControl(local, become=False, deadline=10)
    assert one.exists(daemon)
    assert not one.is_active(daemon)
    one.start(daemon)
    assert one.is_active(daemon)
    begun = time.monotonic()
    one.stop(daemon)
    assert time.monotonic() - begun > 0.3
    assert not one.is_active(daemon)


@pytest.mark.skipif(os.path.isdir("/run/systemd/system"), reason="left out: systemd runs here")
def test_this_machine_tells_what_it_knows(local):
    one = ServiceControl(local, become=False)
    assert not one.exists(Service("no-such-service"))
