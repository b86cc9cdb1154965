# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README's quickstart, taken from the README itself and laid out on a fleet."""

from __future__ import annotations

import re
import sys

from lab.controller import HOME, Controller
from lab.host import User
from lab.kamailio import Pbx, install
from lab.machine import PROJECT

INVENTORY = f"{HOME}/inventory.yml"
PLAYBOOK = f"{HOME}/quickstart.yml"


def blocks() -> tuple[str, str]:
    """Inventory and playbook as they stand in the README."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    inventory, playbook = re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return inventory, playbook


def lay_out(controller: Controller, name: str = "pbx-berlin", database: str = "mariadb") -> Pbx:
    """Everything that the README asks for, and its two files in the controller's folder.

    Only addresses and the Python interpreter are exchanged for the lab's.
    """
    fleet, backup = controller.fleet, controller.backup_host
    host = fleet.add(name, users=(User("ucops", sudo="free", authorized_keys=(fleet.keypair.public,)),))
    pbx = install(host, database)
    controller.meet()
    backup.run(["install", "-d", "-m", "700", "/etc/ucops"])
    backup.write("/etc/ucops/id_ed25519", fleet.keypair.private, 0o600)
    backup.write("/etc/ucops/known_hosts", fleet.known_hosts())
    inventory, playbook = blocks()
    for old, new in (
        ("192.0.2.10", backup.address),
        ("192.0.2.20", host.address),
        ("/opt/ucops/bin/python", sys.executable),
        ("ansible_user: root", f"ansible_user: root\n    ansible_python_interpreter: {sys.executable}"),
    ):
        if inventory.count(old) != 1:
            raise AssertionError(f"the README's inventory does not have {old!r} once")
        inventory = inventory.replace(old, new)
    controller.host.write(INVENTORY, inventory)
    controller.host.write(PLAYBOOK, playbook)
    return pbx
