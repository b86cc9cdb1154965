# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible, run from a host of its own against the others, with a backup host apart from both."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

from lab.host import PATH, Host
from lab.hosts import Fleet
from lab.machine import PROJECT

HOME = "/root/lab"
EVENTS = f"{HOME}/events.jsonl"
PRIVATE_KEY = "/root/.ssh/id_ed25519"

SETTINGS = {
    "ANSIBLE_CALLBACKS_ENABLED": "lab_events",
    "ANSIBLE_CALLBACK_PLUGINS": str(PROJECT / "tests" / "lab" / "callback_plugins"),
    "ANSIBLE_COLLECTIONS_PATH": str(PROJECT / ".stage"),
    "ANSIBLE_HOST_KEY_CHECKING": "1",
    "ANSIBLE_INVENTORY": f"{HOME}/inventory.json",
    "ANSIBLE_LOCALHOST_WARNING": "0",
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_PIPELINING": "1",
    # The default key exchange of OpenSSH 9 costs 75 ms of processor time per connection, which would be most of a play.
    "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=30s -o KexAlgorithms=curve25519-sha256",
    "LAB_EVENTS": EVENTS,
    "PATH": f"{pathlib.Path(sys.prefix) / 'bin'}:{PATH}",
}


@dataclasses.dataclass(frozen=True)
class Play:
    """What became of a playbook: exit code, everything printed, and the results of all tasks in their order."""

    code: int
    output: str
    events: tuple[dict[str, Any], ...]

    @property
    def passed(self) -> bool:
        """Whether every host went through."""
        return self.code == 0

    def result(self, task: str, host: str | None = None) -> dict[str, Any]:
        """The last result of a task by its name. Raises AssertionError with the whole output if it never ran."""
        for event in reversed(self.events):
            if event["task"].rpartition(" : ")[2] == task and host in (None, event["host"]):
                return dict(event["result"], status=event["status"])
        raise AssertionError(f"the task {task!r} has no result:\n{self.output}")


class Controller:
    """The controller and the backup host of a fleet. Root of both can log in to every host by key.

    :param fleet: gets the two hosts if it does not have them
    """

    def __init__(self, fleet: Fleet, name: str = "controller", backup_host: str = "backup1") -> None:
        self.fleet = fleet
        self.host = fleet.hosts.get(name) or fleet.add(name)
        self.backup_host = fleet.hosts.get(backup_host) or fleet.add(backup_host)
        self.variables: dict[str, dict[str, Any]] = {}
        self.meet()

    def meet(self) -> None:
        """Give both the fleet's key and the host keys of all hosts that run now, and write the inventory."""
        for host in (self.host, self.backup_host):
            host.write(PRIVATE_KEY, self.fleet.keypair.private, 0o600)
            host.write("/root/.ssh/known_hosts", self.fleet.known_hosts(), 0o600)
        inventory = {
            "all": {
                "hosts": {
                    name: {"ansible_host": host.address, **self.variables.get(name, {})}
                    for name, host in self.fleet.hosts.items()
                    if host is not self.host
                },
                "vars": {"ansible_user": "root", "ansible_python_interpreter": sys.executable},
            }
        }
        self.host.write(f"{HOME}/inventory.json", json.dumps(inventory, indent=2))

    def describe(self, host: Host, **variables: Any) -> None:
        """Set inventory variables of a host."""
        self.variables.setdefault(host.name, {}).update(variables)
        self.meet()

    def play(
        self,
        playbook: str,
        *arguments: str,
        variables: Mapping[str, Any] | None = None,
        settings: Mapping[str, str] | None = None,
        timeout: float = 600.0,
    ) -> Play:
        """Run a playbook: its text, or the name of one in the collection. Fails on nothing; see :class:`Play`."""
        if "\n" in playbook:
            self.host.write(f"{HOME}/play.yml", playbook)
            playbook = f"{HOME}/play.yml"
        command = ["env", "-C", HOME, "ansible-playbook", playbook, *arguments]
        if variables:
            # In a file of the controller's: a secret on a command line would be seen where it must not be.
            self.host.write(f"{HOME}/variables.json", json.dumps(dict(variables)), 0o600)
            command += ["-e", f"@{HOME}/variables.json"]
        self.host.run(["rm", "-f", EVENTS])
        done = self.host.run(command, check=False, timeout=timeout, env={**SETTINGS, **(settings or {})})
        output = (done.stdout + done.stderr).decode("utf-8", "replace")
        lines = self.host.read(EVENTS).decode().splitlines() if self.host.exists(EVENTS) else []
        return Play(done.returncode, output, tuple(json.loads(line) for line in lines))
