# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restore drills of Windows products are shown with: a host in production that was backed up, a spare host with
the same products, trunks, and somebody who may sign."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import yaml
from support.playbooks import Play
from support.repositories import SECRET

from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer
from lab import windows_sites
from lab.trunks import Trunks
from lab.windows.host import WindowsHost
from lab.windows.isolation_standin import IsolationStandIn
from lab.windows_accounts import AccountSetting
from lab.windows_recovery import WindowsRecovery, WindowsSight
from lab.windows_sites import Site

SITES = [site for site in windows_sites.SITES if site.product in ("windows", "ecsta")]
ACCOUNTS = {r".\acme": windows_sites.PASSWORDS["account"]}


class WindowsDrillSite:
    """One host in production with two products, and a spare one on which a repair installation made both anew."""

    def __init__(self, folder: pathlib.Path, host: WindowsHost, spare: WindowsHost, trunks: Trunks) -> None:
        self.folder, self.spare, self.trunks = folder, spare, trunks
        self.recovery = WindowsRecovery(folder, host)
        self.seen, self.seen_spare = self.recovery, WindowsSight(spare)
        for site in SITES:
            site.install(host)
            site.install(spare)
            site.destroy(spare)
        self.power_shell = IsolationStandIn(AccountSetting(spare, ACCOUNTS))
        spare.programs["powershell"] = self.power_shell
        self.key = folder / "drill_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.key)], check=True)
        signer = Signer("auditor", self.key.with_suffix(".pub").read_text().strip(), ("drill",))
        plan = owner.plan_change(owner.read_state(self.store.backend), SECRET, signers=[signer])
        owner.apply_plan(self.store.backend, plan)
        self.store.allowed_signers = plan.facts["allowed_signers"]
        self.secrets = [SECRET, host.password, spare.password, *windows_sites.PASSWORDS.values()]
        kept = self.recovery.play({site.product: (f"{site.product}_backup", site.options) for site in SITES})
        assert kept.code == 0, kept.output
        self.before = self.state()

    @property
    def store(self) -> Any:
        """The repository."""
        return self.recovery.store

    @staticmethod
    def entry(host: WindowsHost) -> dict[str, Any]:
        """A Windows host as an inventory names it."""
        return {
            "ansible_host": host.address,
            "ansible_user": host.username,
            "ansible_password": host.password,
            "ansible_port": host.https_port,
            "ansible_winrm_transport": "ntlm",
            "ansible_winrm_ca_trust_path": str(host.ca_file),
            "recovery_smb_port": host.smb_port,
        }

    def production(self, site: Site, target: str, *unreachable: str, **variables: Any) -> dict[str, Any]:
        """A product of the host in production, and where it is drilled."""
        return {
            **self.entry(self.recovery.host),
            "recovery_source": self.recovery.host.name,
            "recovery_product": site.product,
            "recovery_options": dict(site.options),
            "recovery_drill_kind": "host",
            "recovery_drill_target": target,
            "recovery_drill_unreachable": [
                f"{trunk}:{self.trunks.port}" for trunk in unreachable or [self.trunks.silent]
            ],
            **variables,
        }

    def drill(
        self, hosts: Mapping[str, Mapping[str, Any]], targets: Mapping[str, Mapping[str, Any]], *arguments: str
    ) -> tuple[Play, dict[str, Mapping[str, Any]]]:
        """Run the playbook for some hosts: all of it, and what became of each. The inventory knows ``targets`` too."""
        controller = self.recovery.controller
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        variables = {
            "recovery_backup_host": "backup1",
            "recovery_repository": str(self.store.path),
            "recovery_writer_key_file": str(self.store.writer_key_file),
            "recovery_allowed_signers": self.store.allowed_signers,
            "recovery_domain_master_secret": SECRET,
            "recovery_drill_key_file": str(self.key),
        }
        inventory = {"all": {"hosts": {**hosts, **targets, "backup1": here}, "vars": variables}}
        (controller.folder / "fleet.yml").write_text(yaml.safe_dump(inventory))
        events = controller.folder / "events.jsonl"
        events.write_text("")
        program = controller.ansible("ansible-playbook")
        command = [program, "-i", "fleet.yml", "ucops.recovery.restore_drill", "--limit", ",".join(hosts)]
        done = controller.run([*command, "-e", "drill_now=true", *arguments], LAB_EVENTS=str(events))
        outcomes = {}
        for event in map(json.loads, events.read_text().splitlines()):
            found = event["result"].get("ansible_facts", {}).get("recovery_outcome")
            if found:
                outcomes[event["host"]] = found
        for text in (done.stdout, json.dumps(outcomes), *self.recovery.host.commands, *self.spare.commands):
            assert [secret for secret in self.secrets if secret in text] == []
        return Play(done.returncode, done.stdout, {}), outcomes

    def state(self) -> dict[str, Any]:
        """Everything that the products are made of, on both hosts."""
        sights = {"production": self.seen, "spare": self.seen_spare}
        return {name: {site.product: seen.state(site) for site in SITES} for name, seen in sights.items()}

    def files(self) -> set[str]:
        """What lies in the repository."""
        return {name for name, _size in self.store.backend.list()}
