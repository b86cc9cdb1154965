# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The embedded SSH server, driven by paramiko's client and by the stock ssh and sftp."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import threading
import time

import paramiko
import pytest
from ssh_host import SshHost, new_ed25519_key

stock_ssh = pytest.mark.skipif(not shutil.which("ssh") or not shutil.which("sftp"), reason="no ssh client is installed")


def connect(fleet, name, **options):
    host = fleet.hosts[name]
    client = paramiko.SSHClient()
    client.load_host_keys(str(fleet.known_hosts_file))
    login = (
        {"key_filename": str(fleet.private_key_file)} if host.ssh.authorized_key else {"password": host.ssh.password}
    )
    login.update(options)
    client.connect("127.0.0.1", host.port, "backup", allow_agent=False, look_for_keys=False, timeout=10, **login)
    return client


@pytest.fixture
def berlin(fleet):
    with connect(fleet, "pbx-berlin") as client:
        yield client


def run(client, command, data=b""):
    stdin, stdout, stderr = client.exec_command(command, timeout=20)
    stdin.channel.sendall(data)
    stdin.channel.shutdown_write()
    return stdout.read(), stderr.read(), stdout.channel.recv_exit_status()


def test_streams_and_exit_status(berlin):
    assert run(berlin, "cat; echo oops >&2; exit 7", b"in\x00put\xff") == (b"in\x00put\xff", b"oops\n", 7)


def test_a_killed_command_is_reported_like_a_shell_does(berlin):
    assert run(berlin, "kill -9 $$")[2] == 137


def test_commands_begin_in_the_host_folder_and_find_its_programs(fleet, berlin):
    output, _errors, status = run(berlin, "pwd; command -v kamailio; kamailio -v")
    directory = fleet.hosts["pbx-berlin"].directory
    assert output.decode().splitlines()[:2] == [str(directory), f"{directory}/usr/sbin/kamailio"]
    assert status == 0


def test_megabytes_pass_both_ways_unharmed(berlin):
    data = os.urandom(1 << 20) * 12
    output, status = _pump(berlin, data)
    assert (hashlib.sha256(output).digest(), status) == (hashlib.sha256(data).digest(), 0)


def _pump(client, data):
    stdin, stdout, _stderr = client.exec_command("cat", timeout=30)

    def feed():
        stdin.channel.sendall(data)
        stdin.channel.shutdown_write()

    feeder = threading.Thread(target=feed)
    feeder.start()
    output = stdout.read()
    feeder.join()
    return output, stdout.channel.recv_exit_status()


def test_many_quick_commands_on_one_connection(berlin):
    assert [run(berlin, f"exit {number}")[2] for number in range(40)] == list(range(40))


def test_commands_side_by_side(fleet):
    results = []

    def one(number):
        with connect(fleet, "gw-linux") as client:
            results.append(run(client, f"printf {number}; exit {number}"))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [(str(number).encode(), b"", number) for number in range(8)]


def test_a_command_ends_when_its_client_goes(fleet, berlin):
    marker = fleet.hosts["pbx-berlin"].directory / "tmp" / "running"
    berlin.exec_command(f"echo $$ > '{marker}'; exec sleep 300")
    pid = int(_eventually(lambda: marker.exists() and marker.read_text().strip()))
    berlin.close()
    _eventually(lambda: not _alive(pid))


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _eventually(probe):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = probe()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("did not happen within 10 s")


def test_locale_is_passed_and_nothing_else(berlin):
    _stdin, stdout, _stderr = berlin.exec_command("echo $LC_ALL-$EVIL", environment={"LC_ALL": "C.UTF-8", "EVIL": "1"})
    assert stdout.read() == b"C.UTF-8-\n"


def test_forwarding_is_refused(berlin):
    with pytest.raises(paramiko.ChannelException):
        berlin.get_transport().open_channel("direct-tcpip", ("127.0.0.1", 1), ("127.0.0.1", 2))


@pytest.mark.parametrize("name", ["pbx-berlin", "pbx-hamburg"])
def test_wrong_credentials_are_refused(fleet, tmp_path, name):
    stranger = new_ed25519_key(tmp_path / "stranger")
    with pytest.raises(paramiko.AuthenticationException):
        connect(fleet, name, password="wrong", key_filename=None)
    with pytest.raises(paramiko.AuthenticationException):
        connect(fleet, name, password=None, key_filename=None, pkey=stranger)


def test_password_host_takes_no_key(fleet):
    with pytest.raises(paramiko.AuthenticationException):
        connect(fleet, "pbx-hamburg", password=None, key_filename=str(fleet.private_key_file))


def test_each_host_has_its_own_key(fleet):
    keys = {host.ssh.host_key.get_base64() for host in fleet.hosts.values()}
    assert len(keys) == len(fleet.hosts)
    assert fleet.private_key_file.stat().st_mode & 0o777 == 0o600


def test_sftp(fleet, berlin):
    directory = fleet.hosts["pbx-berlin"].directory
    with berlin.open_sftp() as sftp:
        assert sftp.normalize(".") == str(directory)
        names = [entry.filename for entry in sftp.listdir_attr(f"{directory}/etc/kamailio/conf.d")]
        assert names == ["Ansage Büro Köln.txt"]
        assert sftp.readlink("etc/localtime") == "/usr/share/zoneinfo/Europe/Berlin"
        with sftp.open("tmp/new", "wb") as file:
            file.write(b"x" * 100_000)
        sftp.chmod("tmp/new", 0o640)
        sftp.utime("tmp/new", (1, 1_000_000_000))
        facts = sftp.stat("tmp/new")
        assert (facts.st_size, facts.st_mode & 0o777, facts.st_mtime) == (100_000, 0o640, 1_000_000_000)
        sftp.truncate("tmp/new", 3)
        sftp.posix_rename("tmp/new", "tmp/newer")
        assert (directory / "tmp/newer").read_bytes() == b"xxx"
        sftp.symlink("newer", "tmp/link")
        assert sftp.lstat("tmp/link").st_mode & 0o170000 == 0o120000
        sftp.mkdir("tmp/folder")
        with pytest.raises(OSError):
            sftp.rename("tmp/newer", "tmp/link")
        sftp.rename("tmp/newer", "tmp/folder/moved")
        with pytest.raises(OSError):
            sftp.rmdir("tmp/folder")
        sftp.remove("tmp/folder/moved")
        sftp.remove("tmp/link")
        sftp.rmdir("tmp/folder")
        with pytest.raises(FileNotFoundError):
            sftp.open("tmp/nowhere/file", "rb")


@stock_ssh
def test_sftp_lists_names_that_are_not_utf8(fleet):
    folder = fleet.hosts["gw-linux"].directory / "tmp/odd"
    folder.mkdir()
    open(os.path.join(os.fsencode(folder), b"caf\xe9"), "wb").close()
    command = ["sftp", "-b", "-", *stock_options(fleet, "-P", "gw-linux"), "backup@127.0.0.1"]
    listed = subprocess.run(command, input=b"ls -1 tmp/odd\n", capture_output=True, timeout=30, check=True)
    assert listed.stdout.splitlines()[-1] in (b"tmp/odd/caf\\351", b"tmp/odd/caf\xe9")


def test_stop_cuts_connections_and_frees_the_port(tmp_path):
    host = SshHost(tmp_path, new_ed25519_key(tmp_path / "key"), "backup", password="long enough")
    host.start()
    client = paramiko.SSHClient()
    client.get_host_keys().add(f"[127.0.0.1]:{host.port}", host.host_key.get_name(), host.host_key)
    client.connect("127.0.0.1", host.port, "backup", "long enough", allow_agent=False, look_for_keys=False)
    _stdin, stdout, _stderr = client.exec_command("echo $$; exec sleep 300")
    pid = int(stdout.readline())
    host.stop()
    _eventually(lambda: not client.get_transport().is_active() and not _alive(pid))
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", host.port), timeout=2).close()
    host.stop()


def stock_options(fleet, port_option, name):
    return [
        port_option,
        str(fleet.hosts[name].port),
        *("-F", "/dev/null", "-i", str(fleet.private_key_file), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"),
        *("-o", f"UserKnownHostsFile={fleet.known_hosts_file}", "-o", "StrictHostKeyChecking=yes"),
    ]


@stock_ssh
def test_stock_ssh(fleet):
    command = ["ssh", *stock_options(fleet, "-p", "gw-linux"), "backup@127.0.0.1", "tr a-z A-Z; exit 3"]
    result = subprocess.run(command, input=b"hello\n" * 50_000, capture_output=True, timeout=30, check=False)
    assert (result.returncode, result.stdout) == (3, b"HELLO\n" * 50_000)


@stock_ssh
def test_stock_ssh_streams_a_tar(fleet, tmp_path):
    directory = fleet.hosts["gw-linux"].directory
    command = ["ssh", *stock_options(fleet, "-p", "gw-linux"), "backup@127.0.0.1", f"tar -C '{directory}' -cf - etc"]
    archive = subprocess.run(command, capture_output=True, timeout=30, check=True).stdout
    subprocess.run(["tar", "-C", tmp_path, "-xf", "-"], input=archive, timeout=30, check=True)
    assert (tmp_path / "etc/nftables.conf").read_bytes() == (directory / "etc/nftables.conf").read_bytes()


@stock_ssh
def test_stock_ssh_refuses_a_changed_host_key(fleet, tmp_path):
    swapped = tmp_path / "known_hosts"
    other = fleet.hosts["pbx-berlin"].ssh.host_key
    swapped.write_text(f"[127.0.0.1]:{fleet.hosts['gw-linux'].port} {other.get_name()} {other.get_base64()}\n")
    options = stock_options(fleet, "-p", "gw-linux")
    options = [option.replace(str(fleet.known_hosts_file), str(swapped)) for option in options]
    result = subprocess.run(["ssh", *options, "backup@127.0.0.1", "true"], capture_output=True, timeout=30, check=False)
    assert result.returncode == 255
    assert b"REMOTE HOST IDENTIFICATION HAS CHANGED" in result.stderr


@stock_ssh
def test_stock_sftp(fleet, tmp_path):
    command = ["sftp", "-b", "-", *stock_options(fleet, "-P", "gw-linux"), "backup@127.0.0.1"]
    batch = f"get etc/nftables.conf {tmp_path}/got\nput {tmp_path}/got tmp/put\nls -l tmp\n"
    subprocess.run(command, input=batch.encode(), capture_output=True, timeout=30, check=True)
    directory = fleet.hosts["gw-linux"].directory
    assert (directory / "tmp/put").read_bytes() == (directory / "etc/nftables.conf").read_bytes()
