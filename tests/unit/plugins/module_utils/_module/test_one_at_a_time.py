# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
import uuid

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import RestoreRefused
from ansible_collections.ucops.recovery.plugins.module_utils._module import one_at_a_time
from ansible_collections.ucops.recovery.plugins.module_utils._module.one_at_a_time import alone

HOLD = """
import importlib.util, sys
sys.path[:0] = sys.argv[3:]
from ansible_collections.ucops.recovery.plugins.module_utils._module.one_at_a_time import alone
with alone(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def name() -> str:
    return f"{uuid.uuid4()} pbx/linux"


def test_the_second_waits_until_it_is_told_off_and_goes_on_when_the_first_is_done(name: str) -> None:
    now = [0.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    told_off = pytest.raises(RestoreRefused, match="Another restore of pbx/linux")
    with alone(name), told_off, alone(name, patience=5, clock=lambda: now[0], sleep=sleep):
        pytest.fail("both at once")
    assert sum(waits) == pytest.approx(5)
    with alone(name, patience=0), alone(f"{name}@other", patience=0):
        pass


def test_a_process_that_was_killed_holds_nothing(name: str) -> None:
    command = [sys.executable, "-c", HOLD, name, "", *sys.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(RestoreRefused), alone(name, patience=0):
            pytest.fail("both at once")
        other.kill()
        other.wait()
        with alone(name, patience=0):
            pass


def test_another_trouble_is_not_waited_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_at_a_time.socket, "AF_UNIX", one_at_a_time.socket.AF_INET)
    with pytest.raises((OSError, TypeError)), alone(name):
        pytest.fail("went on")
