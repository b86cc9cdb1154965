# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's modules as tasks that the lab's controller delegates to the backup host."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from lab.controller import Controller, Play
from lab.host import Host

REPOSITORY = "/srv/recovery"
WRITER_KEY = "/etc/ucops/writer.json"
SECRET = "Lab-Domain-Master-Secret-4711"
"""The Domain Master Secret: planted, and never to be seen outside of the controller."""

TASK = "Do it"


@dataclasses.dataclass
class Recovery:
    """A repository on the lab's backup host, and what its operator keeps outside of it."""

    controller: Controller
    repository: str = REPOSITORY
    writer_key_file: str = WRITER_KEY
    allowed_signers: str = ""
    owner: str = ""

    @classmethod
    def create(
        cls, controller: Controller, repository: str = REPOSITORY, writer_key_file: str = WRITER_KEY
    ) -> Recovery:
        """Create the repository with the module. Fails the test when that does not work."""
        recovery = cls(controller, repository, writer_key_file)
        controller.backup_host.run(["mkdir", "-p", "/etc/ucops"])
        play = recovery.run("repository", writer_key_file=writer_key_file, domain_master_secret=SECRET)
        assert play.passed, play.output
        created = play.result(TASK)
        recovery.allowed_signers = created["allowed_signers"]
        recovery.owner = created["owner"]
        return recovery

    def run(self, module: str, *arguments: str, settings: dict[str, str] | None = None, **options: Any) -> Play:
        """Run one module on the backup host. ``arguments`` go to ansible-playbook."""
        text = (
            f"- hosts: {self.controller.backup_host.name}\n  gather_facts: false\n  tasks:\n"
            f'    - name: {TASK}\n      ucops.recovery.{module}:\n      args: "{{{{ options }}}}"\n'
        )
        given = self._given(options)
        return self.controller.play(text, *arguments, variables={"options": given}, settings=settings)

    def _given(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """With the repository, and without what is None."""
        return {name: value for name, value in {"repository": self.repository, **options}.items() if value is not None}

    def run_each(
        self,
        tasks: Mapping[str, tuple[str, Mapping[str, Any]]],
        *arguments: str,
        settings: dict[str, str] | None = None,
    ) -> Play:
        """Run several modules in one play, for the price of one. Each task goes on after a failure.

        :param tasks: the task's name -> module and options
        """
        play = {
            "hosts": self.controller.backup_host.name,
            "gather_facts": False,
            "ignore_errors": True,
            "tasks": [
                {"name": name, f"ucops.recovery.{module}": {}, "args": f"{{{{ options[{json.dumps(name)}] }}}}"}
                for name, (module, _options) in tasks.items()
            ],
        }
        given = {name: self._given(options) for name, (_module, options) in tasks.items()}
        text = json.dumps([play], indent=1)
        return self.controller.play(text, *arguments, variables={"options": given}, settings=settings)

    def unlocked(self) -> dict[str, Any]:
        """The options that open generations and say whom to trust."""
        return {"domain_master_secret": SECRET, "allowed_signers": self.allowed_signers}

    def reach(self, host: Host) -> dict[str, Any]:
        """The options that name a host and log in to it as root."""
        return {
            "source": host.name,
            "host": host.address,
            "username": "root",
            "private_key_file": "/root/.ssh/id_ed25519",
            "known_hosts_file": "/root/.ssh/known_hosts",
            "writer_key_file": self.writer_key_file,
        }

    def back_up(self, host: Host, *arguments: str, product: str = "kamailio", **options: Any) -> Play:
        """Back a host up."""
        return self.run(f"{product}_backup", *arguments, **{**self.reach(host), **options})

    def restore(self, host: Host, *arguments: str, product: str = "kamailio", **options: Any) -> Play:
        """Restore a host."""
        return self.run(f"{product}_restore", *arguments, **{**self.reach(host), **self.unlocked(), **options})

    def verify(self, level: int = 2, **options: Any) -> Play:
        """Verify the repository."""
        unlocked = {"domain_master_secret": SECRET} if level == 2 else {}
        return self.run(
            "repository_verify", level=level, allowed_signers=self.allowed_signers, **{**unlocked, **options}
        )

    def generations(self, **filters: Any) -> list[dict[str, Any]]:
        """What generation_info lists."""
        play = self.run("generation_info", **filters)
        assert play.passed, play.output
        return list(play.result(TASK)["generations"])


def result_of(play: Play) -> dict[str, Any]:
    """The result of the one task."""
    return play.result(TASK)
