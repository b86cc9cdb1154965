# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs real playbooks on this machine: C(backup1) is the backup host, C(pbx) the host that is backed up."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.executable).parent


@dataclass(frozen=True)
class Play:
    """What came of a play: exit code, everything printed, and by name the results of tasks with their C(status)."""

    code: int
    output: str
    results: Mapping[str, Mapping[str, Any]]

    def __getitem__(self, task: str) -> Mapping[str, Any]:
        if task not in self.results:
            raise AssertionError(f"the task {task!r} has no result:\n{self.output}")
        return self.results[task]


class Controller:
    """A folder with an inventory, in which playbooks run with a home of their own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder / "controller"
        self.folder.mkdir()
        self._stage = folder / "stage"
        namespace = self._stage / "ansible_collections" / "ucops"
        namespace.mkdir(parents=True)
        (namespace / "recovery").symlink_to(PROJECT)
        host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {"backup1": {**host, "ansible_pipelining": True}, "pbx": host}
        (self.folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))

    def play(
        self,
        tasks: Sequence[Mapping[str, Any]],
        *arguments: str,
        defaults: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Play:
        """Run tasks for C(pbx), delegated to C(backup1). They go on after a failure, so that each has a result."""
        play = {
            "hosts": "pbx",
            "gather_facts": False,
            "module_defaults": {"group/ucops.recovery.recovery": dict(defaults or {})},
            "vars": dict(variables or {}),
            "tasks": [{"delegate_to": "backup1", "ignore_errors": True, **task} for task in tasks],
        }
        (self.folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
        events = self.folder / "events.jsonl"
        events.write_text("")
        done = self.run(
            [self.ansible("ansible-playbook"), "-i", "inventory.yml", "play.yml", *arguments],
            LAB_EVENTS=str(events),
            **(settings or {}),
        )
        results = {
            event["task"]: {**event["result"], "status": event["status"]}
            for event in map(json.loads, events.read_text().splitlines())
        }
        return Play(done.returncode, done.stdout, results)

    @staticmethod
    def ansible(program: str) -> str:
        """The path of one of Ansible's programs."""
        return str(BIN / program)

    def run(self, command: Sequence[str], **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the controller's folder."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def start(self, command: Sequence[str], **settings: str) -> subprocess.Popen[bytes]:
        """Start a program there, in a session of its own, and leave it to itself."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def environment(self, **settings: str) -> dict[str, str]:
        """What a program in the controller's folder finds around it."""
        home = self.folder.parent / "home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(self._stage),
            "ANSIBLE_CALLBACKS_ENABLED": "lab_events",
            "ANSIBLE_CALLBACK_PLUGINS": str(PROJECT / "tests" / "lab" / "callback_plugins"),
            "ANSIBLE_NOCOLOR": "1",
            **settings,
        }
