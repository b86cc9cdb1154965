# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab itself: what the other tests rely on is true, and what they expect to fail does fail."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time

import paramiko
import pytest

from lab.controller import Controller
from lab.host import CommandFailed, Host, LabError, User
from lab.hosts import Fleet
from lab.machine import PROJECT
from lab.watch import capture, search_files, trace

PASSWORD = "Geheim-1"


@pytest.fixture(scope="module")
def here(fleet: Fleet) -> Host:
    """The host that reaches out."""
    host = fleet.add("here")
    host.write("/root/.ssh/id_ed25519", fleet.keypair.private, 0o600)
    return host


@pytest.fixture(scope="module")
def there(fleet: Fleet, here: Host) -> Host:
    """The host that is reached."""
    host = fleet.add(
        "there",
        users=(
            User("asks", PASSWORD, sudo="password"),
            User("free", sudo="free", authorized_keys=(fleet.keypair.public,)),
            User("plain", PASSWORD),
        ),
    )
    here.write("/root/.ssh/known_hosts", fleet.known_hosts())
    return host


def ssh(here: Host, target: str, *command: str, timeout: int = 3) -> subprocess.CompletedProcess[bytes]:
    options = ("-o", "BatchMode=yes", "-o", f"ConnectTimeout={timeout}", "-o", "ServerAliveInterval=1")
    return here.run(["ssh", *options, "-o", "ServerAliveCountMax=2", target, *command], check=False)


def client(here: Host, there: Host, username: str, password: str) -> paramiko.SSHClient:
    """A paramiko client in this process whose connection begins on the host ``here``."""
    connection = paramiko.SSHClient()
    known = paramiko.hostkeys.HostKeyEntry.from_line(f"{there.address} {there.host_key}")
    connection.get_host_keys().add(there.address, known.key.get_name(), known.key)
    with here.network():
        connection.connect(
            there.address, username=username, password=password, look_for_keys=False, allow_agent=False, timeout=5
        )
    return connection


def test_a_host_is_a_machine_of_its_own(here: Host, there: Host) -> None:
    assert here.output("hostname") == "here"
    assert "boot.sh" in here.output("cat /proc/1/cmdline | tr '\\0' ' '")
    assert here.output("cat /etc/machine-id") != there.output("cat /etc/machine-id")
    assert here.host_key != there.host_key
    assert len(here.output("ls /proc | grep -c '^[0-9]'")) < 3


def test_what_a_host_writes_stays_there(here: Host, there: Host) -> None:
    here.write("/etc/lab-mark", "here only", 0o600)
    assert here.read("/etc/lab-mark") == b"here only"
    assert not there.exists("/etc/lab-mark")
    assert not pathlib.Path("/etc/lab-mark").exists()
    assert (here.changes / "etc" / "lab-mark").read_text() == "here only"


def test_the_checkout_and_its_python_are_there_and_cannot_be_written(here: Host) -> None:
    assert here.output([sys.executable, "-c", "import paramiko, cryptography; print('in')"]) == "in"
    with pytest.raises(CommandFailed, match="Read-only"):
        here.run(["touch", str(PROJECT / "written-by-a-host")])


def test_nothing_of_the_lab_is_in_the_network_of_the_machine(fleet: Fleet, there: Host) -> None:
    addresses = subprocess.run(["ip", "address"], check=True, capture_output=True, text=True).stdout
    assert there.address in there.output(["ip", "address"])
    assert there.address not in addresses
    assert there.link not in addresses
    assert "br0" not in addresses


def test_login_by_key(here: Host, there: Host) -> None:
    assert ssh(here, "there", "id -un").stdout == b"root\n"
    assert ssh(here, "free@there", "id -un").stdout == b"free\n"


def test_login_by_key_is_refused_without_one(here: Host, there: Host) -> None:
    refused = ssh(here, "plain@there", "id -un")
    assert refused.returncode == 255
    assert b"Permission denied" in refused.stderr


def test_login_by_password(here: Host, there: Host) -> None:
    with client(here, there, "plain", PASSWORD) as connection:
        _stdin, stdout, _stderr = connection.exec_command("id -un")
        assert stdout.read() == b"plain\n"


def test_login_by_wrong_password_is_refused(here: Host, there: Host) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        client(here, there, "plain", "wrong")


def test_sudo_without_password(here: Host, there: Host) -> None:
    assert ssh(here, "free@there", "sudo -n id -un").stdout == b"root\n"


def test_sudo_with_password_and_without_any_right(here: Host, there: Host) -> None:
    asked = there.run(["sudo", "-S", "-p", "", "id", "-un"], user="asks", input=f"{PASSWORD}\n")
    assert asked.stdout == b"root\n"
    wrong = there.run(["sudo", "-k", "-S", "-p", "", "id"], user="asks", input="wrong\n", check=False)
    assert wrong.returncode == 1
    refused = there.run(["sudo", "-S", "-p", "", "id"], user="plain", input=f"{PASSWORD}\n", check=False)
    assert b"not in the sudoers" in refused.stderr


def test_cutting_and_mending_a_link(here: Host, there: Host) -> None:
    there.cut()
    began = time.monotonic()
    gone = ssh(here, "there", "true")
    assert gone.returncode == 255
    assert time.monotonic() - began < 10
    there.mend()
    assert ssh(here, "there", "true").returncode == 0


def test_a_host_that_vanishes_in_the_middle_of_a_transfer(here: Host, there: Host) -> None:
    there.silence(after=500_000)
    broken = ssh(here, "there", "head -c 4000000 /dev/zero")
    there.heal()
    assert broken.returncode == 255
    assert 0 < len(broken.stdout) < 4_000_000
    assert len(ssh(here, "there", "head -c 4000000 /dev/zero").stdout) == 4_000_000


def test_swallowed_and_refused_connections(here: Host, there: Host) -> None:
    there.swallow()
    assert b"timed out" in ssh(here, "there", "true", timeout=1).stderr
    there.heal()
    there.reset()
    assert b"refused" in ssh(here, "there", "true").stderr
    there.heal()
    assert ssh(here, "there", "true").returncode == 0


def test_a_power_cut_keeps_the_disk_and_the_key(here: Host, there: Host) -> None:
    there.write("/root/kept", "kept")
    key = there.host_key
    there.kill()
    assert not there.running
    assert ssh(here, "there", "true", timeout=1).returncode == 255
    there.boot()
    assert there.host_key == key
    assert ssh(here, "there", "cat /root/kept").stdout == b"kept"


def test_a_changed_host_key_is_noticed(fleet: Fleet, here: Host, there: Host) -> None:
    there.change_host_key()
    changed = ssh(here, "there", "true")
    assert changed.returncode == 255
    assert b"Host key verification failed" in changed.stderr
    here.write("/root/.ssh/known_hosts", fleet.known_hosts())
    assert ssh(here, "there", "true").returncode == 0


def test_a_small_disk_is_full(there: Host) -> None:
    there.mount_tmpfs("/srv/small", "1m")
    with pytest.raises(CommandFailed, match="No space left"):
        there.run("head -c 2000000 /dev/zero >/srv/small/file")


def test_metadata_that_a_restore_must_bring_back_is_kept_by_the_disk(there: Host) -> None:
    there.run(
        "mkdir -p /srv/exact && cd /srv/exact && printf x >f && ln -s f l && ln f h && setfacl -m u:plain:r f"
        " && setfattr -n user.lab -v wert f && touch -d @1700000000.123456789 f"
    )
    before = there.fingerprint("/srv/exact")
    assert "1700000000.1234567890" in before
    assert "user:plain:r--" in before
    assert "user.lab=" in before
    assert there.fingerprint("/srv/exact") == before
    there.run(["setfattr", "-n", "user.lab", "-v", "anders", "/srv/exact/f"])
    assert there.fingerprint("/srv/exact") != before


def test_a_capture_sees_what_crosses_the_link(here: Host, there: Host, tmp_path: pathlib.Path) -> None:
    with capture(there, tmp_path / "link.pcap") as file:
        listening = there.start(["timeout", "5", "python3", "-c", ONE_LINE], log="/root/heard")
        there.wait_for_port(7777)
        here.run(["bash", "-c", "echo planted-secret >/dev/tcp/there/7777"])
        listening.wait(timeout=10)
    assert b"planted-secret" in file.read_bytes()
    assert search_files(there, b"planted-secret") == [str(there.changes / "root" / "heard")]
    assert search_files(there, b"never planted") == []


ONE_LINE = "import socket; s = socket.create_server(('', 7777)); print(s.accept()[0].makefile().readline())"


def test_a_trace_sees_what_a_session_does(here: Host, there: Host, tmp_path: pathlib.Path) -> None:
    with trace(there, tmp_path / "calls") as file:
        assert ssh(here, "there", "echo planted-argument; cat").returncode == 0
    assert "planted-argument" in file.read_text(errors="replace")
    assert "never planted" not in file.read_text(errors="replace")


def test_ansible_reaches_the_hosts_from_its_controller(controller: Controller, there: Host) -> None:
    controller.describe(there, lab_word="Wörter")
    play = controller.play(PING, variables={"extra": "mehr"})
    assert play.passed, play.output
    assert play.result("Ask", "there")["ping"] == "Wörter mehr"
    assert not controller.play("- hosts: all\n  tasks: [ansible.builtin.fail: ]\n").passed


PING = """
- hosts: there
  gather_facts: false
  tasks:
    - name: Ask
      ansible.builtin.ping:
        data: "{{ lab_word }} {{ extra }}"
"""


def test_a_killed_test_run_leaves_nothing_behind(tmp_path: pathlib.Path) -> None:
    script = "import time; from lab.hosts import Fleet; f = Fleet(); print(f.pid, f.add('left').pid, flush=True)"
    script += "; time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(PROJECT / "tests")}
    ) as run:
        line = run.stdout.readline() if run.stdout else b""
        processes = [pathlib.Path("/proc", pid.decode()) for pid in line.split()]
        assert len(processes) == 2
        assert all(process.exists() for process in processes)
        run.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(process.exists() for process in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(process.exists() for process in processes)


def test_a_host_that_cannot_boot_says_why_and_takes_nobody_along(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "boot.sh").write_text("echo the disk is on fire >&2; exit 3\n")
    monkeypatch.setattr("lab.host.BOOT", tmp_path / "boot.sh")
    with pytest.raises(LabError, match="the disk is on fire"):
        fleet.add("unlucky")
    fleet.hosts.pop("unlucky").kill()


def test_a_name_that_the_kernel_would_refuse_is_refused_first(fleet: Fleet) -> None:
    with pytest.raises(LabError, match="longer than 13"):
        fleet.add("a-name-that-is-too-long")
