# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role backup_host on a host of the lab, and what its landing accounts can and cannot do, with real clients."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
import sys
import time
from typing import Any

import pytest

from lab import nfs_service
from lab.controller import Controller, Play
from lab.host import Host
from lab.hosts import Fleet, Keypair, make_keypair
from lab.machine import PROJECT
from lab.nfs_service import VARIABLES

ROLE = """
- hosts: backup1
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: ucops.recovery.backup_host
        tasks_from: {tasks}
"""
DROP_IN = "/etc/ssh/sshd_config.d/10-ucops-landing.conf"
SFTP_PASSWORD = "planted-sftp-password"
SMB_PASSWORD = "planted-smb-password"
SECRETS = (SFTP_PASSWORD, SMB_PASSWORD)


@dataclasses.dataclass
class Site:
    """A backup host that the role set up, appliances that push to it, and what the first plays said."""

    controller: Controller
    backup_host: Host
    sender: Host
    stranger: Host
    keys: dict[str, Keypair]
    accounts: list[dict[str, Any]]
    checked: Play
    applied: Play

    def play(
        self, *arguments: str, accounts: list[dict[str, Any]] | None = None, tasks: str = "main", **variables: Any
    ) -> Play:
        declared = self.accounts if accounts is None else accounts
        return play(self.controller, declared, *arguments, tasks=tasks, **variables)

    def sftp(self, account: str, *lines: str, sender: Host | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run sftp on the sender with a key, or with the password where the account has one. It stops at an error."""
        way = ["-i", f"/root/{account}"] if account in self.keys else ["-o", "PubkeyAuthentication=no"]
        return (sender or self.sender).run(
            ["sftp", *way, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=no", "-b", "-", f"{account}@backup1"],
            input="\n".join((*lines, "")),
            check=False,
            env={"SSH_ASKPASS": "/root/say-password", "SSH_ASKPASS_REQUIRE": "force"},
        )

    def smb(self, share: str, command: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        login = ["-A", "/root/smb-login"]
        return self.sender.run(["smbclient", f"//backup1/{share}", *login, *arguments, "-c", command], check=False)


def play(
    controller: Controller, accounts: list[dict[str, Any]], *arguments: str, tasks: str = "main", **variables: Any
) -> Play:
    given = {**VARIABLES, "backup_host_landing_accounts": accounts, **variables}
    return controller.play(ROLE.format(tasks=tasks), *arguments, variables=given)


def changed(one: Play) -> list[str]:
    """The tasks that changed something, or would."""
    return [event["task"] for event in one.events if event["result"].get("changed")]


@pytest.fixture(scope="module")
def site(fleet: Fleet, controller: Controller) -> Site:
    backup_host = controller.backup_host
    sender, stranger = fleet.add("sender"), fleet.add("stranger")
    controller.describe(backup_host, ansible_python_interpreter="/usr/bin/python3")
    # file handles, which NFS needs, and a landing zone that is full at some time
    backup_host.mount_tmpfs("/srv/landing", "64m")
    password_hash = sender.output(["openssl", "passwd", "-6", SFTP_PASSWORD])
    keys = {"land-kamailio": make_keypair()}
    accounts = [
        {
            "source": "starface-berlin",
            "account": "land-starface",
            "protocols": ["sftp"],
            "addresses": [sender.address],
            "password_hash": password_hash,
            "size_limit": "20 GB",
        },
        {
            "source": "kamailio.bonn",
            "account": "land-kamailio",
            "protocols": ["sftp"],
            "addresses": [f"{sender.address}/32", stranger.address],
            "public_keys": [keys["land-kamailio"].public],
        },
        {
            "source": "starface-hamburg",
            "account": "land-smb",
            "protocols": ["smb"],
            "addresses": [sender.address],
            "smb_password": SMB_PASSWORD,
        },
        {"source": "ejbca", "account": "land-ejbca", "protocols": ["nfs"], "addresses": [sender.address]},
    ]
    for host in (sender, stranger):
        host.write("/root/.ssh/known_hosts", fleet.known_hosts())
        host.write("/root/say-password", f"#!/bin/sh\necho {SFTP_PASSWORD}\n", 0o700)
        host.write("/root/smb-login", f"username=land-smb\npassword={SMB_PASSWORD}\n", 0o600)
        for name, pair in keys.items():
            host.write(f"/root/{name}", pair.private, 0o600)
        host.run("head -c 300000 /dev/urandom >/root/whole; head -c 100000 /root/whole >/root/half")
    backup_host.run("sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config")
    nfs_service.install(backup_host)
    checked = play(controller, accounts, "--check", "--diff")
    applied = play(controller, accounts, "--diff")
    assert applied.passed, applied.output
    for port in (445, 2049):
        backup_host.wait_for_port(port)
    return Site(controller, backup_host, sender, stranger, keys, accounts, checked, applied)


# --- the role itself --------------------------------------------------------------------------------------------------
def test_check_mode_tells_what_the_run_then_does_and_does_nothing(site: Site) -> None:
    assert site.checked.passed, site.checked.output
    assert changed(site.checked) == changed(site.applied)


def test_the_playbook_changes_nothing_any_more_and_nothing_that_is_printed_holds_a_secret(site: Site) -> None:
    given = {**VARIABLES, "backup_host_landing_accounts": site.accounts, "backup_hosts": "backup1"}
    again = site.controller.play("ucops.recovery.backup_host", "-vvv", "--diff", variables=given)
    assert again.passed, again.output
    assert changed(again) == []
    password_hash = site.accounts[0]["password_hash"]
    for text in (site.checked.output, site.applied.output, again.output):
        assert not [secret for secret in (*SECRETS, password_hash, password_hash[10:]) if secret in text]


def test_the_folders_belong_to_a_user_whom_nobody_can_log_in_as(site: Site) -> None:
    folders = "/etc/ucops /srv/recovery"
    assert site.backup_host.output(f"stat -c '%a %U:%G' {folders}").splitlines() == ["700 ucops:ucops"] * 2
    assert site.backup_host.output("getent passwd ucops | cut -d: -f6-") == "/nonexistent:/usr/sbin/nologin"
    assert site.backup_host.output("getent shadow ucops | cut -d: -f2") == "*"


def test_what_later_roles_need_is_noted_without_a_secret(site: Site) -> None:
    text = site.backup_host.read("/etc/ansible/facts.d/ucops_backup_host.fact").decode()
    noted = json.loads(text)
    assert (noted["failure_domain"], noted["reserve"], noted["repository"]) == ("backup1", 10 * 2**30, "/srv/recovery")
    assert noted["sources"]["starface-berlin"]["size_limit"] == "20 GB"
    assert "password" not in text


def test_the_landing_zone_has_the_folders_that_are_agreed_on(site: Site) -> None:
    found = site.backup_host.output("cd /srv/landing && stat -c '%a %U:%G %n' . */. */* */*/*").splitlines()
    assert "711 root:root ." in found
    assert "711 root:root starface-berlin/." in found
    assert "1730 root:land-starface starface-berlin/incoming/files" in found
    assert "1770 root:land-smb starface-hamburg/incoming/files" in found
    assert len([line for line in found if line.startswith("700 root:root ") and line.endswith("/taken")]) == 4


def test_sshd_treats_everybody_else_as_before(site: Site) -> None:
    ask = "sshd -T -C user=root,host=h,addr=192.0.2.1"
    with_accounts = site.backup_host.output(ask)
    site.backup_host.run(f"mv {DROP_IN} /root/aside")
    try:
        assert site.backup_host.output(ask) == with_accounts
    finally:
        site.backup_host.run(f"mv /root/aside {DROP_IN}")


@pytest.fixture(scope="module")
def wheels() -> pathlib.Path:
    """All libraries as wheels, in a folder that hosts see. Fetched once; the network of the lab ends at its bridge."""
    folder, wanted = PROJECT / "build" / "wheels", PROJECT / "meta" / "ee-requirements.txt"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--only-binary",
        ":all:",
        "-d",
        str(folder),
        "-r",
        str(wanted),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"left out: no package index ({done.stderr.strip().splitlines()[-1:]})")
    return folder


def test_the_libraries_come_from_a_folder_of_wheels(site: Site, wheels: pathlib.Path) -> None:
    given = {"backup_host_python_wheels": str(wheels)}
    expected = ["ucops.recovery.backup_host : Install what the modules import"]
    assert changed(site.play("--check", tasks="python", **given)) == expected
    assert changed(site.play(tasks="python", **given)) == expected
    again = site.play(tasks="python", **given)
    assert again.passed, again.output
    assert changed(again) == []
    ask = "from ansible_collections.ucops.recovery.plugins.module_utils._libraries import MINIMUM, require"
    command = ["/opt/ucops/bin/python", "-c", f"{ask}; require(*MINIMUM)"]
    site.backup_host.run(command, user="nobody", env={"PYTHONPATH": str(PROJECT / ".stage")})


# --- what is refused --------------------------------------------------------------------------------------------------
REFUSED = {
    "a private key": ({"public_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----\nplanted"]}, "line 1 of its public_keys"),
    "a cut key": ({"public_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBlFqr"]}, "line 1 of its public_keys"),
    "a key with options": ({"public_keys": ['command="sh" ssh-ed25519 AAAA']}, "without options"),
    "no way to log in": ({"public_keys": []}, "needs public_keys or a password_hash"),
    "a password in place of its hash": ({"password_hash": "planted-clear"}, "A password itself is none"),
    "a hash of DES": ({"password_hash": "abJnggxhB/yWI"}, "A password itself is none"),
    "no address": ({"addresses": []}, "at least one"),
    "a name in place of an address": ({"addresses": ["pbx.example.com"]}, "IP addresses or networks"),
    "a source that leads elsewhere": ({"source": "../other"}, "letters, digits"),
    "a name that Samba has": ({"source": "homes"}, "mean something else"),
    "the account of a person": ({"account": "root"}, "exists already"),
    "SMB without a password": ({"protocols": ["smb"]}, "needs an smb_password"),
    "a comma in the password": ({"protocols": ["smb"], "smb_password": "planted,password"}, "without a comma"),
    "a network for NFS": ({"protocols": ["nfs"], "addresses": ["10.0.0.0/8"]}, "single addresses only"),
    "NFS that cannot be browsed": (
        {"protocols": ["nfs"], "addresses": ["192.0.2.1"], "browse": False},
        "can always be browsed",
    ),
}


def test_a_wrong_declaration_is_refused_by_the_name_of_its_source(site: Site) -> None:
    good = {**site.accounts[1], "source": "wrong-one", "account": "land-wrong"}
    tasks = [
        {
            "name": what,
            "block": [{"ansible.builtin.include_role": {"name": "ucops.recovery.backup_host"}, "vars": given}],
            "rescue": [{"name": f"said of {what}", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result }}"}}],
        }
        for what, (wrong, _words) in REFUSED.items()
        for given in [{**VARIABLES, "backup_host_landing_accounts": [{**good, **wrong}]}]
    ]
    refused = site.controller.play(json.dumps([{"hosts": "backup1", "gather_facts": False, "tasks": tasks}]) + "\n")
    assert refused.passed, refused.output
    for what, (wrong, words) in REFUSED.items():
        said = json.dumps(refused.result(f"said of {what}")["msg"])
        assert words in said, (what, said)
        assert wrong.get("source", "wrong-one") in said, (what, said)
        assert "planted" not in said, (what, said)
    assert "land-wrong" not in site.backup_host.read("/etc/passwd").decode()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("sed -i /Include/d", "No account was made"),
        ("sed -i '1i Match User land-late\\n  ForceCommand /bin/sh\\nMatch all'", "No account was made"),
        ("sed -i '$a PermitRootLogin perhaps'", "unsupported option"),
    ],
    ids=["no include", "another block comes first", "a configuration that sshd does not take"],
)
def test_an_sshd_that_would_not_confine_stops_everything(site: Site, wrong: str, words: str) -> None:
    host, file = site.backup_host, "/etc/ssh/sshd_config"
    late = {**site.accounts[1], "source": "late", "account": "land-late"}
    before = host.read(DROP_IN)
    host.run(f"cp -p {file} /root/good && {wrong} {file}")
    try:
        refused = site.play(accounts=[*site.accounts, late], tasks="sshd")
        assert not refused.passed
        assert words in refused.output
        if "perhaps" in wrong:
            assert host.read(DROP_IN) == before
    finally:
        host.run(f"mv /root/good {file}")
        host.write(DROP_IN, before)
    assert site.sftp("land-kamailio", "pwd").returncode == 0


# --- SFTP -------------------------------------------------------------------------------------------------------------
def test_a_sender_may_do_what_products_do(site: Site) -> None:
    steps = (
        "put /root/half backup.sar",
        "reput /root/whole backup.sar",
        "mkdir starface-backup",
        "mkdir starface-backup/Nightly",
        "put -p /root/whole starface-backup/Nightly/a.sar.part",
        "rename starface-backup/Nightly/a.sar.part starface-backup/Nightly/a.sar",
        "put -f /root/half synced",
        "df",
    )
    done = site.sftp("land-starface", *steps)
    assert done.returncode == 0, done.stderr
    folder = "/srv/landing/starface-berlin/incoming/files"
    whole = site.sender.output("sha256sum </root/whole")
    for name in ("backup.sar", "starface-backup/Nightly/a.sar"):
        assert site.backup_host.output(f"sha256sum <{folder}/{name}") == whole
    assert site.backup_host.output(f"stat -c '%a %U' {folder}/backup.sar") == "600 land-starface"


REFUSALS = ("ermission denied", "not found", "No such file", "does not support")


def plant(host: Host, folder: str, group: str) -> None:
    """Something that was taken, and something that was put back for people to see, as pushed_backup does."""
    host.run(
        f"echo secret >{folder}/taken/generation && install -m 440 -g {group} /dev/null {folder}/incoming/files/kept"
    )


FORBIDDEN = {
    "list": "ls",
    "list the root": "ls /",
    "read its own file": "get own /root/got",
    "remove": "rm own",
    "remove a folder": "rmdir folder",
    "make a link": "symlink ../../taken/generation link",
    "make a hard link": "ln own second",
    "look into taken": "ls ../taken",
    "read what was taken": "get ../taken/generation /root/got",
    "overwrite what was taken": "put /root/half ../taken/generation",
    "rename what was taken": "rename ../taken/generation generation",
    "move into taken": "rename own ../taken/own",
    "leave by ..": "get ../../../etc/shadow /root/got",
    "write beside incoming": "put /root/half /beside",
    "replace a file of root's": "put /root/half kept",
    "rename a file of root's": "rename kept gone",
    "chmod a file of root's": "chmod 666 kept",
    "reach another source": "put /root/half /srv/landing/kamailio.bonn/incoming/files/x",
    "replace incoming": "rename /files /files2",
}


def test_a_sender_can_neither_list_nor_read_nor_touch_what_was_taken(site: Site) -> None:
    host, folder = site.backup_host, "/srv/landing/starface-berlin"
    plant(host, folder, "land-starface")
    assert site.sftp("land-starface", "put /root/half own", "mkdir folder").returncode == 0
    before = host.fingerprint(folder)
    for what, line in FORBIDDEN.items():
        done = site.sftp("land-starface", line)
        said = done.stderr.decode()
        # ls and chmod end with 0 even when they were refused
        assert any(one in said for one in ("ermission denied", "not found", "No such file", "not support")), (
            what,
            said,
        )
        got = site.sender.run("test ! -s /root/got && rm -f /root/got", check=False)
        assert got.returncode == 0, what
    assert host.fingerprint(folder) == before


COLLECT = """
import json, os, sys
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.claiming import recover, take
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.grouping import Selection
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.judging import Patience
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.scanning import Limits
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.waiting import Timing, Waiting
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.zone import Zone

zone = Zone(os.fsencode(sys.argv[1]), tuple(sys.argv[3:]))
zone.check()
with zone.lock():
    old = recover(zone)
    *_, last = Waiting(zone, Selection((sys.argv[2],)), Patience(2, 0), Timing(0, 0), Limits()).rounds()
    new = [take(zone, batch, "") for batch in last.stable]
waits = [reason for batch in last.waiting for one in batch.arrivals for reason in one.waits_for]
places = {key: [os.fsdecode(one.place(0)) for one in claims] for key, claims in (("old", old), ("new", new))}
print(json.dumps({**places, "waits": waits}))
"""
"""What pushed_backup does up to the moment at which it begins to read; the files stay taken."""


def collect(host: Host, folder: str, name: str, *ignore_writers: str) -> dict[str, list[str]]:
    done = host.run(
        [sys.executable, "-c", COLLECT, folder, name, *ignore_writers], env={"PYTHONPATH": str(PROJECT / ".stage")}
    )
    answer: dict[str, list[str]] = json.loads(done.stdout)
    return answer


def test_a_file_that_is_written_stays_and_one_that_was_taken_is_out_of_reach(site: Site) -> None:
    """The sender has it open all the time, for about six seconds."""
    host, folder = site.backup_host, "/srv/landing/kamailio.bonn"
    arriving = f"{folder}/incoming/files/slow"
    site.sender.write("/root/batch", "put /root/whole slow\n")
    login = ("-i", "/root/land-kamailio", "-o", "IdentitiesOnly=yes", "-b", "/root/batch")
    sending = site.sender.start(["sftp", "-l", "400", *login, "land-kamailio@backup1"])
    try:
        end = time.monotonic() + 20
        while host.run(["test", "-s", arriving], check=False).returncode != 0:
            assert time.monotonic() < end, "nothing arrives"
            time.sleep(0.05)
        told = collect(host, folder, "slow")
        assert told["new"] == [] and any("open for writing" in reason for reason in told["waits"]), told
        # As if sshd kept files open that nobody writes any more. Its handle still writes, and no name comes near it.
        (place,) = collect(host, folder, "slow", "sshd", "sshd-session")["new"]
        assert host.output(["stat", "-c", "%a %U", place]) == "400 root" and not host.exists(arriving)
        said = site.sftp("land-kamailio", f"chmod 666 ../taken/{place.split('/')[-2]}/0").stderr.decode()
        assert any(one in said for one in REFUSALS), said
        assert sending.wait(30) == 0
    finally:
        sending.kill()
    # it was written to after it was taken, so its sender got it back, and it is taken as it is now
    told = collect(host, folder, "slow")
    (whole,) = told["new"]
    assert told["old"] == [] and whole != place and not host.exists(place)
    assert host.output(["sha256sum", whole]).split()[0] == site.sender.output("sha256sum /root/whole").split()[0]
    claim = whole.split("/")[-2]
    for line in ("reput /root/whole slow", f"rename ../taken/{claim}/0 slow", f"put /root/half ../taken/{claim}/0"):
        assert site.sftp("land-kamailio", line).returncode != 0, line
    assert host.output(["stat", "-c", "%s %a %U", whole]) == "300000 400 root" and not host.exists(arriving)


def test_there_is_no_shell_no_forwarding_and_no_other_program(site: Site) -> None:
    ssh = ["ssh", "-i", "/root/land-kamailio", "-o", "IdentitiesOnly=yes", "-o", "ExitOnForwardFailure=yes"]
    target = "land-kamailio@backup1"
    assert b"sftp connections only" in site.sender.run([*ssh, target, "id"], check=False).stdout
    for forward in (("-N", "-R", "9999:127.0.0.1:22"), ("-T", "-W", "127.0.0.1:22")):
        done = site.sender.run(["timeout", "5", *ssh, *forward, target], check=False)
        assert done.returncode not in (0, 124), done
    assert site.sender.run(["scp", *ssh[1:], "-O", "/root/half", f"{target}:x"], check=False).returncode != 0
    assert site.sender.run(["scp", *ssh[1:], "/root/half", f"{target}:x"], check=False).returncode == 0


def test_only_the_right_key_password_and_address_let_in(site: Site) -> None:
    assert site.sftp("land-kamailio", "pwd").returncode == 0
    assert site.sftp("land-kamailio", "pwd", sender=site.stranger).returncode == 0
    other = make_keypair()
    site.stranger.write("/root/land-kamailio", other.private, 0o600)
    assert b"Permission denied (publickey)" in site.sftp("land-kamailio", "pwd", sender=site.stranger).stderr
    # the password is right, the address is not
    assert b"Permission denied" in site.sftp("land-starface", "pwd", sender=site.stranger).stderr
    site.sender.write("/root/say-password", "#!/bin/sh\necho wrong\n", 0o700)
    try:
        assert b"Permission denied" in site.sftp("land-starface", "pwd").stderr
    finally:
        site.sender.write("/root/say-password", f"#!/bin/sh\necho {SFTP_PASSWORD}\n", 0o700)
    # an account that is for SMB
    assert b"Permission denied" in site.sftp("land-smb", "pwd").stderr


def test_a_full_disk_is_told_and_takes_nothing_along(site: Site) -> None:
    site.sender.run("head -c 90000000 /dev/zero >/root/huge")
    done = site.sftp("land-kamailio", "put /root/half good", "put /root/huge huge")
    assert done.returncode != 0
    folder = "/srv/landing/kamailio.bonn/incoming/files"
    assert site.backup_host.output(f"stat -c %s {folder}/good") == "100000"
    site.backup_host.run(f"rm {folder}/huge")


# What smbclient calls "reput" goes wrong in Debian 12: it writes the rest to the beginning.
RESUME = """
import sys, smbclient
smbclient.register_session(sys.argv[1], username="land-smb", password=sys.stdin.read(), encrypt=True)
with smbclient.open_file(rf"\\\\{sys.argv[1]}\\starface-hamburg\\a.part", mode="r+b") as part:
    part.seek(100000)
    part.write(open("/root/whole", "rb").read()[100000:])
"""


# --- SMB --------------------------------------------------------------------------------------------------------------
def test_a_share_takes_resumes_and_renames_encrypted_and_from_its_sender_only(site: Site) -> None:
    sent = site.smb("starface-hamburg", "put /root/half a.part; mkdir d")
    assert sent.returncode == 0, sent.stdout
    site.sender.run([sys.executable, "-c", RESUME, "backup1"], input=SMB_PASSWORD)
    assert site.smb("starface-hamburg", "rename a.part a.sar").returncode == 0
    arrived = "/srv/landing/starface-hamburg/incoming/files/a.sar"
    assert site.backup_host.output(f"stat -c '%a %U %s' {arrived}") == "600 land-smb 300000"
    assert site.backup_host.output(f"sha256sum <{arrived}") == site.sender.output("sha256sum </root/whole")
    assert site.smb("starface-hamburg", "ls", "--client-protection=encrypt").returncode == 0
    clear = ("-m", "NT1", "--option=client min protocol=NT1")
    assert b"negotiation failed" in site.smb("starface-hamburg", "ls", *clear).stdout
    assert site.sender.run(["smbclient", "-N", "//backup1/starface-hamburg", "-c", "ls"], check=False).returncode != 0
    login = ["smbclient", "//backup1/starface-hamburg", "-A", "/root/smb-login", "-c", "ls"]
    assert b"ACCESS_DENIED" in site.stranger.run(login, check=False).stdout


def test_a_share_shows_nothing_of_others_and_nothing_that_was_taken(site: Site) -> None:
    host, folder = site.backup_host, "/srv/landing/starface-hamburg"
    plant(host, folder, "land-smb")
    out_of_reach = (f"{folder}/taken", f"{folder}/incoming/files/kept", "/srv/landing/starface-berlin")
    before = host.fingerprint(*out_of_reach)
    for share in ("starface-berlin", "homes", "land-smb", "print$", "IPC$"):
        assert site.smb(share, "ls").returncode != 0, share
    for command in (
        "get ../../taken/generation /root/got",
        "put /root/half ../../taken/generation",
        "put /root/half kept",
        "rename kept gone",
        "symlink /srv/landing link",
        "get ../../../starface-berlin/incoming/files/backup.sar /root/got",
    ):
        assert site.smb("starface-hamburg", command).returncode != 0, command
    assert b"ACCESS_DENIED" in site.smb("starface-hamburg", "rm kept").stdout
    assert host.fingerprint(*out_of_reach) == before
    assert not host.exists(f"{folder}/incoming/files/link")
    assert not site.sender.exists("/root/got")


def test_a_share_of_the_same_name_and_a_server_that_says_something_else_are_refused(site: Site) -> None:
    file = "/etc/samba/smb.conf"
    for lines, words in (
        ("[starface-hamburg]\npath = /tmp\n", "One of both needs another name"),
        ("[global]\nserver min protocol = NT1\n", "and that is what holds"),
    ):
        site.backup_host.run(f"cp -p {file} /root/smb.conf && cat >>{file}", input=lines)
        try:
            refused = site.play(tasks="smb")
        finally:
            site.backup_host.run(f"mv /root/smb.conf {file} && smbcontrol smbd reload-config")
        assert not refused.passed
        assert words in refused.output


def test_a_new_password_is_a_change_that_check_mode_sees(site: Site) -> None:
    other = {"smb_password": "another-long-password"}
    accounts = [{**one, **other} if "smb_password" in one else one for one in site.accounts]
    expected = ["ucops.recovery.backup_host : Set the passwords"]
    assert changed(site.play("--check", accounts=accounts, tasks="smb")) == expected
    assert site.smb("starface-hamburg", "ls").returncode == 0
    assert changed(site.play(accounts=accounts, tasks="smb")) == expected
    assert b"LOGON_FAILURE" in site.smb("starface-hamburg", "ls").stdout
    assert changed(site.play(tasks="smb")) == expected


# --- NFS --------------------------------------------------------------------------------------------------------------
def test_an_export_is_there_for_its_appliance_and_whoever_writes_is_the_account(site: Site) -> None:
    log = site.backup_host.read("/var/log/ganesha.log").decode()
    assert not [line for line in log.splitlines() if "Config File" in line or "CRIT :Lookup failed" in line], log
    folder = "/srv/landing/ejbca/incoming/files"
    site.backup_host.write(f"{folder}/seen.tar", "x", 0o644)
    url = "nfs://backup1/ejbca?version=4"
    listed = site.sender.run(["nfs-ls", url])
    assert b"seen.tar" in listed.stdout
    assert site.stranger.run(["nfs-ls", url], check=False).returncode != 0
    # The client of Debian 12 makes files by NFS 4, and cannot write into them. For 90 s after its start the server lets
    # nobody make any: who had files open before comes first.
    end = time.monotonic() + 150
    while time.monotonic() < end and not site.backup_host.exists(f"{folder}/made"):
        site.sender.run(["nfs-cp", "/root/half", "nfs://backup1/ejbca/made?version=4"], check=False)
        time.sleep(1)
    assert site.backup_host.output(f"stat -c %U {folder}/made") == "land-ejbca"


# --- a host where nothing is installed yet ---------------------------------------------------------------------------
def test_check_mode_passes_where_no_server_is_installed_yet(site: Site) -> None:
    site.stranger.run("rm -rf /etc/samba /etc/ganesha")
    site.controller.describe(site.stranger, ansible_python_interpreter="/usr/bin/python3")
    given = {**VARIABLES, "backup_host_manage_packages": False, "backup_host_landing_accounts": site.accounts}
    role = ROLE.format(tasks="main").replace("backup1", "stranger")
    checked = site.controller.play(role, "--check", variables=given)
    assert checked.passed, checked.output
    assert len(changed(checked)) > 5
    assert not site.stranger.exists("/srv/recovery")


# --- an account that goes ---------------------------------------------------------------------------------------------
def test_who_is_not_declared_any_more_has_no_way_in(site: Site) -> None:
    rest = [one for one in site.accounts if one["account"] != "land-kamailio"]
    gone = site.play(accounts=rest)
    assert gone.passed, gone.output
    site.stranger.write("/root/land-kamailio", site.keys["land-kamailio"].private, 0o600)
    assert b"Permission denied" in site.sftp("land-kamailio", "pwd").stderr
    assert not site.backup_host.exists("/etc/ssh/ucops-landing-keys/land-kamailio")
    assert site.backup_host.exists("/srv/landing/kamailio.bonn/incoming/files")
