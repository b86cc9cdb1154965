# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's three hosts with a repository, for pipelines to work on: real SSH, files and playbooks, no root.

What answers SIP, and the C(kamailio) command, are the demo's stand-ins.
"""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer

from .repositories import SECRET, TestRepository

DEMO = pathlib.Path(__file__).resolve().parents[2] / "demo"
if str(DEMO) not in sys.path:
    sys.path.append(str(DEMO))

from demo_fleet import Fleet, FleetHost  # noqa: E402
from demo_folder import recovery_options  # noqa: E402

BACKUP_HOST = "backup-host"


class SmallFleet:
    """Hosts, repository, and what an inventory says of them. Secrets are variables that somebody else has to give."""

    def __init__(self, folder: pathlib.Path, fleet: Fleet) -> None:
        self.fleet = fleet
        self.store = TestRepository.create(folder)
        self._folder = folder
        self._drill_key = folder / "drill_key"
        self.unlocking = {"recovery_domain_master_secret": SECRET, "recovery_allowed_signers": self._add_auditor()}
        self.login = {"recovery_ssh_password": fleet.hosts["pbx-hamburg"].ssh.password}

    def _add_auditor(self) -> str:
        """A key that signs drills; gives back who may sign what."""
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", self._drill_key], check=True)
        signer = Signer("auditor", self._drill_key.with_suffix(".pub").read_text().strip(), ("drill",))
        plan = owner.plan_change(owner.read_state(self.store.backend), SECRET, signers=[signer])
        owner.apply_plan(self.store.backend, plan)
        return str(plan.facts["allowed_signers"])

    @property
    def secrets(self) -> set[str]:
        """What must be found nowhere."""
        return {SECRET, *self.fleet.secrets.values()}

    @property
    def variables(self) -> dict[str, Any]:
        """What holds for every host."""
        return {
            "recovery_backup_host": BACKUP_HOST,
            "recovery_repository": str(self.store.path),
            "recovery_writer_key_file": str(self.store.writer_key_file),
            "recovery_known_hosts_file": str(self.fleet.known_hosts_file),
            "recovery_drill_key_file": str(self._drill_key),
            "recovery_drill_folder": str(self._folder / "drills"),
            "recovery_drill_every": "90d",
            # Everything is this machine here.
            "recovery_allow_same_host": True,
        }

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """What is said of each one."""
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        return {BACKUP_HOST: here, **{name: self._host(host) for name, host in self.fleet.hosts.items()}}

    def inventory(self) -> dict[str, Any]:
        """As YAML has it."""
        return {"all": {"hosts": self.hosts, "vars": self.variables}}

    def script(self) -> dict[str, Any]:
        """As a script of AWX prints it."""
        return {"all": {"hosts": list(self.hosts), "vars": self.variables}, "_meta": {"hostvars": self.hosts}}

    def _host(self, host: FleetHost) -> dict[str, Any]:
        login = (
            {"recovery_password": "{{ recovery_ssh_password | default(omit, true) }}"}
            if host.ssh.password
            else {"recovery_private_key_file": str(self.fleet.private_key_file)}
        )
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": host.port,
            "recovery_username": host.ssh.username,
            "recovery_product": host.product,
            "recovery_options": recovery_options(host),
            **login,
        }

    def generations(self) -> list[str]:
        """Identifiers of all that the repository has."""
        paths = (self.store.path / "commits").rglob("*.json")
        return sorted("/".join(path.relative_to(self.store.path / "commits").with_suffix("").parts) for path in paths)


@contextlib.contextmanager
def small_fleet(folder: pathlib.Path) -> Iterator[SmallFleet]:
    """Serve while the context is open."""
    with Fleet(folder / "fleet") as fleet:
        yield SmallFleet(folder, fleet)


def secrets_in(folder: pathlib.Path, secrets: set[str]) -> list[str]:
    """Files below a folder that hold one of the secrets, in whatever way its bytes stand there."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            found += [f"{path}: {secret}" for secret in secrets if secret.encode() in content]
    return found


__all__ = ["BACKUP_HOST", "SmallFleet", "secrets_in", "small_fleet"]
