# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller, a backup host that is this machine, and hosts that are folders behind one real sshd on loopback."""

from __future__ import annotations

import json
import pathlib
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from sshd import Sshd

from support.playbooks import Controller
from support.repositories import TestRepository

QUICK = {"polls": 2, "poll_interval": 0, "quiet_period": 0}


@dataclass(frozen=True)
class Ran:
    """What came of a playbook. ``events``: all results of tasks, in order."""

    code: int
    output: str
    events: tuple[Mapping[str, Any], ...]
    stats: Mapping[str, Any]

    def of(self, task: str, host: str | None = None) -> Mapping[str, Any]:
        """The last result of a task by its name."""
        for event in reversed(self.events):
            if event["task"].rpartition(" : ")[2] == task and host in (None, event["host"]):
                return {**event["result"], "status": event["status"]}
        raise AssertionError(f"{task!r} has no result:\n{self.output}")

    def ran(self, task: str) -> list[str]:
        """The hosts on which a task was not skipped."""
        return [
            event["host"]
            for event in self.events
            if event["task"].rpartition(" : ")[2] == task and event["status"] != "skipped"
        ]


class ChangeSite:
    """Hosts are added by name; each has a folder with a file."""

    def __init__(self, folder: pathlib.Path, server: Sshd) -> None:
        self.folder = folder
        self.server = server
        self.controller = Controller(folder)
        self.store = TestRepository.create(folder)
        self.landing = folder / "landing"
        self.reports = folder / "reports"
        self.heads = folder / "heads.json"
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        self.hosts: dict[str, dict[str, Any]] = {"backup1": here}
        self.variables: dict[str, Any] = {
            "recovery_backup_host": "backup1",
            "recovery_repository": str(self.store.path),
            "recovery_writer_key_file": str(self.store.writer_key_file),
            "recovery_allowed_signers": self.store.allowed_signers,
            "recovery_known_hosts_file": str(server.known_hosts),
            "recovery_private_key_file": str(server.client_key),
            "recovery_allow_same_host": True,
            "recovery_reserve": 0,
            "recovery_report_folder": str(self.reports),
            "recovery_heads_file": str(self.heads),
            "ansible_user": server.username,
        }

    def path(self, host: str) -> pathlib.Path:
        """The file of a host."""
        return self.folder / "hosts" / host / "app.conf"

    def add(self, *names: str) -> None:
        """Hosts that answer."""
        for name in names:
            self.path(name).parent.mkdir(parents=True)
            self.path(name).write_text(f"host = {name}\n")
            self.hosts[name] = {
                "ansible_host": self.server.host,
                "ansible_port": self.server.port,
                "recovery_product": "linux",
                "recovery_options": {
                    "system_config": False,
                    "paths": [{"name": "app", "path": str(self.path(name).parent)}],
                },
            }

    def add_pushing(self, name: str, product: str = "pushed", **options: Any) -> pathlib.Path:
        """A host that pushes; where its files arrive."""
        zone = self.landing / name
        (zone / "incoming").mkdir(parents=True)
        (zone / "taken").mkdir(mode=0o700)
        self.hosts[name] = {
            "recovery_product": product,
            "recovery_landing": str(self.landing),
            "recovery_push_timeout": 0,
            "recovery_options": {**QUICK, **options},
        }
        return zone / "incoming"

    def cut(self, name: str) -> None:
        """From now on nobody answers there."""
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            self.hosts[name]["ansible_port"] = nobody.getsockname()[1]

    def mend(self, name: str) -> None:
        """It answers again."""
        self.hosts[name]["ansible_port"] = self.server.port

    def command(self, playbook: str, *arguments: str, **extra: Any) -> list[str]:
        """The command that runs a playbook of the collection, with the inventory as it is now."""
        inventory = {"all": {"hosts": self.hosts, "vars": self.variables}}
        (self.controller.folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
        given = ["-e", json.dumps(extra)] if extra else []
        program = self.controller.ansible("ansible-playbook")
        return [program, "-i", "inventory.yml", f"ucops.recovery.{playbook}", *given, *arguments]

    def run(self, playbook: str, *arguments: str, **extra: Any) -> Ran:
        """Run it. Keyword arguments are extra variables."""
        events = self.controller.folder / "events.jsonl"
        events.write_text("")
        done = self.controller.run(
            self.command(playbook, *arguments, **extra), LAB_EVENTS=str(events), ANSIBLE_SHOW_CUSTOM_STATS="1"
        )
        found = tuple(map(json.loads, events.read_text().splitlines()))
        return Ran(done.returncode, done.stdout, found, _stats(done.stdout))

    def records(self) -> list[str]:
        """The generations in the repository."""
        commits = self.store.path / "commits"
        return sorted(str(path.relative_to(commits).with_suffix("")) for path in commits.rglob("*.json"))


def _stats(output: str) -> dict[str, Any]:
    """The artifact, as it is printed behind the recap."""
    _before, _mark, rest = output.partition("CUSTOM STATS: ")
    start = rest.find("{")
    if start < 0:
        return {}
    found, _end = json.JSONDecoder().raw_decode(rest[start:])
    return dict(found.get("recovery_result", {}))
