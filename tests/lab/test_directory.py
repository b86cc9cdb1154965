# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The domain controller of the lab itself: it answers, comes back with its data, and dies with a test run."""

from __future__ import annotations

import pathlib
import socket
import subprocess
import sys
import time

from lab.directory import Directory, DomainController
from lab.host import ENVIRONMENT

_RUN = """
import sys, time
sys.path.insert(0, sys.argv[1])
from lab.directory import DomainController
domain = DomainController().__enter__()
print(domain.folder, domain.address, flush=True)
time.sleep(600)
"""


def answers(address: str) -> bool:
    """Whether there is an LDAP server at an address."""
    try:
        socket.create_connection((address, 389), 1).close()
    except OSError:
        return False
    return True


def test_it_keeps_its_data_over_a_power_cut_and_logs_people_in(domain: DomainController) -> None:
    directory = Directory(domain)
    guid = directory.add_user("meyer", values={"extensionName": ["<1,x>"]}, password="Lab-pass-word-1")
    directory.close()
    domain.stop()
    domain.start()
    directory = Directory(domain)
    assert directory.values(guid, "extensionName") == [b"<1,x>"]
    assert pathlib.Path(domain.ticket("meyer", "Lab-pass-word-1")).stat().st_size > 0
    directory.close()


def test_it_ends_with_a_test_run_that_is_killed(domain: DomainController) -> None:
    command = [sys.executable, "-c", _RUN, str(pathlib.Path(__file__).parents[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as run:
        assert run.stdout is not None
        folder, address = run.stdout.readline().split()
        assert answers(address)
        run.kill()
    try:
        deadline = time.monotonic() + 10
        while answers(address) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not answers(address)
    finally:
        subprocess.run(["rm", "-rf", "--", folder], check=True)
