# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kernel's own NFS client pushes a backup: two virtual machines mount what the role backup_host exports."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lab import nfs_service, vm
from lab.controller import Controller, Play
from lab.host import Host
from lab.hosts import Fleet
from lab.recovery import TASK, Recovery
from lab.vm import VirtualMachine

pytestmark = pytest.mark.skipif(bool(vm.why_not()), reason=f"left out: {vm.why_not()}")

SOURCE = "ejbca"
BACKUP = "/root/backup.bin"
"""On the appliance's host; its virtual machines have it as a disk."""
PARTS = 16
PART = 4 * 2**20
"""Bytes."""
FILES = f"/srv/landing/{SOURCE}/incoming/files"
PLAY = "- hosts: backup1\n  gather_facts: false\n  roles: [ucops.recovery.backup_host]\n"
QUIET = 20
"""Seconds without a write before a file is taken: far longer than the pause between two machines, under load too."""
PATIENT = {
    # the server keeps open what its clients have closed
    "ignore_writers": ["ganesha.nfsd"],
    "patterns": ["*.bin"],
    "poll_interval": 1,
    "quiet_period": QUIET,
    "wait_timeout": 240,
    "after": "keep",
}


@dataclasses.dataclass
class Site:
    """A backup host with one export, and the host behind whose address the appliance's machines are."""

    recovery: Recovery
    backup_host: Host
    appliance: Host

    def take(self, **options: Any) -> Play:
        """What pushed_backup makes of what is there."""
        key = {"writer_key_file": self.recovery.writer_key_file}
        return self.recovery.run("pushed_backup", source=SOURCE, landing="/srv/landing", **key, **options)

    def mount(self, machine: VirtualMachine, version: str) -> None:
        """Mount the export at /mnt of a machine."""
        server = self.backup_host.address
        options = f"vers={version},proto=tcp,addr={server},clientaddr=10.0.2.15"
        machine.check(f"mkdir -p /mnt && mount -t nfs4 -o {options} {server}:/{SOURCE} /mnt")


@pytest.fixture(scope="module")
def site(fleet: Fleet, controller: Controller) -> Site:
    backup_host, appliance = controller.backup_host, fleet.add("appliance")
    controller.meet()
    # NFS needs file handles, which the overlay of a test host has not
    backup_host.mount_tmpfs("/srv/landing", f"{3 * PARTS * PART}")
    nfs_service.install(backup_host)
    account = {"source": SOURCE, "account": "land-ejbca", "protocols": ["nfs"], "addresses": [appliance.address]}
    given = {
        **nfs_service.VARIABLES,
        "ansible_python_interpreter": "/usr/bin/python3",
        # the disk of a test host is smaller than what is kept free without a word
        "backup_host_reserve": 2**20,
        "backup_host_landing_accounts": [account],
    }
    backup_host.run("sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config")
    play = controller.play(PLAY, variables=given)
    assert play.passed, play.output
    # For 90 s after its start the server would let nobody open a file: who had files open before comes first.
    backup_host.run("sed -i 's/^NFSv4 {/&\\n    Graceless = true;/' /etc/ganesha/ucops-landing.conf")
    backup_host.run(["service", "nfs-ganesha", "restart"])
    backup_host.wait_for_port(2049)
    appliance.run(f"head -c {PARTS * PART} /dev/urandom >{BACKUP}")
    return Site(Recovery.create(controller), backup_host, appliance)


@pytest.fixture(scope="module")
def machines(site: Site) -> Iterator[tuple[VirtualMachine, VirtualMachine]]:
    """Two machines of one appliance, with the export mounted: NFS 4.2 and 4.1."""
    with VirtualMachine(site.appliance, "node1", BACKUP) as one, VirtualMachine(site.appliance, "node2", BACKUP) as two:
        site.mount(one, "4.2")
        site.mount(two, "4.1")
        yield one, two


class Taking(threading.Thread):
    """pushed_backup at work while something is written."""

    def __init__(self, site: Site) -> None:
        super().__init__(daemon=True)
        self._site = site
        self.start()

    def run(self) -> None:
        self._play = self._site.take(**PATIENT)

    def result(self) -> dict[str, Any]:
        self.join(300)
        assert not self.is_alive(), "the module still waits"
        return {**self._play.result(TASK), "printed": self._play.output}


def write(first: int, last: int) -> str:
    """Shell that writes the parts from ``first`` to ``last`` slowly, each safe before the next is begun."""
    one = f"dd if=/dev/vda of=/mnt/backup.bin bs={PART} count=1 skip=$i seek=$i conv=notrunc,fsync 2>/dev/null"
    return f"for i in $(seq {first} {last}); do {one} || exit 1; echo part $i; sleep 0.3; done"


def test_a_slow_writer_dies_and_another_goes_on_and_it_is_taken_once_and_whole(
    site: Site, machines: tuple[VirtualMachine, VirtualMachine]
) -> None:
    one, two = machines
    half = PARTS // 2
    taking = Taking(site)
    one.begin(write(0, PARTS - 1))
    one.wait_for_line(f"part {half}", timeout=120)
    one.kill()
    # what the storage browser of the other one shows
    listed = two.check("ls -l /mnt")
    assert "backup.bin" in listed and two.check("test -s /mnt/backup.bin && echo there").strip() == "there"
    two.check(write(half + 1, PARTS - 1), timeout=120)
    result = taking.result()
    assert result.get("verdict") == "ok", result["printed"]
    assert [(file["name"], file["size"]) for file in result["files"]] == [("files/backup.bin", PARTS * PART)]
    assert [made["id"] for made in result["generations"]] == [f"{SOURCE}/pushed/1"]
    assert result["generation"]["status"] == "complete"
    out = site.recovery.run(
        "generation_extract", generation=f"{SOURCE}/pushed/1", dest="/root/out", **site.recovery.unlocked()
    )
    assert out.passed, out.output
    extracted = site.backup_host.output("find /root/out -name backup.bin -exec sha256sum {} + | cut -d' ' -f1")
    assert extracted == site.appliance.output(f"sha256sum <{BACKUP} | cut -d' ' -f1")


def test_what_was_taken_is_browsed_and_can_neither_be_replaced_nor_removed(
    site: Site, machines: tuple[VirtualMachine, VirtualMachine]
) -> None:
    two = machines[1]
    wanted = site.appliance.output(f"sha256sum <{BACKUP} | cut -d' ' -f1")
    assert wanted in two.check("ls -l /mnt && sha256sum /mnt/backup.bin", timeout=120)
    for command in ("echo x >>/mnt/backup.bin", "rm -f /mnt/backup.bin", "mv /mnt/backup.bin /mnt/gone"):
        code, said = two.run(command)
        assert code != 0 and "ermi" in said, (command, said)
    assert site.backup_host.output(f"sha256sum <{FILES}/backup.bin | cut -d' ' -f1") == wanted
    again = site.take(**{**PATIENT, "wait_timeout": 0, "quiet_period": 0}).result(TASK)
    assert again.get("generations", []) == [] and again["verdict"] == "nothing_came"
    # how much is used, and what is free: appliances look
    assert "/mnt" in two.check("df /mnt")


@pytest.mark.parametrize("version", ["4.0", "4.1", "4.2"])
def test_each_version_writes(site: Site, machines: tuple[VirtualMachine, VirtualMachine], version: str) -> None:
    two = machines[1]
    two.check("umount /mnt")
    site.mount(two, version)
    assert f"vers={version}" in two.check("grep /mnt /proc/mounts")
    two.check(f"echo of {version} >/mnt/small && mv /mnt/small /mnt/small-{version} && sync")
    made = f"{FILES}/small-{version}"
    assert site.backup_host.read(made).decode() == f"of {version}\n"
    assert site.backup_host.output(f"stat -c %U {made}") == "land-ejbca"
