# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many hosts that are folders of this machine behind one real OpenSSH server: as cheap as hosts can be."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Mapping
from typing import Any

import yaml
from sshd import Sshd

from .playbooks import Controller
from .repositories import SECRET, TestRepository

BACKUP_HOST = "backup1"


class SshFleet:
    """``hosts``: by name, the folder that is the host's content. One job for all of them is a playbook of its own."""

    def __init__(self, folder: pathlib.Path, server: Sshd, names: list[str], files: int = 3) -> None:
        self.server = server
        self.controller = Controller(folder)
        self.store = TestRepository.create(folder)
        self.hosts = {name: folder / "hosts" / name for name in names}
        for name, path in self.hosts.items():
            path.mkdir(parents=True)
            for number in range(files):
                (path / f"{number}.conf").write_text(f"# {name}\nvalue={number}\n" * 20)
        self.variables: dict[str, dict[str, Any]] = {name: self._host(name) for name in names}

    def _host(self, name: str) -> dict[str, Any]:
        return {
            "ansible_host": self.server.host,
            "ansible_port": self.server.port,
            "ansible_user": self.server.username,
            "recovery_private_key_file": str(self.server.client_key),
            "recovery_known_hosts_file": str(self.server.known_hosts),
            "recovery_become": False,
            "recovery_product": "linux",
            "recovery_options": {
                "system_config": False,
                "paths": [{"path": [str(self.hosts[name])], "name": "config"}],
            },
        }

    def write_inventory(self) -> None:
        """As the hosts' variables are now."""
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        everywhere = {
            "recovery_backup_host": BACKUP_HOST,
            "recovery_repository": str(self.store.path),
            "recovery_writer_key_file": str(self.store.writer_key_file),
            "recovery_allow_same_host": True,
            "secret": SECRET,
        }
        inventory = {
            "all": {
                "vars": everywhere,
                "children": {"fleet": {"hosts": self.variables}, "others": {"hosts": {BACKUP_HOST: here}}},
            }
        }
        (self.controller.folder / "inventory.yml").write_text(yaml.safe_dump(inventory, sort_keys=False))

    def plays(self, **options: Any) -> list[Mapping[str, Any]]:
        """One job for all, then each host's own result."""
        return [
            {
                "hosts": "fleet",
                "gather_facts": False,
                "vars_files": ["{{ lookup('env', 'OPTIONS_FILE') }}"],
                "vars": {
                    "ansible_pipelining": True,
                    "of_the_module": (
                        "{{ recovery_target_options | combine(recovery_backup_options, recovery_options) }}"
                    ),
                },
                "tasks": [
                    {
                        "name": "One job",
                        "ucops.recovery.fleet_backup": {"options_variable": "of_the_module", **options},
                        "delegate_to": BACKUP_HOST,
                        "run_once": True,
                        "register": "fleet",
                    },
                    {
                        "name": "Own result",
                        "ucops.recovery.fleet_backup_result": {"job": "fleet"},
                    },
                ],
            }
        ]
