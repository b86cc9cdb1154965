# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Linux host: its system configuration, an application's files and commands; destroyed, and put back exactly."""

from __future__ import annotations

from typing import Any

import pytest

from lab.controller import Controller
from lab.host import Host, User
from lab.hosts import Fleet
from lab.recovery import REPOSITORY, Recovery, result_of

PASSWORD = "Login-Geheim-5"
AS_OPS = {"username": "ops", "password": PASSWORD, "become": True, "become_password": PASSWORD}
"""The login that reads and writes: nobody special, with sudo that asks for the password."""

JOURNAL = "/root/switchboard.log"
RUNNING = "/root/switchboard.runs"
PRODUCT: dict[str, Any] = {
    "paths": [
        {"name": "app", "path": ["/etc/app"], "exclude": ["*.tmp"]},
        {"name": "voices", "path": ["/srv/voices/*.wav"], "data_class": "user_data"},
        {"name": "extras", "path": ["/etc/extras"], "required": False},
    ],
    "commands": [
        {"name": "uname", "argv": ["uname", "-sr"]},
        {"name": "license", "argv": ["cat", "/etc/app/license"], "sentinel": "-- end of license"},
    ],
    "services": [
        {
            "name": "switchboard",
            "start": ["sh", "-c", f"echo start >>{JOURNAL}; touch {RUNNING}"],
            "stop": ["sh", "-c", f"echo stop >>{JOURNAL}; rm -f {RUNNING}"],
            "status": ["test", "-e", RUNNING],
        }
    ],
    # Not what the machine that runs the tests has of these: it may be much.
    "skip": ["package-sources"],
}
TREES = (
    *("/etc/app", "/srv/voices", "/etc/cron.d", "/etc/sysctl.d", "/etc/sudoers.d", "/etc/systemd/system"),
    *("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/hosts", "/etc/ssh", "/root/.ssh/authorized_keys"),
)

MAKE = r"""
set -e
mkdir -p /etc/app/conf.d "/etc/app/Ansage Büro" /srv/voices /etc/systemd/system/app.service.d
cd /etc/app
echo 'port = 5060' >app.conf
printf 'name: Köln\n-- end of license\n' >license
echo 'rule 1' >conf.d/10-first; echo 'rule 2' >conf.d/20-second
chgrp daemon conf.d; chmod 2750 conf.d; setfacl -d -m u:daemon:r-x conf.d; setfacl -m u:daemon:r-- conf.d/10-first
echo secret >private; chmod 600 private; chown daemon:daemon private; setfattr -n user.note -v ja private
ln -s conf.d/10-first first; ln -s /nowhere/at/all dangling; ln app.conf app.hard; mkfifo -m 620 control; : >empty
echo hallo >"Ansage Büro/Begrüßung
zwei Zeilen"
echo volatile >cache.tmp
head -c 700000 /dev/urandom >/srv/voices/welcome.wav; head -c 1000 /dev/urandom >/srv/voices/other.ogg
touch -d '2001-02-03 04:05:06.789' conf.d app.conf
echo '* * * * * root true' >/etc/cron.d/app
echo 'net.ipv4.ip_forward = 1' >/etc/sysctl.d/app.conf
printf '[Service]\nRestart=always\n' >/etc/systemd/system/app.service.d/override.conf
echo 'ops ALL=(daemon) NOPASSWD: ALL' >/etc/sudoers.d/zz-app; chmod 440 /etc/sudoers.d/zz-app
"""
MAKE_LATIN = "open(b'/etc/app/latin1-\\xfc.txt', 'wb').write(b'x')"

DESTROY = r"""
set -e
rm -rf /etc/app/conf.d /etc/app/license /etc/app/first /srv/voices /etc/systemd/system/app.service.d
chmod 644 /etc/app/private; chown root:root /etc/app/private; setfattr -x user.note /etc/app/private
rm /etc/app/app.hard; echo 'port = 5061' >/etc/app/app.hard
rm /etc/app/empty; mkdir /etc/app/empty; echo junk >/etc/app/empty/junk
echo evil >/etc/cron.d/miner; rm /etc/cron.d/app
sed -i s/1/0/ /etc/sysctl.d/app.conf
chmod 600 /etc/sudoers.d/zz-app
useradd -M intruder
echo '6.6.6.6 update.example' >>/etc/hosts
echo 'PermitEmptyPasswords yes' >>/etc/ssh/sshd_config
echo 'ssh-ed25519 AAAA intruder' >>/root/.ssh/authorized_keys
"""


@pytest.fixture(scope="module")
def recovery(controller: Controller) -> Recovery:
    return Recovery.create(controller)


@pytest.fixture(scope="module")
def host(fleet: Fleet, controller: Controller) -> Host:
    host = fleet.add("server", users=[User("ops", PASSWORD, sudo="password")])
    host.run(MAKE)
    host.run(["python3", "-c", MAKE_LATIN])
    host.run(["touch", RUNNING])
    controller.meet()
    return host


def reach(recovery: Recovery, host: Host) -> dict[str, Any]:
    return {**recovery.reach(host), **PRODUCT, **AS_OPS, "private_key_file": None}


@pytest.fixture(scope="module")
def before(host: Host, recovery: Recovery) -> str:
    """What the host was when its first generation was made."""
    fingerprint = host.fingerprint(*TREES)
    extract = {"generation": "server/linux/1", "dest": "/root/extracted", **recovery.unlocked()}
    play = recovery.run_each(
        {
            "first": ("linux_backup", reach(recovery, host)),
            "second": ("linux_backup", reach(recovery, host)),
            "extract": ("generation_extract", extract),
        }
    )
    first, second = play.result("first"), play.result("second")
    assert first["status"] == second["status"] == "ok", play.output
    assert (first["generation"]["status"], first["generation"]["missing"]) == ("complete", [])
    assert first["changed"] is True and second["changed"] is False, second["generation"]["changed_items"]
    assert host.fingerprint(*TREES) == fingerprint
    return fingerprint


def test_a_generation_holds_configuration_commands_and_packages(
    before: str, host: Host, recovery: Recovery, controller: Controller
) -> None:
    there = controller.backup_host
    assert there.read("/root/extracted/etc/app/license") == host.read("/etc/app/license")
    assert there.read("/root/extracted/etc/shadow") == host.read("/etc/shadow")
    assert there.read("/root/extracted/@command/uname") == host.run(["uname", "-sr"]).stdout
    assert b"\ntar\t" in there.read("/root/extracted/@packages/packages")
    assert there.exists("/root/extracted/srv/voices/welcome.wav")
    assert not there.exists("/root/extracted/srv/voices/other.ogg")
    assert not there.exists("/root/extracted/etc/app/cache.tmp")
    assert not there.exists("/root/extracted/etc/extras")


def test_destroyed_pieces_come_back_exactly_and_once(before: str, host: Host, recovery: Recovery) -> None:
    other = host.read("/srv/voices/other.ogg")
    host.run(DESTROY)
    # Outside of what was asked for, and so nobody's business.
    host.run(["mkdir", "/srv/voices"])
    host.write("/srv/voices/other.ogg", other)
    host.run("setfattr -n user.gained -v later /etc/app")
    host.run(["rm", "-f", JOURNAL])
    destroyed = host.fingerprint(*TREES)
    assert destroyed != before

    restore = {**reach(recovery, host), **recovery.unlocked(), "generation": "server/linux/1"}
    look = recovery.run("linux_restore", "--check", "--diff", **restore)
    assert look.passed, look.output
    plan = result_of(look)["plan"]
    assert result_of(look)["changed"] is True and "pre_restore" not in result_of(look)
    assert {"action": "write", "path": "/etc/app/license"} in plan["changes"]["app"]
    assert {"action": "remove", "path": "/etc/cron.d/miner"} in plan["changes"]["cron"]
    assert {"action": "metadata", "path": "/etc/sudoers.d/zz-app"} in plan["changes"]["users"]
    assert "cron: remove /etc/cron.d/miner" in look.output
    assert plan["stop_and_start"] == ["switchboard"]
    assert host.fingerprint(*TREES) == destroyed and not host.exists(JOURNAL)

    play = recovery.run_each({"restore": ("linux_restore", restore), "again": ("linux_restore", restore)})
    restored, again = play.result("restore"), play.result("again")
    assert restored["status"] == "ok", restored
    assert set(restored["restored_items"]) == {"users", "network", "kernel", "ssh", "services", "cron", "app", "voices"}
    assert restored["pre_restore"] == "server/linux/3"
    now = host.fingerprint(*TREES).splitlines()
    # The folder of the glob belongs to nobody: its times are those of its new making.
    there = [line for line in before.splitlines() if not line.endswith("/srv/voices") and "other.ogg" not in line]
    assert [line for line in there if line not in now] == []
    assert [line for line in now if "intruder" in line or "miner" in line or "junk" in line or "gained" in line] == []
    assert len(now) == len(before.splitlines())
    assert host.read(JOURNAL) == b"stop\nstart\n"
    assert again["status"] == "ok" and again["changed"] is False, again["plan"]


def test_the_latest_is_what_was_backed_up_and_not_what_was_put_aside(
    before: str, host: Host, recovery: Recovery
) -> None:
    host.run("echo 'port = 666' >/etc/app/app.conf")
    only = {"only_items": ["app"]}
    restore = {**reach(recovery, host), **recovery.unlocked(), **only}
    play = recovery.run_each({"restore": ("linux_restore", restore), "again": ("linux_restore", restore)})
    assert play.result("restore")["generation"] == play.result("again")["generation"] == "server/linux/2"
    assert (play.result("restore")["changed"], play.result("again")["changed"]) == (True, False)
    assert host.read("/etc/app/app.conf") == b"port = 5060\n"


def test_single_items_and_paths(before: str, host: Host, recovery: Recovery) -> None:
    app = host.fingerprint("/etc/app")
    cron = host.fingerprint("/etc/cron.d")
    host.run("echo evil >/etc/cron.d/miner; rm /etc/cron.d/app; rm -r /etc/app/conf.d; rm /etc/app/license")
    host.run("mkdir /etc/app/conf.d; echo rule 3 >/etc/app/conf.d/30-third; echo more >/etc/app/more")
    restore = {**reach(recovery, host), **recovery.unlocked(), "pre_restore": "best_effort"}
    play = recovery.run_each(
        {
            "unknown item": ("linux_restore", {**restore, "only_items": ["crom"]}),
            "unknown path": ("linux_restore", {**restore, "only_paths": ["/etc/nothing/here"]}),
            "item": ("linux_restore", {**restore, "only_items": ["cron"]}),
        }
    )
    for name, words in (("unknown item", "no item crom"), ("unknown path", "nothing at or under these paths")):
        refused = play.result(name)
        assert (refused["status"], refused["error"]) == ("failed", "RestoreRefused")
        assert refused["msg"].startswith(f"{host.address}: ") and words in refused["msg"], refused["msg"]
    assert play.result("item")["restored_items"] == ["cron"]
    assert host.fingerprint("/etc/cron.d") == cron
    assert host.exists("/etc/app/more") and not host.exists("/etc/app/license")

    play = recovery.run_each({"path": ("linux_restore", {**restore, "only_paths": ["/etc/app/conf.d"]})})
    assert play.result("path")["restored_items"] == ["app"], play.result("path")
    assert set(host.fingerprint("/etc/app/conf.d").splitlines()) <= set(app.splitlines())
    assert not host.exists("/etc/app/conf.d/30-third")
    assert host.exists("/etc/app/more") and not host.exists("/etc/app/license")


def test_another_host_gets_it_only_when_that_is_said(before: str, host: Host, fleet: Fleet, recovery: Recovery) -> None:
    spare = fleet.add("spare", users=[User("ops", PASSWORD, sudo="password")])
    recovery.controller.meet()
    untouched = spare.fingerprint("/etc")
    only = {"only_items": ["app", "voices"], "generation": "server/linux/1"}
    restore = {**reach(recovery, spare), **recovery.unlocked(), **only}
    replaced = {**restore, "source": "server", "host": spare.address}
    play = recovery.run_each(
        {
            "another source": ("linux_restore", restore),
            "another machine": ("linux_restore", replaced),
        }
    )
    named = play.result("another source")
    assert (named["status"], named["error"]) == ("failed", "OptionInvalid")
    assert "server/linux/1 is a generation of server/linux, not of spare/linux" in named["msg"]
    mismatch = play.result("another machine")
    assert (mismatch["status"], mismatch["error"]) == ("failed", "HostMismatch")
    for part in (f"{spare.address}: ", "comes from another host", "Nothing was touched", "allow_different_host: true"):
        assert part in mismatch["msg"], mismatch["msg"]
    assert spare.fingerprint("/etc") == untouched

    allowed = {**restore, "allow_different_host": True, "pre_restore": "best_effort"}
    play = recovery.run_each({"allowed": ("linux_restore", allowed)})
    result = play.result("allowed")
    assert result["status"] == "ok", result
    assert result["restored_items"] == ["app", "voices"]
    assert result["pre_restore"] == "spare/linux/1"
    assert any("comes from another host" in warning for warning in result["plan"]["warnings"])
    now = spare.fingerprint("/etc/app")
    there = [line for line in before.splitlines() if "/etc/app" in line]
    assert [line for line in there if "cache.tmp" not in line and line not in now.splitlines()] == []
    assert spare.exists("/srv/voices/welcome.wav")


def test_what_is_demanded_and_not_there_makes_it_partial(host: Host, recovery: Recovery) -> None:
    one = {**reach(recovery, host), "system_config": False, "commands": None, "services": None}

    def backup(source: str, *paths: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
        own = [{"name": "app", "path": ["/etc/app"]}, *paths]
        return "linux_backup", {**one, "source": source, "host": host.address, "paths": own, **more}

    gone = {"name": "gone", "path": ["/etc/gone", "/etc/gone-too"]}
    play = recovery.run_each(
        {
            "demanded": backup("demanded", gone),
            "optional": backup("optional", {**gone, "required": False}),
            "glob": backup("glob", {"name": "calls", "path": ["/var/spool/calls/*.wav"]}),
            "program": backup("program", commands=[{"name": "trunks", "argv": ["no-such-program"]}]),
            "list": ("generation_info", {"source": "demanded"}),
        }
    )
    for source, item in (("demanded", "gone"), ("glob", "calls"), ("program", "trunks")):
        result = play.result(source)
        assert (result["status"], result["error"]) == ("failed", "BackupIncomplete"), result
        assert f"{host.address}: The linux backup is not complete: {item}: demanded, but not found" in result["msg"]
        assert "kept as a partial generation" in result["msg"]
        assert (result["generation"]["status"], result["generation"]["missing"]) == ("partial", [item])
    assert play.result("optional")["status"] == "ok"
    assert play.result("optional")["generation"]["status"] == "complete"
    (listed,) = play.result("list")["generations"]
    assert (listed["id"], listed["status"], listed["missing"]) == ("demanded/linux/1", "partial", ["gone"])


def test_check_mode_writes_nothing(host: Host, recovery: Recovery, controller: Controller) -> None:
    def files() -> str:
        return controller.backup_host.output(f"find {REPOSITORY} -type f -printf '%P %s %T@\\n' | sort")

    host.run("echo 'rule 4' >/etc/app/conf.d/40-fourth; echo '-- end of license' >/etc/app/license")
    kept = files()
    play = recovery.run("linux_backup", "--check", **reach(recovery, host))
    assert play.passed, play.output
    result = result_of(play)
    assert result["changed"] is True and result["generation"]["id"] is None
    assert "app" in result["generation"]["changed_items"]
    assert files() == kept


def test_all_of_it_is_authentic_at_the_end(recovery: Recovery) -> None:
    play = recovery.verify()
    assert play.passed and result_of(play)["verdict"] == "authentic", play.output


def test_a_volume_that_was_mounted_since_and_what_was_left_out_are_not_emptied(
    before: str, host: Host, recovery: Recovery
) -> None:
    host.mount_tmpfs("/etc/app/volume", "1m")
    host.run("echo kept >/etc/app/volume/file; echo volatile >/etc/app/later.tmp; echo evil >/etc/app/later")
    paths = [{**one, "exclude": []} if one["name"] == "app" else one for one in PRODUCT["paths"]]
    options = {**reach(recovery, host), **recovery.unlocked(), "paths": paths, "only_items": ["app"]}
    play = recovery.run_each({"restore": ("linux_restore", {**options, "generation": "server/linux/1"})})
    restored = play.result("restore")
    assert restored["status"] == "ok", restored
    removed = {one["path"] for one in restored["plan"]["changes"]["app"] if one["action"] == "remove"}
    assert "/etc/app/later" in removed and not {path for path in removed if "volume" in path or ".tmp" in path}
    told = "did not look at /etc/app/cache.tmp, /etc/app/later.tmp, /etc/app/volume;"
    assert any(told in warning for warning in restored["plan"]["warnings"]), restored["plan"]["warnings"]
    assert host.read("/etc/app/volume/file") == b"kept\n" and host.exists("/etc/app/later.tmp")
    assert not host.exists("/etc/app/later")


def test_a_large_file_that_nobody_wrote_to_does_not_leave_the_host_again(host: Host, recovery: Recovery) -> None:
    """One that is older than a minute: of the machine, since this host was made a moment ago."""
    find = "find /usr -xdev -type f -links 1 -size +1000k -cmin +1 | grep -E '^[A-Za-z0-9/._-]*$' | head -n 1"
    path = host.output(["sh", "-c", find]).strip()
    assert path, "no large file below /usr is older than a minute"
    size = int(host.output(["stat", "-c", "%s", path]))
    options = {
        **reach(recovery, host),
        "source": "recorder",
        "system_config": False,
        "paths": [{"name": "large", "path": [path]}],
        "commands": [],
        "services": [],
    }
    play = recovery.run_each(
        {
            "first": ("linux_backup", options),
            "second": ("linux_backup", options),
            "all": ("linux_backup", {**options, "reread_days": 0}),
            "verify": ("repository_verify", {"level": 2, **recovery.unlocked()}),
            "extract": (
                "generation_extract",
                {"generation": "recorder/linux/2", "dest": "/root/unread", **recovery.unlocked()},
            ),
        }
    )
    read = {name: play.result(name)["generation"]["bytes_read"] for name in ("first", "second", "all")}
    assert read["second"] == read["first"] - size < size <= read["all"] == read["first"]
    assert [play.result(name)["changed"] for name in ("first", "second", "all")] == [True, False, False]
    (note,) = [one for one in play.result("second")["notes"] if "not read again" in one]
    assert note.startswith(f"1 large file was not read again ({size} bytes)")
    assert not [one for name in ("first", "all") for one in play.result(name)["notes"] if "not read again" in one]
    assert play.result("verify")["verdict"] == "authentic", play.result("verify")
    copy = recovery.controller.backup_host.output(["sha256sum", f"/root/unread{path}"])
    assert copy.split()[0] == host.output(["sha256sum", path]).split()[0]
