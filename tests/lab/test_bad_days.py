# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad days: what goes wrong is told once and clearly, nothing is lost, and nothing half counts as complete."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.controller import Controller, Play
from lab.host import Host, User
from lab.hosts import Fleet, make_keypair
from lab.kamailio import install
from lab.recovery import REPOSITORY, SECRET, Recovery, result_of

PASSWORD = "Login-Geheim-5"
WRONG_PASSWORD = "Login-Falsch-6"
WRONG_SUDO_PASSWORD = "Sudo-Falsch-8"
WRONG_PASSPHRASE = "Schluessel-Falsch-3"
WRONG_SECRET = "Falsches-Domain-Master-Secret-1"
FOLDER = "/etc/app"
APP: dict[str, Any] = {"system_config": False, "paths": [{"name": "app", "path": [FOLDER]}]}
AS_OPS = {"username": "ops", "password": PASSWORD, "private_key_file": None}
"""A login without the right to read everything; sudo asks for its password."""

COPY = "/srv/last-week"
Tasks = dict[str, tuple[str, dict[str, Any]]]


def fill(host: Host, folder: str = FOLDER, size: int = 300_000) -> None:
    """Files of an application: a small one, a large one that cannot be compressed, and one for root only."""
    host.run(
        f"mkdir -p {folder} && cd {folder} && echo 'port = 5060' >app.conf && echo 'key' >private"
        f" && chmod 600 private && head -c {size} /dev/urandom >data"
    )


def contents(host: Host, folder: str) -> str:
    """Every file below a folder with its hash."""
    return host.output(f"cd {folder} && find . -type f -print0 | sort -z | xargs -0r sha256sum")


def wait_for(happened: Callable[[], bool], what: str, timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)


class Background(threading.Thread):
    """A play that runs while the test goes on."""

    def __init__(self, work: Callable[[], Play]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._play: Play | None = None
        self.start()

    def run(self) -> None:
        self._play = self._work()

    def play(self) -> Play:
        """Its end."""
        self.join(120)
        assert self._play is not None, "the play did not end"
        return self._play


def one_message(result: dict[str, Any], kind: str, *parts: str) -> str:
    """The result of a failed task has one message, on one line, with all these parts, and nothing of our insides."""
    assert result["status"] == "failed", result
    assert result["error"] == kind, result
    for part in parts:
        assert part in result["msg"], result["msg"]
    assert "\n" not in result["msg"] and "Traceback" not in json.dumps(result)
    assert "exception" not in result or "Traceback" not in result["exception"]
    return str(result["msg"])


@pytest.fixture(scope="module")
def recovery(controller: Controller) -> Recovery:
    return Recovery.create(controller)


@pytest.fixture(scope="module")
def backup_host(controller: Controller) -> Host:
    return controller.backup_host


@pytest.fixture(scope="module")
def pbx(fleet: Fleet, controller: Controller, recovery: Recovery) -> Host:
    """A host with one complete generation, which nothing of what follows may cost us."""
    host = fleet.add("pbx", users=[User("ops", PASSWORD, sudo="password"), User("guest", PASSWORD)])
    fill(host)
    controller.meet()
    first = recovery.back_up(host, product="linux", **APP)
    assert first.passed, first.output
    assert result_of(first)["generation"]["status"] == "complete"
    controller.backup_host.run(["cp", "-a", REPOSITORY, COPY])
    return host


@pytest.fixture(scope="module")
def original(pbx: Host) -> str:
    return contents(pbx, FOLDER)


# --- refused before anything is read or written -----------------------------------------------------------------------
REFUSED = {
    "wrong password": ("AuthenticationFailed", "pbx", "refuses the login of ops", "Check the user name and the cred"),
    "wrong passphrase": ("AuthenticationFailed", "pbx", "/root/locked", "passphrase", "Check private_key_passphrase"),
    "unknown host key": ("HostKeyUnknown", "pbx", "ssh-ed25519 SHA256:", "/root/empty", "Compare it with the key on"),
    "pinned other key": ("HostKeyMismatch", "pbx", "host_key says ssh-ed25519 SHA256:", "compare with the key on"),
    "changed host key": ("HostKeyMismatch", "reborn", "/root/.ssh/known_hosts says", "compare with the key on its"),
    "connection refused": ("ConnectionFailed", "refusing", "Port 22", "Connection refused", "does sshd listen there?"),
    "black hole": ("DeadlineExceeded", "hole", "did not answer within 2 s", "does a firewall let us in?"),
    "wrong sudo password": ("PrivilegeFailed", "pbx", "sudo refused the password", "Check become_password"),
    "no sudo password": ("PrivilegeFailed", "pbx", "sudo asks for a password", "Set become_password"),
    "no right to sudo": ("PrivilegeFailed", "pbx", "may not become root", "Allow it in sudoers"),
    "restore: wrong secret": ("WrongKey", "", "does not open this repository", "Is it the one of this repository"),
    "extract: wrong secret": ("WrongKey", "", "does not open this repository", "Is it the one of this repository"),
    "restore: no allowed_signers": ("OptionInvalid", "", "needs allowed_signers", "Give the text that ucops.recovery"),
    "restore: stranger's allowed_signers": ("NotAuthentic", "", "keys/keyring.json", "SHA256:", "recovery card"),
}
"""Task -> kind of error, host that it names, and words of its message."""


@pytest.fixture(scope="module")
def refusals(fleet: Fleet, pbx: Host, recovery: Recovery, backup_host: Host) -> tuple[Play, str, str]:
    """The play with all of them, and the repository's files before and after."""
    others = {name: fleet.add(name) for name in ("reborn", "refusing", "hole")}
    recovery.controller.meet()
    others["reborn"].change_host_key()
    others["refusing"].reset()
    others["hole"].swallow()
    backup_host.write("/root/locked", make_keypair("the right one").private, 0o600)
    backup_host.write("/root/empty", "")
    stranger = f'owner namespaces="ucops-recovery-keyring,ucops-recovery-commit" {make_keypair().public}\n'
    pinned = {"known_hosts_file": None, "host_key": others["hole"].host_key}

    def backup(host: Host, **options: Any) -> tuple[str, dict[str, Any]]:
        return "linux_backup", {**recovery.reach(host), **APP, **options}

    def restore(**options: Any) -> tuple[str, dict[str, Any]]:
        return "linux_restore", {**recovery.reach(pbx), **APP, **recovery.unlocked(), **options}

    extract = {"generation": "pbx/linux/1", "dest": "/root/nothing", **recovery.unlocked()}
    tasks: Tasks = {
        "wrong password": backup(pbx, **{**AS_OPS, "password": WRONG_PASSWORD}),
        "wrong passphrase": backup(pbx, private_key_file="/root/locked", private_key_passphrase=WRONG_PASSPHRASE),
        "unknown host key": backup(pbx, known_hosts_file="/root/empty"),
        "pinned other key": backup(pbx, **pinned),
        "changed host key": backup(others["reborn"]),
        "connection refused": backup(others["refusing"]),
        "black hole": backup(others["hole"], connect_timeout=2),
        "wrong sudo password": backup(pbx, **AS_OPS, become=True, become_password=WRONG_SUDO_PASSWORD),
        "no sudo password": backup(pbx, **AS_OPS, become=True),
        "no right to sudo": backup(pbx, **{**AS_OPS, "username": "guest"}, become=True, become_password=PASSWORD),
        "restore: wrong secret": restore(domain_master_secret=WRONG_SECRET),
        "extract: wrong secret": ("generation_extract", {**extract, "domain_master_secret": WRONG_SECRET}),
        "restore: no allowed_signers": restore(allowed_signers=None),
        "restore: stranger's allowed_signers": restore(allowed_signers=stranger),
    }
    before = contents(backup_host, REPOSITORY)
    play = recovery.run_each(tasks, "-vvvv")
    return play, before, contents(backup_host, REPOSITORY)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_in_one_clear_message(
    name: str, refusals: tuple[Play, str, str], fleet: Fleet
) -> None:
    kind, host, *parts = REFUSED[name]
    message = one_message(refusals[0].result(name), kind, *parts)
    assert not host or message.startswith(f"{fleet[host].address}: ")


def test_a_refusal_writes_nothing(refusals: tuple[Play, str, str], backup_host: Host, pbx: Host, original: str) -> None:
    play, before, after = refusals
    assert len(play.events) == len(REFUSED)
    assert before == after
    assert not backup_host.exists("/root/nothing")
    assert contents(pbx, FOLDER) == original


def test_a_refusal_shows_none_of_the_secrets_that_were_tried(refusals: tuple[Play, str, str]) -> None:
    tried = (PASSWORD, WRONG_PASSWORD, WRONG_SUDO_PASSWORD, WRONG_PASSPHRASE, WRONG_SECRET, SECRET)
    said = refusals[0].output + json.dumps(refusals[0].events)
    assert "refuses the login" in said
    assert [secret for secret in tried if secret in said] == []


# --- what is not whole is kept as partial -----------------------------------------------------------------------------
PARTIAL = {
    "denied": ("app", "/etc/app/private", "Permission denied"),
    "endless": ("endless", "/@command/endless", "wrote more than 16777216 bytes"),
    "failing": ("failing", "/@command/failing", "ended with exit status 3"),
    "cut": ("cut", "/@command/cut", "ends before its end"),
    "shrinking": ("app", "/etc/app/shrinking", "shrank"),
}
"""Source -> item, path and words of its one problem."""

SHRINK = """
import os, sys, time
size = 48 << 20
os.truncate(sys.argv[1], size)
while size > 4096:
    size -= 1024
    os.truncate(sys.argv[1], size)
    time.sleep(0.002)
"""
"""Takes a file back a little, again and again, for longer than anybody needs to read it; ends when it is removed."""


@pytest.fixture(scope="module")
def partials(recovery: Recovery, pbx: Host, original: str) -> Iterator[Play]:
    def backup(source: str, **options: Any) -> tuple[str, dict[str, Any]]:
        return "linux_backup", {**recovery.reach(pbx), **APP, "source": source, **options}

    def command(source: str, *argv: str, **more: str) -> tuple[str, dict[str, Any]]:
        return backup(source, commands=[{"name": source, "argv": argv, **more}])

    play = recovery.run_each(
        {
            "denied": backup("denied", **AS_OPS),
            "endless": command("endless", "yes"),
            "failing": command("failing", "sh", "-c", "echo half; exit 3"),
            "cut": command("cut", "echo", "half of it", sentinel="-- end"),
            "pbx": backup("pbx", **AS_OPS),
            "plan": ("linux_restore", {**recovery.reach(pbx), **APP, **recovery.unlocked()}),
        }
    )
    pbx.run(["touch", f"{FOLDER}/shrinking"])
    shrinking = pbx.start(["python3", "-c", SHRINK, f"{FOLDER}/shrinking"])
    wait_for(lambda: int(pbx.output(["stat", "-c", "%s", f"{FOLDER}/shrinking"])) > 2**20, "the file")
    disturbed = recovery.run_each({"shrinking": backup("shrinking")})
    assert shrinking.poll() is None, "the file was left alone before it was read"
    pbx.run(["rm", f"{FOLDER}/shrinking"])
    shrinking.wait(timeout=10)
    yield Play(play.code, play.output + disturbed.output, (*play.events, *disturbed.events))


@pytest.mark.parametrize("source", PARTIAL)
def test_what_is_not_whole_fails_the_task_is_named_and_kept(source: str, partials: Play, pbx: Host) -> None:
    item, path, words = PARTIAL[source]
    result = partials.result(source)
    one_message(result, "BackupIncomplete", f"{pbx.address}: ", f"{item}: {path}: ", words, "kept as a partial", "mend")
    generation = result["generation"]
    assert (generation["id"], generation["status"], generation["missing"]) == (f"{source}/linux/1", "partial", [item])
    assert [(each["item"], each["path"]) for each in generation["problems"]] == [(item, path)]
    assert words in generation["problems"][0]["message"]


def test_a_partial_generation_never_displaces_a_complete_one(partials: Play) -> None:
    assert partials.result("pbx")["generation"]["id"] == "pbx/linux/2"
    assert partials.result("pbx")["generation"]["status"] == "partial"
    assert partials.result("plan")["generation"] == "pbx/linux/1"


# --- a host that goes away --------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def vanishing(fleet: Fleet, recovery: Recovery) -> Host:
    host = fleet.add("vanishing")
    fill(host, size=4_000_000)
    fill(host, "/etc/small")
    recovery.controller.meet()
    return host


@pytest.fixture(scope="module")
def dark(fleet: Fleet, recovery: Recovery) -> Host:
    host = fleet.add("dark")
    fill(host)
    recovery.controller.meet()
    return host


def test_a_host_that_vanishes_in_the_middle_of_a_transfer(vanishing: Host, recovery: Recovery) -> None:
    host = vanishing
    paths = [{"name": "small", "path": ["/etc/small"]}, *APP["paths"]]
    host.silence(after=1_500_000)
    play = recovery.back_up(host, product="linux", **{**APP, "paths": paths}, silence_timeout=2)
    host.heal()
    result = result_of(play)
    story = (f"{host.address}: ", "app: ", "2 s", "kept as a partial generation", "mend the cause")
    one_message(result, "BackupIncomplete", *story)
    assert result["generation"]["status"] == "partial"
    assert result["generation"]["missing"] == ["app"]

    whole = recovery.back_up(host, product="linux", **{**APP, "paths": paths}, silence_timeout=10)
    assert whole.passed, whole.output
    assert result_of(whole)["generation"]["status"] == "complete"


def test_a_phone_system_that_vanishes_names_its_partial_generation(fleet: Fleet, recovery: Recovery) -> None:
    """Nothing is asked of a lost host any more, and the message is about the backup."""
    host = fleet.add("pbx-vanishes")
    install(host, "dbtext")
    host.run("head -c 4000000 /dev/urandom >/etc/kamailio/announcement.wav")
    recovery.controller.meet()
    host.silence(after=1_500_000)
    play = recovery.back_up(host, silence_timeout=2)
    host.heal()
    result = result_of(play)
    story = (f"{host.address}: ", "configuration: Nothing moved for 2 s", "not reached any more: startup, ")
    one_message(result, "BackupIncomplete", *story, "kept as a partial generation")
    assert result["generation"]["id"] == f"{host.name}/kamailio/1"
    assert result["generation"]["status"] == "partial"


def test_a_host_that_loses_its_power_in_the_middle_of_a_transfer(dark: Host, recovery: Recovery) -> None:
    host = dark
    waits = [{"name": "waits", "argv": ["sh", "-c", "echo begun; touch /root/gathering; sleep 100"]}]
    backup = Background(lambda: recovery.back_up(host, product="linux", **APP, commands=waits, silence_timeout=3))
    wait_for(lambda: host.exists("/root/gathering"), "the gathering")
    host.kill()
    result = result_of(backup.play())
    host.boot()
    one_message(result, "BackupIncomplete", f"{host.address}: ", "waits: ", "kept as a partial generation")
    assert result["generation"]["status"] == "partial"
    assert result["generation"]["missing"] == ["waits"]


def test_a_host_that_is_lost_before_anything_was_read_leaves_no_generation(dark: Host, recovery: Recovery) -> None:
    host = dark
    host.silence(after=1000)
    backup = {**recovery.reach(host), **APP, "source": "unread", "connect_timeout": 2}
    play = recovery.run_each(
        {"backup": ("linux_backup", backup), "list": ("generation_info", {"source": "unread"})},
    )
    host.heal()
    story = (f"{host.address}: ", "did not agree on keys within 2 s", "Look at the host")
    one_message(play.result("backup"), "DeadlineExceeded", *story)
    assert play.result("list")["generations"] == []


def test_a_host_that_vanishes_with_a_stopped_service_names_the_service(vanishing: Host, recovery: Recovery) -> None:
    host = vanishing
    host.run(["touch", "/root/running"])
    commands = {"start": ["touch", "/root/running"], "stop": ["rm", "/root/running"], "status": ["ls", "/root/running"]}
    stopping = {"services": [{"name": "switchboard", **commands}], "stop_services_for_backup": True}
    host.silence(after=1_500_000)
    play = recovery.back_up(host, product="linux", **APP, **stopping, silence_timeout=2, connect_timeout=5)
    host.heal()
    story = (f"{host.address}: ", "switchboard was stopped and cannot be started again", "start by hand")
    one_message(result_of(play), "CommandFailed", *story)
    assert not host.exists("/root/running")


# --- a repository without space, and one from last week ---------------------------------------------------------------
@pytest.fixture(scope="module")
def small(recovery: Recovery, backup_host: Host) -> Recovery:
    """A repository on a small disk."""
    backup_host.mount_tmpfs("/srv/small", "3m")
    return Recovery.create(recovery.controller, "/srv/small/repository", "/etc/ucops/small.json")


@pytest.fixture(scope="module")
def growing(fleet: Fleet, small: Recovery) -> Host:
    """A host with a generation in the small repository."""
    host = fleet.add("growing")
    fill(host)
    small.controller.meet()
    first = small.back_up(host, product="linux", **APP)
    assert first.passed, first.output
    return host


def test_a_full_repository_loses_nothing(growing: Host, small: Recovery, backup_host: Host) -> None:
    host = growing
    backup = ("linux_backup", {**small.reach(host), **APP})
    restore = {**small.reach(host), **APP, **small.unlocked()}
    good, kept = contents(host, FOLDER), contents(backup_host, small.repository)

    host.run(f"head -c 8000000 /dev/urandom >{FOLDER}/data")
    grown = contents(host, FOLDER)
    tasks: Tasks = {"full": backup, "restore": ("linux_restore", restore), "list": ("generation_info", {})}
    play = small.run_each(tasks)
    full = ("The repository at /srv/small/repository is full", "Nothing that was there is lost", "make room")
    one_message(play.result("full"), "RepositoryFull", *full)
    no_way_back = (f"{host.address}: ", "No whole pre_restore", "nothing was put back", "is full", "best_effort")
    one_message(play.result("restore"), "RestoreRefused", *no_way_back)
    assert contents(host, FOLDER) == grown
    assert [each["id"] for each in play.result("list")["generations"]] == ["growing/linux/1"]
    now = contents(backup_host, small.repository).splitlines()
    assert set(kept.splitlines()) <= set(now)
    assert [line for line in now if "/incoming/" in line] == []

    tasks = {
        "restore": ("linux_restore", {**restore, "pre_restore": "best_effort"}),
        "verify": ("repository_verify", {"level": 2, **small.unlocked()}),
        "again": backup,
    }
    play = small.run_each(tasks)
    assert play.result("restore")["restored_items"] == ["app"]
    assert contents(host, FOLDER) == good
    assert play.result("verify")["verdict"] == "authentic", play.result("verify")
    assert play.result("again")["generation"]["status"] == "complete"
    assert play.result("again")["open_restores"] == []


def test_a_repository_that_is_full_to_the_last_byte(growing: Host, small: Recovery, backup_host: Host) -> None:
    """Not even a record fits, so nothing on the host is touched; what it holds can be had all the same."""
    host = growing
    good = contents(host, FOLDER)
    host.run(f"echo 'port = 5061' >{FOLDER}/app.conf")
    changed = contents(host, FOLDER)
    kept = contents(backup_host, small.repository)
    backup_host.run("cat /dev/zero >/srv/small/ballast", check=False)
    reach = {**small.reach(host), **APP}
    tasks: Tasks = {
        "backup": ("linux_backup", reach),
        "restore": ("linux_restore", {**reach, **small.unlocked(), "pre_restore": "skip"}),
        "extract": ("generation_extract", {"generation": "growing/linux/1", "dest": "/root/out", **small.unlocked()}),
        "verify": ("repository_verify", {"level": 2, **small.unlocked()}),
    }
    play = small.run_each(tasks)
    for task in ("backup", "restore"):
        one_message(play.result(task), "RepositoryFull", "/srv/small/repository is full", "make room")
    assert contents(host, FOLDER) == changed
    assert contents(backup_host, f"/root/out{FOLDER}") == good
    assert play.result("verify")["verdict"] == "authentic", play.result("verify")
    assert contents(backup_host, small.repository) == kept

    backup_host.run("rm /srv/small/ballast")
    play = small.run_each({name: tasks[name] for name in ("backup", "restore", "verify")})
    assert play.result("backup")["generation"]["status"] == "complete"
    assert play.result("backup")["open_restores"] == []
    assert play.result("restore")["changed"] is False
    assert play.result("verify")["verdict"] == "authentic"


def test_a_repository_from_last_week_is_told_by_the_heads(
    recovery: Recovery, pbx: Host, original: str, backup_host: Host
) -> None:
    later = recovery.run_each({"backup": ("linux_backup", {**recovery.reach(pbx), **APP})})
    heads = {"pbx/linux": later.result("backup")["generation"]["head"]}
    put_back = f"mv {REPOSITORY} {REPOSITORY}.today && mv {COPY} {REPOSITORY}"
    backup_host.run(put_back)
    known = {**recovery.unlocked(), "expected_heads": heads}
    reach = {**recovery.reach(pbx), **APP}
    pbx.run(f"echo changed >{FOLDER}/app.conf")
    changed = contents(pbx, FOLDER)
    try:
        play = recovery.run_each(
            {
                "restore": ("linux_restore", {**reach, **known}),
                "extract": ("generation_extract", {"generation": "pbx/linux/1", "dest": "/root/nothing", **known}),
                "verify": ("repository_verify", {"level": 0, **known, "domain_master_secret": None}),
                "nothing known": ("repository_verify", {"level": 0, "allowed_signers": recovery.allowed_signers}),
            }
        )
        assert contents(pbx, FOLDER) == changed
    finally:
        backup_host.run(f"mv {REPOSITORY} {COPY} && mv {REPOSITORY}.today {REPOSITORY}")
        pbx.run(f"echo 'port = 5060' >{FOLDER}/app.conf")
    for task in ("restore", "extract"):
        story = ("The expected head of pbx/linux is not there any more", "look for another copy")
        one_message(play.result(task), "RolledBack", *story)
    assert play.result("verify")["verdict"] == "damaged"
    (finding,) = play.result("verify")["findings"]
    assert "pbx/linux" in json.dumps(finding), finding
    assert play.result("nothing known")["verdict"] == "authentic"
    assert contents(pbx, FOLDER) == original


# --- restores that do not come to their end ---------------------------------------------------------------------------
def test_a_target_without_space_is_put_back_as_it_was(fleet: Fleet, recovery: Recovery) -> None:
    host = fleet.add("tight")
    host.mount_tmpfs("/srv/app", "4m")
    fill(host, "/srv/app", size=1_000_000)
    host.run("head -c 1500000 /dev/urandom >/srv/app/voices")
    recovery.controller.meet()
    # What is excluded stays, and takes the space that the voices need.
    app = {"system_config": False, "paths": [{"name": "app", "path": ["/srv/app"], "exclude": ["ballast"]}]}
    assert recovery.back_up(host, product="linux", **app).passed
    host.run("rm /srv/app/voices; echo 'port = 5061' >/srv/app/app.conf; chmod 600 /srv/app/app.conf")
    host.run("head -c 2500000 /dev/urandom >/srv/app/ballast")
    before = host.fingerprint("/srv/app")
    play = recovery.restore(host, product="linux", **app)
    story = (f"{host.address}: ", "tight/linux/1 failed: /srv/app/voices: ", "Free some space on the target")
    one_message(result_of(play), "RestoreFailed", *story, "was put back to tight/linux/2, as it was before")
    assert host.fingerprint("/srv/app") == before

    host.run("rm /srv/app/ballast")
    tasks: Tasks = {
        "backup": ("linux_backup", {**recovery.reach(host), **app}),
        "restore": (
            "linux_restore",
            {**recovery.reach(host), **app, **recovery.unlocked(), "generation": "tight/linux/1"},
        ),
    }
    play = recovery.run_each(tasks)
    assert play.result("backup")["open_restores"] == []
    assert play.result("restore")["restored_items"] == ["app"]
    assert host.exists("/srv/app/voices")


def test_a_host_that_dies_in_the_middle_of_a_restore(fleet: Fleet, recovery: Recovery) -> None:
    host = fleet.add("dying")
    fill(host, size=4_000_000)
    recovery.controller.meet()
    assert recovery.back_up(host, product="linux", **APP).passed
    good = host.fingerprint(FOLDER)
    host.run(f"rm {FOLDER}/data")
    host.swallow(after=1_500_000)
    restore = Background(lambda: recovery.restore(host, product="linux", **APP, silence_timeout=3, connect_timeout=5))
    wait_for(lambda: host.exists(f"{FOLDER}/data"), "the writing")
    host.kill()
    result = result_of(restore.play())
    host.boot()
    story = (f"{host.address}: ", "dying/linux/1 failed", "Putting dying/linux/2 back failed too", "The host needs you")
    one_message(result, "RestoreFailed", *story)
    assert host.fingerprint(FOLDER) != good

    tasks: Tasks = {
        "backup": ("linux_backup", {**recovery.reach(host), **APP}),
        "plan": (
            "linux_restore",
            {**recovery.reach(host), **APP, **recovery.unlocked(), "generation": "dying/linux/1"},
        ),
        "after": ("linux_backup", {**recovery.reach(host), **APP}),
    }
    play = recovery.run_each(tasks)
    open_one = result["details"]["journal"]
    assert play.result("backup")["open_restores"] == [open_one]
    assert any(open_one in warning for warning in play.result("plan")["plan"]["warnings"])
    assert play.result("after")["open_restores"] == []
    assert play.result("after")["generation"]["status"] == "complete"
    assert host.fingerprint(FOLDER) == good


# --- less than there was ----------------------------------------------------------------------------------------------
def test_what_shrinks_below_half_or_is_no_longer_asked_for_needs_a_word(fleet: Fleet, recovery: Recovery) -> None:
    host = fleet.add("shrinks")
    fill(host)
    fill(host, "/etc/more")
    recovery.controller.meet()
    both = {**APP, "paths": [*APP["paths"], {"name": "more", "path": ["/etc/more"]}]}
    first = recovery.back_up(host, product="linux", **both)
    assert first.passed, first.output
    host.run(f"head -c 1000 {FOLDER}/data >{FOLDER}/less && mv {FOLDER}/less {FOLDER}/data")

    def backup(options: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
        return "linux_backup", {**recovery.reach(host), **options, **more}

    play = recovery.run_each(
        {
            "shrunken": backup(both),
            "vanished": backup(APP, accept_shrunken=["app"]),
            "meant": backup(APP, accept_shrunken=["app", "more"]),
            "from now on": backup(APP),
        }
    )
    one_message(play.result("shrunken"), "BackupIncomplete", "app: has only 10", "accept_shrunken", "kept as a partial")
    assert play.result("shrunken")["generation"]["missing"] == ["app"]
    vanished = ("more: is in generation 1 and was not even looked for", "accept_shrunken", "kept as a partial")
    one_message(play.result("vanished"), "BackupIncomplete", *vanished)
    assert play.result("vanished")["generation"]["missing"] == ["more"]
    assert [play.result(name)["generation"]["status"] for name in ("meant", "from now on")] == ["complete"] * 2


# --- after all of it --------------------------------------------------------------------------------------------------
def test_all_that_was_complete_is_authentic_and_can_be_had(
    recovery: Recovery, original: str, backup_host: Host
) -> None:
    extract = {"generation": "pbx/linux/1", "dest": "/root/at-the-end", **recovery.unlocked()}
    tasks: Tasks = {
        "verify": ("repository_verify", {"level": 2, **recovery.unlocked()}),
        "extract": ("generation_extract", extract),
        "list": ("generation_info", {}),
    }
    play = recovery.run_each(tasks)
    assert play.result("verify")["verdict"] == "authentic", play.result("verify")
    assert contents(backup_host, f"/root/at-the-end{FOLDER}") == original
    problems = [
        each["id"] for each in play.result("list")["generations"] if each["status"] == "partial" and not each["missing"]
    ]
    assert problems == []
    assert backup_host.output(["find", f"{REPOSITORY}/incoming", "-type", "f"]) == ""
