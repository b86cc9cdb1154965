# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator of a change: the playbooks, run from the lab's controller over hosts that declare their products."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

from lab.controller import HOME, SETTINGS, Controller, Play
from lab.host import ENVIRONMENT, Host
from lab.recovery import SECRET, Recovery

REPORTS = f"{HOME}/reports"


class Operator:
    """Runs playbooks of the collection. What it knows of the repository goes with every run."""

    def __init__(self, recovery: Recovery) -> None:
        self.recovery = recovery
        self.controller: Controller = recovery.controller
        self.variables: dict[str, Any] = {
            "recovery_backup_host": self.controller.backup_host.name,
            "recovery_repository": recovery.repository,
            "recovery_writer_key_file": recovery.writer_key_file,
            "recovery_allowed_signers": recovery.allowed_signers,
            "recovery_domain_master_secret": SECRET,
            "recovery_private_key_file": "/root/.ssh/id_ed25519",
            "recovery_known_hosts_file": "/root/.ssh/known_hosts",
            "recovery_report_folder": REPORTS,
        }

    def describe(self, host: Host, product: str, options: Mapping[str, Any] | None = None, **variables: Any) -> None:
        """Declare a host in the inventory."""
        self.controller.describe(host, recovery_product=product, recovery_options=dict(options or {}), **variables)

    def run(self, playbook: str, *arguments: str, change: str = "", **variables: Any) -> Play:
        """Run a playbook of the collection for a change."""
        return self.controller.play(f"ucops.recovery.{playbook}", *arguments, variables=self._given(change, variables))

    def _given(self, change: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.variables, **({"change_id": change} if change else {}), **variables}

    def begin(self, playbook: str, *arguments: str, change: str = "", **variables: Any) -> subprocess.Popen[bytes]:
        """Start a playbook and let it run; see :meth:`kill`."""
        self.controller.host.write(f"{HOME}/killed.json", json.dumps(self._given(change, variables)), 0o600)
        command = ["env", "-C", HOME, *(f"{name}={value}" for name, value in SETTINGS.items())]
        command += ["ansible-playbook", f"ucops.recovery.{playbook}", *arguments, "-e", f"@{HOME}/killed.json"]
        return subprocess.Popen(
            self.controller.host.command(command),
            stdin=subprocess.DEVNULL,
            stdout=self.controller.fleet.log("killed"),
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            start_new_session=True,
        )

    def kill(self, running: subprocess.Popen[bytes], *, whole_machine: bool = False) -> None:
        """Kill ansible-playbook's process group, or cut the controller's power; then nothing of it goes on there.

        Workers of Ansible have process groups of their own and outlive the first.
        """
        if whole_machine:
            self.controller.host.kill()
            self.controller.host.boot()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait(timeout=10)


def wait_until(happened: Callable[[], bool], running: subprocess.Popen[bytes], log: Callable[[], str]) -> None:
    """Wait for a moment of a running playbook. Fails the test when it never comes."""
    deadline = time.monotonic() + 300
    while not happened():
        if running.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the moment never came: {log()}")
        time.sleep(0.01)
