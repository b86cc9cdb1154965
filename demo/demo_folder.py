# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder that a demo works in and leaves behind: made new each time, never on top of somebody else's files."""

from __future__ import annotations

import fcntl
import os
import pathlib
from typing import Any

import yaml
from demo_fleet import Fleet, FleetHost
from host_tree import remove_tree

PROJECT = pathlib.Path(__file__).resolve().parents[1]
_MARK = "ucops-recovery-demo"

_ANSIBLE_CFG = """\
# Written by demo/run.py. Use it for tries of your own: cd {folder} && ansible-playbook ...
[defaults]
inventory = inventory.yml
collections_path = collections
interpreter_python = auto_silent
localhost_warning = false
display_skipped_hosts = false
callback_result_format = yaml
remote_tmp = {folder}/ansible/tmp
retry_files_enabled = false
"""


class FolderUnusable(Exception):
    """The demo's folder cannot be used; the text says why."""


class DemoFolder:
    """One demo's folder; held by a lock as long as the program runs."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path.resolve()
        self.controller = self.path / "controller"
        self.backup_host = self.path / "backup-host"
        self.repository = self.backup_host / "repository"
        self.inventory = self.path / "inventory.yml"
        self.secret_file = self.controller / "domain-master-secret"
        self.recovery_card = self.controller / "recovery-card.html"
        self.heads_file = self.controller / "heads.json"
        self.allowed_signers = self.controller / "allowed_signers"
        self._lock: Any = None

    def renew(self) -> None:
        """Remove what an earlier demo left, and begin anew. Raises FolderUnusable."""
        mark = self.path / _MARK
        if self.path.exists() and not mark.exists() and any(self.path.iterdir()):
            raise FolderUnusable(f"{self.path} is not empty, and no demo made it. Name another folder with --folder.")
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = open(mark, "a", encoding="utf-8")  # noqa: SIM115
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FolderUnusable(f"Another demo is running in {self.path}.") from None
        for old in self.path.iterdir():
            if old.is_dir() and not old.is_symlink():
                remove_tree(old)
            elif old != mark:
                old.unlink()
        for new in (self.controller, self.backup_host):
            new.mkdir(mode=0o700)
        stage = self.path / "collections/ansible_collections/ucops"
        stage.mkdir(parents=True)
        (stage / "recovery").symlink_to(PROJECT)
        (self.path / "ansible.cfg").write_text(_ANSIBLE_CFG.format(folder=self.path), "utf-8")

    def write_inventory(self, fleet: Fleet) -> None:
        """The inventory of the fleet, as an operator would write it; secrets stay in files of the controller."""
        hosts = {name: self._host_variables(host) for name, host in fleet.hosts.items()}
        inventory = {
            "all": {
                "vars": {
                    "recovery_backup_host": "backup-host",
                    "recovery_repository": str(self.repository),
                    "recovery_writer_key_file": str(self.backup_host / "writer-key.json"),
                    "recovery_known_hosts_file": str(fleet.known_hosts_file),
                    "recovery_private_key_file": str(fleet.private_key_file),
                    "recovery_domain_master_secret": f"{{{{ lookup('ansible.builtin.file', '{self.secret_file}') }}}}",
                    "recovery_allowed_signers": str(self.allowed_signers),
                    "recovery_heads_file": str(self.heads_file),
                    "demo_controller": str(self.controller),
                },
                "hosts": {
                    "backup-host": {
                        "ansible_connection": "local",
                        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                    },
                    **hosts,
                },
            }
        }
        text = "# Written by demo/run.py: what an operator writes once for a fleet.\n---\n"
        self.inventory.write_text(text + yaml.safe_dump(inventory, sort_keys=False, width=120), "utf-8")

    def _host_variables(self, host: FleetHost) -> dict[str, Any]:
        variables: dict[str, Any] = {
            "ansible_host": "127.0.0.1",
            "ansible_port": host.port,
            "ansible_user": host.ssh.username,
            "recovery_product": host.product,
            "recovery_options": recovery_options(host),
        }
        if host.ssh.password:
            file = self.controller / f"{host.name}.password"
            with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as stream:
                stream.write(host.ssh.password)
            variables["ansible_password"] = f"{{{{ lookup('ansible.builtin.file', '{file}') }}}}"
            variables["recovery_private_key_file"] = "{{ omit }}"
        return variables


def recovery_options(host: FleetHost) -> dict[str, Any]:
    """What the inventory tells a product about one host of the demo. On a real host most of this is the default."""
    options: dict[str, Any] = {"root": str(host.directory)}
    if host.sip:
        service = f"{host.directory}/usr/sbin/kamailio"
        options["stop_command"] = [service, "service", "stop"]
        options["start_command"] = [service, "service", "start"]
        options["status_command"] = [service, "service", "status"]
        options["sip_port"] = host.sip.port
    return options
