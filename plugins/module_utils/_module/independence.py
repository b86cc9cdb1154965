# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""BSI M 6.101: backups lie on systems that are independent of those in operation. What a module itself can see of that.

Two machines that were cloned from one template often have one machine id, so that alone proves nothing, and a backup
that is refused by mistake is a loss. A running kernel has an id of its own: where both are equal, it is one machine.
"""

from __future__ import annotations

from collections.abc import Callable

from .._compare.findings import Finding
from .._compare.semantic import HIGH
from .._errors import CommandFailed, IndependenceMissing, OutputTooLarge
from .._products.base import Probe, Product
from .._transport.base import CommandsRefused, Transport

RULE = "same_host"
MACHINE_ID = "/etc/machine-id"
BOOT_ID = "/proc/sys/kernel/random/boot_id"

ReadHere = Callable[[str], str]
"""A small file of the host that the module runs on; empty when it cannot be read."""


def read_here(path: str) -> str:
    """See :data:`ReadHere`."""
    try:
        with open(path, encoding="ascii", errors="replace") as handle:
            return handle.read(100).strip()
    except OSError:
        return ""


def is_backup_host(transport: Transport, product: Product, probe: Probe, here: ReadHere = read_here) -> bool:
    """Whether the target is the host that keeps the repository. Changes nothing. Raises ConnectionFailed.

    A product below another root than ``/`` (a container, a drill) is not asked: its machine id is not the host's.
    """
    own = here(MACHINE_ID)
    if not own or product.root != "/" or probe.identity.get("machine_id") != own:
        return False
    try:
        there = transport.run(["cat", BOOT_ID], limit=4096)
    except (CommandsRefused, CommandFailed, OutputTooLarge):
        return True
    return there.rc != 0 or there.text.strip() == here(BOOT_ID)


def check_independence(
    transport: Transport, product: Product, probe: Probe, allowed: bool | None, here: ReadHere = read_here
) -> list[Finding]:
    """A repository on the target itself: a finding, nothing when ``allowed`` is True.

    :raises IndependenceMissing: ``allowed`` is False
    """
    if allowed or not is_backup_host(transport, product, probe, here):
        return []
    text = "The repository lies on the very host that is backed up, and is lost together with it"
    if allowed is None:
        return [Finding(HIGH, RULE, text)]
    raise IndependenceMissing(
        text,
        host=transport.host,
        hint="Nothing was written. Run the module on another host, or set allow_same_host: true for a demonstration.",
    )
