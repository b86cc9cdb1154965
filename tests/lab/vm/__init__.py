# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine with a kernel of its own, for what the kernel below all test hosts may not have: a client of NFS.

It runs in qemu, without help by the processor if need be, behind a test host: its connections are the host's. Debian's
kernel and busybox are all that is in it; see ``build.sh`` and ``init.sh``.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import time
from types import TracebackType

from lab.host import ENVIRONMENT, Host, LabError
from lab.machine import PATH, PROJECT

IMAGE = PROJECT / "build" / "vm"
ENDED = re.compile(rb"\nended with (\d+)\n")
BOOT_TIMEOUT = 120.0
"""Seconds. Without help by the processor it takes ten on a quiet machine."""


def why_not() -> str:
    """One sentence that says why there can be no virtual machine here; empty when there can."""
    if not shutil.which("qemu-system-x86_64", path=PATH):
        return "not installed: qemu-system-x86 (`make test` installs it as root on Debian)"
    missing = [name for name in ("vmlinuz", "initramfs") if not (IMAGE / name).exists()]
    return f"there is no kernel for a virtual machine in {IMAGE} (`make test` fetches it)" if missing else ""


class VirtualMachine:
    """A context manager; the machine is up when it is entered.

    :param host: the test host whose network it has
    :param disk: a file of the host's, which the machine has as /dev/vda and cannot change
    """

    def __init__(self, host: Host, name: str, disk: str) -> None:
        self.name = name
        self._host = host
        self._disk = disk
        self._said = b""

    def __enter__(self) -> VirtualMachine:
        log = f"/var/log/{self.name}.log"
        qemu = (
            *("qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot"),
            *("-machine", "q35,accel=tcg", "-cpu", "max", "-m", "256", "-pidfile", self._pid_file),
            *("-kernel", str(IMAGE / "vmlinuz"), "-initrd", str(IMAGE / "initramfs")),
            *("-append", f"console=ttyS0 quiet panic=-1 name={self.name}"),
            *("-serial", f"file:{log}", "-serial", "stdio"),
            *("-drive", f"file={self._disk},format=raw,if=virtio,readonly=on"),
            *("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="),
        )
        self._process = subprocess.Popen(
            self._host.command(qemu),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        try:
            self._wait_for(re.compile(rb"^up\n", re.MULTILINE), BOOT_TIMEOUT)
        except BaseException as error:
            self.kill()
            if isinstance(error, LabError):
                kernel = self._host.run(["tail", "-n", "40", log], check=False).stdout.decode(errors="replace")
                raise LabError(f"{error}\n{kernel}") from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def _pid_file(self) -> str:
        return f"/run/{self.name}.pid"

    def kill(self) -> None:
        """Cut its power, at once."""
        self._host.run(f"test ! -e {self._pid_file} || kill -KILL $(cat {self._pid_file})", check=False)
        self._process.kill()
        self._process.communicate()

    def begin(self, command: str) -> None:
        """Let a line of shell run; :meth:`end` waits for it."""
        if self._process.stdin is None:
            raise LabError("no pipe to the virtual machine")
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()

    def wait_for_line(self, line: str, timeout: float = 60.0) -> None:
        """Wait until what runs has written a line."""
        self._wait_for(re.compile(rb"^" + re.escape(line.encode()) + rb"\n", re.MULTILINE), timeout)

    def end(self, timeout: float = 60.0) -> tuple[int, str]:
        """Wait until what :meth:`begin` began has ended: its code, and what it said since the last look."""
        said, found = self._wait_for(ENDED, timeout)
        return int(found[1]), said.decode(errors="replace")

    def run(self, command: str, timeout: float = 60.0) -> tuple[int, str]:
        """Run a line of shell: its code, and what it said."""
        self.begin(command)
        return self.end(timeout)

    def check(self, command: str, timeout: float = 60.0) -> str:
        """Run a line of shell that must not fail; what it said."""
        code, said = self.run(command, timeout)
        if code != 0:
            raise LabError(f"{self.name}: {command} ended with {code}: {said}")
        return said

    def _wait_for(self, pattern: re.Pattern[bytes], timeout: float) -> tuple[bytes, re.Match[bytes]]:
        """What was said up to a match, and the match. Both are used up."""
        if self._process.stdout is None:
            raise LabError("no pipe from the virtual machine")
        deadline = time.monotonic() + timeout
        while not (found := pattern.search(self._said)):
            ready, _none, _none2 = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(self._process.stdout.fileno(), 65536) if ready else b""
            if not data:
                how = "has ended" if ready else f"said nothing for {timeout} s that was waited for"
                raise LabError(f"the virtual machine {self.name} {how}: {self._said.decode(errors='replace')}")
            self._said += data
        said, self._said = self._said[: found.start()], self._said[found.end() :]
        return said, found
