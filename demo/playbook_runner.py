# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-playbook quietly: its usual output goes to a log, its results come back as values."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

CALLBACKS = pathlib.Path(__file__).resolve().parent / "callback_plugins"


class PlaybookFailed(Exception):
    """A playbook did not do what it should; ``log`` is everything that Ansible said."""

    def __init__(self, command: str, log: str) -> None:
        super().__init__(f"{command} failed")
        self.command = command
        self.log = log


@dataclass
class PlaybookRun:
    """What one run brought: Ansible's own words, and the results by host for each action."""

    log: str
    events: list[dict[str, Any]] = field(default_factory=list)

    def results(self, module: str) -> dict[str, dict[str, Any]]:
        """The results of the modules whose name matches a pattern, by host; the last one of each host."""
        wanted = re.compile(rf"ucops\.recovery\.{module}")
        return {event["host"]: event["result"] for event in self.events if wanted.fullmatch(event["action"])}

    def result(self, module: str, host: str) -> dict[str, Any]:
        """The result of a module for one host. Raises KeyError."""
        return self.results(module)[host]


class PlaybookRunner:
    """Runs playbooks with the configuration, inventory and collection of one demo folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._logs = folder / "logs"
        self._logs.mkdir()
        self._count = 0

    def environment(self) -> dict[str, str]:
        """The caller's environment without its Ansible settings, with the demo's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "UCOPS_"))}
        binaries = pathlib.Path(sys.executable).parent
        return {
            **kept,
            "PATH": f"{binaries}{os.pathsep}{kept.get('PATH', os.defpath)}",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "events",
        }

    def run(self, playbook: str, *arguments: str) -> PlaybookRun:
        """Run a playbook to its end. Raises PlaybookFailed."""
        self._count += 1
        short = re.split("[./]", playbook.removesuffix(".yml"))[-1]
        name = f"{self._count:02}-{short}"
        events = self._logs / f"{name}.events.jsonl"
        command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), playbook, *arguments]
        with open(self._logs / f"{name}.log", "w+b") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.environment(), "UCOPS_DEMO_EVENTS": str(events)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status = process.wait()
            except BaseException:
                _end(process)
                raise
            log.seek(0)
            text = log.read().decode("utf-8", "replace")
        if status:
            raise PlaybookFailed(" ".join(["ansible-playbook", playbook, *arguments]), text)
        lines = events.read_text("utf-8").splitlines() if events.exists() else []
        return PlaybookRun(text, [json.loads(line) for line in lines])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End ansible-playbook and everything that it started."""
    for sent in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, sent)
            process.wait(5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
