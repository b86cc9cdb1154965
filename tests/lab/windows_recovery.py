# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in Windows host, backed up and restored by real playbooks of this machine; and what can be seen of it."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from support.playbooks import Controller, Play
from support.repositories import SECRET, TestRepository

from lab.windows.hives import read_hive
from lab.windows.host import WindowsHost
from lab.windows_sites import Site

SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"

SECRET_OPTIONS = ("password", "domain_master_secret", "service_passwords")

Tasks = Mapping[str, "tuple[str, Mapping[str, Any]]"]
"""Name of a task -> its module and what it is given beyond the connection."""


class WindowsSight:
    """What can be seen of a host, from beside every client."""

    def __init__(self, host: WindowsHost) -> None:
        self.host = host

    def files(self, *folders: str) -> dict[str, str]:
        """Every file and folder below some folders, with a digest of its content."""
        found = {}
        for folder in folders:
            top = self.host.path(folder)
            for path in [top, *top.rglob("*")] if top.exists() else []:
                name = str(path.relative_to(self.host.drive_c))
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        return found

    def keys(self, *keys: str) -> dict[str, list[str]]:
        """Keys with all below them, line by line."""
        return {key: sorted(self.host.registry.export(key).splitlines()) for key in keys}

    def services(self, *names: str) -> dict[str, tuple[int, list[str]]]:
        """What services are and whether they run."""
        host = self.host
        return {
            name: (host.service_state(name), sorted(host.registry.export(f"{SERVICES}\\{name}").splitlines()))
            for name in names
        }

    def user_keys(self, key: str) -> dict[str, list[str]]:
        """A key of each user with all below it, line by line; of who is not logged on from his NTUSER.DAT."""
        found = {}
        for user in self.host.users.values() if key else ():
            top = rf"HKEY_USERS\{user.sid}"
            text = self.host.registry.export(rf"{top}\{key}") if user.logged_on else read_hive(user.hive, top)
            found[user.name] = [
                line for block in text.split("[") for line in sorted(block.splitlines()) if key in block.split("]")[0]
            ]
        return found

    def state(self, site: Site) -> dict[str, Any]:
        """Everything that a product is made of on the host, as it is now."""
        return {
            "files": self.files(*site.folders),
            "keys": self.keys(*site.keys),
            "of users": self.user_keys(site.user_key),
            "services": self.services(*site.services),
        }

    def hits(self, secrets: Sequence[str], besides: Iterable[str] = ()) -> list[str]:
        """Files on drive C: in which a secret stands, in UTF-8 or UTF-16, but for those below some paths."""
        forms = [form for secret in secrets for form in (secret.encode(), secret.encode("utf-16-le"))]
        own = [self.host.path(path) for path in besides]
        found = []
        for path in self.host.drive_c.rglob("*"):
            if path.is_symlink() or not path.is_file() or any(place in (path, *path.parents) for place in own):
                continue
            content = path.read_bytes()
            if any(form in content for form in forms):
                found.append(str(path.relative_to(self.host.drive_c)))
        return found


class WindowsRecovery(WindowsSight):
    """A repository, a controller, and one Windows host that they know."""

    def __init__(self, folder: pathlib.Path, host: WindowsHost) -> None:
        super().__init__(host)
        self.controller = Controller(folder)
        self.store = TestRepository.create(folder)

    @property
    def kept(self) -> dict[str, Any]:
        """The options that name the repository and its writer."""
        return {"repository": str(self.store.path), "writer_key_file": str(self.store.writer_key_file)}

    @property
    def reach(self) -> dict[str, Any]:
        """The options that name the repository and the host, and log in to it."""
        return {
            **self.kept,
            "source": self.host.name,
            "host": self.host.address,
            "username": self.host.username,
            "password": self.host.password,
            "winrm_port": self.host.https_port,
            "ca_file": str(self.host.ca_file),
            "smb_port": self.host.smb_port,
        }

    @property
    def unlocked(self) -> dict[str, Any]:
        """The options that open generations and say whom to trust."""
        return {"domain_master_secret": SECRET, "allowed_signers": self.store.allowed_signers}

    def play(self, tasks: Tasks, *arguments: str) -> Play:
        """Run modules one after another; one that fails does not stop those behind it."""
        steps: list[dict[str, Any]] = []
        secrets: dict[str, dict[str, Any]] = {}
        for name, (module, options) in tasks.items():
            if module == "generation_diff":
                known: Mapping[str, Any] = {**self.kept, **self.unlocked}
            else:
                known = {**self.reach, **(self.unlocked if module.endswith("_restore") else {})}
            given = {**known, **options}
            secret = {key: given[key] for key in SECRET_OPTIONS if key in given}
            secrets[name] = secret
            # Ansible prints the lines around a task that fails
            named = {key: f"{{{{ secrets['{name}']['{key}'] }}}}" for key in secret}
            sent = {**given, **named}
            if module == "preflight_info":
                sent = {"product": sent.pop("product"), "options": sent}
            steps.append({"name": name, f"ucops.recovery.{module}": sent})
        (self.controller.folder / "secrets.json").write_text(json.dumps({"secrets": secrets}))
        return self.controller.play(steps, "--extra-vars", "@secrets.json", *arguments)
