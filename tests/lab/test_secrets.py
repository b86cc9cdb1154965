# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets stay where they belong: planted ones are sought in everything that hosts do while the modules work.

The Domain Master Secret, and the identity that it opens, are never on the backup host: not in a system call, a file or
a packet. Nothing secret is on any command line, in any environment, in a temporary file or in what Ansible prints.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from support.collection import make_importable

from lab.controller import HOME, SETTINGS, Controller, Play
from lab.host import Host, User
from lab.hosts import Fleet, make_keypair
from lab.kamailio import Pbx, Subscriber, install
from lab.recovery import REPOSITORY, SECRET, WRITER_KEY, Recovery
from lab.seek import Hit, Planted, ProcessLists, found_in, in_calls
from lab.watch import capture, search_files, trace

make_importable()

NEW_SECRET = "Nach-dem-Wechsel-ein-anderes-Kennwort-38"
LOGIN = "Login-Geheim-Apfelbaum-27"
SUDO = "Sudo-Geheim-Birnbaum-28"
ADMIN = "Verwalter-Geheim-Holunder-39"
PASSPHRASE = "Schluessel-Geheim-Kirsche-29"
SUBSCRIBERS = (Subscriber("1001", "Winter-Pflaume-33"), Subscriber("1002", "Sommer-Quitte-34"))
DATABASE_PASSWORD = "Mispel-Db-Geheim-35"
NONCE, NEW_NONCE = "Nonce-Geheim-Hagebutte-36", "Nonce-Geheim-Schlehe-37"
NEW_DIGEST = "7d1c5b0a9e3f48268c2e4d6a1b3f5907"

SENT = "Kontrolle-Rhabarber-31-faehrt-mit"
"""No secret: an option that does travel to the backup host, and shows that whatever travels is found."""
IN_BASE64 = "You are looking at a repository of sealed backups"
"""No secret: it stands in RECOVERY.md, which is sent in base64."""
REFUSED = "Kontrolle-Brombeere-33-bleibt-hier"
"""No secret: an option of what is refused, and so never sent."""
SHOWN = "Kontrolle-Stachelbeere-32-offen"
"""No secret: it crosses the network in the clear and stands on command lines."""

OWNERS = ("secret", "new_secret", "identity", "identity_bytes")
"""What only the controller may ever hold."""
LOGINS = ("login", "sudo", "admin", "passphrase", "private_key")
"""What the backup host gets, uses and forgets."""
CONTROLS = ("sent", "shown")

EXTRACTED = "/srv/opened/pbx"
"""Where a generation is extracted to; in the folder above it is put together."""
OWN_PLACES = ("/etc/kamailio/", "/var/lib/mysql/")
"""Where the target keeps its own secrets, and where a restore puts them back."""

OWN_CONNECTIONS = {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o KexAlgorithms=curve25519-sha256"}
"""None that was made before somebody watched is used again."""

CHANGE = f"""
with open("/etc/kamailio/kamailio.cfg", "r+") as file:
    text = file.read().replace("{NONCE}", "{NEW_NONCE}")
    file.seek(0)
    file.write(text)
    file.truncate()
"""

Tasks = dict[str, tuple[str, dict[str, Any]]]


@dataclasses.dataclass(frozen=True)
class Story:
    """What was done, and what was seen of it."""

    recovery: Recovery
    pbx: Pbx
    planted: tuple[Planted, ...]
    plays: dict[str, Play]
    creation: bytes
    backup_host: list[Hit]
    target: list[Hit]
    lists: ProcessLists
    packets: bytes

    def named(self, *names: str) -> list[Planted]:
        """What was planted under some names."""
        chosen = [one for one in self.planted if one.name in names]
        assert len(chosen) == len(names)
        return chosen

    @property
    def secrets(self) -> list[Planted]:
        """All but the controls."""
        return [one for one in self.planted if one.name not in CONTROLS]

    @property
    def said(self) -> bytes:
        """Everything that was printed, and every result."""
        return "\n".join(play.output + json.dumps(play.events) for play in self.plays.values()).encode()


def opened_by(recovery: Recovery, secret: str) -> tuple[Planted, ...]:
    """What the Domain Master Secret opens: the identity as text and as the bytes that it is."""
    from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend

    folder = recovery.controller.backup_host.changes / REPOSITORY.lstrip("/")
    (identity,) = owner.unlock(owner.read_state(LocalBackend(str(folder))), secret)
    return Planted.of(identity=identity.text, identity_bytes=identity.secret)


def file_keys(recovery: Recovery, identity: str) -> tuple[Planted, ...]:
    """The keys of all objects, as they are sent to the modules."""
    from ansible_collections.ucops.recovery.plugins.module_utils._repository import age

    folder = recovery.controller.backup_host.changes / REPOSITORY.lstrip("/") / "objects"
    keys = {}
    for path in filter(pathlib.Path.is_file, folder.rglob("*")):
        with path.open("rb") as stream, contextlib.suppress(Exception):
            key = age.unwrap(age.parse_header(stream), [age.X25519Identity.parse(identity)])
            keys[path.name] = base64.b64encode(key)
    return Planted.of(**keys)


@contextlib.contextmanager
def executions(controller: Host) -> Iterator[None]:
    """Every program that ansible-playbook starts on the controller is written down, with its whole environment."""
    real = f"{SETTINGS['PATH'].partition(':')[0]}/ansible-playbook"
    script = f'#!/bin/sh\nexec strace -f -q -v -s 1048576 -e trace=execve -o {HOME}/execs.$$ {real} "$@"\n'
    controller.write(f"{HOME}/bin/ansible-playbook", script, 0o755)
    yield
    controller.run(["rm", f"{HOME}/bin/ansible-playbook"])


@pytest.fixture(scope="module")
def pbx(fleet: Fleet) -> Pbx:
    host = fleet.add("pbx", users=[User("ops", LOGIN, sudo="password")])
    host.run(["chpasswd", "-c", "SHA256"], input=f"root:{SUDO}\n")
    host.write("/etc/sudoers.d/00-asks-for-roots", "Defaults:ops rootpw\n", 0o440)
    return install(host, "mariadb", SUBSCRIBERS, DATABASE_PASSWORD, NONCE)


@pytest.fixture(scope="module")
def story(fleet: Fleet, controller: Controller, pbx: Pbx, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Create, back up, compare, look, extract, verify, restore, replace the secret: all of it watched, at -vvvv."""
    folder = tmp_path_factory.mktemp("watched")
    there, host = controller.backup_host, pbx.host
    _password, _nonce, digest, other_digest, tls_key = pbx.secrets
    locked = make_keypair(PASSPHRASE)
    planted = Planted.of(
        secret=SECRET,
        new_secret=NEW_SECRET,
        login=LOGIN,
        sudo=SUDO,
        admin=ADMIN,
        passphrase=PASSPHRASE,
        private_key=locked.private.splitlines()[2],
        database=DATABASE_PASSWORD,
        nonce=NONCE,
        new_nonce=NEW_NONCE,
        digest=digest,
        other_digest=other_digest,
        new_digest=NEW_DIGEST,
        tls_key=tls_key,
        sent=SENT,
        shown=SHOWN,
    )
    there.run(["mkdir", "-p", "/etc/ucops", "/srv/opened"])
    host.write("/root/.ssh/authorized_keys", f"{fleet.keypair.public}\n{locked.public}\n", 0o600)
    controller.meet()
    recovery = Recovery(controller)
    settings = {"PATH": f"{HOME}/bin:{SETTINGS['PATH']}", **OWN_CONNECTIONS}
    plays: dict[str, Play] = {}

    def play(name: str, tasks: Tasks, *arguments: str) -> Play:
        plays[name] = recovery.run_each(tasks, "-vvvv", *arguments, settings=settings)
        return plays[name]

    lists = ProcessLists([controller.host, there, host], planted)
    with lists, executions(controller.host), capture(there, folder / "packets") as packets:
        create = {"writer_key_file": WRITER_KEY, "domain_master_secret": SECRET, "recovery_card_file": "card.html"}
        with trace(there, folder / "creation") as creation:
            created = play("creation", {"create": ("repository", create)}).result("create")
        recovery.allowed_signers = created["allowed_signers"]
        planted += opened_by(recovery, SECRET)

        reach, unlocked, secret = recovery.reach(host), recovery.unlocked(), {"domain_master_secret": SECRET}
        as_ops = {"username": "ops", "password": LOGIN, "become": True, "become_password": SUDO}
        as_ops = {**reach, **as_ops, "private_key_file": None}
        as_ops["database_admin"] = {"username": "verwalter", "password": ADMIN}
        with_key = {**reach, "private_key": locked.private, "private_key_passphrase": PASSPHRASE}
        with_key["private_key_file"] = None
        with in_calls(there, planted, folder) as on_backup_host, in_calls(host, planted, folder) as on_target:
            play("first", {"backup": ("kamailio_backup", {**as_ops, **secret, "reason": SENT})}, "--diff")
            # Not as words of a command, which would be found.
            host.run(["python3", "-"], input=CHANGE)
            host.run(["mariadb", "kamailio"], input=f"UPDATE subscriber SET ha1='{NEW_DIGEST}' WHERE username='1002'")
            tasks: Tasks = {
                "backup with a difference": ("kamailio_backup", {**with_key, **secret}),
                "difference": ("generation_diff", {"generation": "pbx/kamailio/2", **unlocked}),
                "extract": ("generation_extract", {"generation": "pbx/kamailio/2", "dest": EXTRACTED, **unlocked}),
                "verify": ("repository_verify", {"level": 2, **unlocked}),
                "restore": ("kamailio_restore", {**as_ops, **unlocked, "generation": "pbx/kamailio/1"}),
            }
            play("second", tasks, "--diff")
            tasks = {
                "would back up": ("kamailio_backup", {**as_ops, **secret}),
                "would restore": ("kamailio_restore", {**as_ops, **unlocked, "generation": "pbx/kamailio/2"}),
            }
            play("look", tasks, "--diff", "--check")
            replace = {"domain_master_secret": NEW_SECRET, "previous_domain_master_secret": SECRET}
            tasks = {
                "replace": ("repository", {**create, **replace}),
                "verify again": ("repository_verify", {"level": 2, "domain_master_secret": NEW_SECRET}),
                "too late": ("repository_verify", {"level": 2, **secret}),
            }
            play("rotation", tasks)
            controller.host.run(["bash", "-c", f"echo {SHOWN} >/dev/tcp/{there.name}/22"])
            there.run(["ssh", "-o", "BatchMode=yes", host.name, f"sleep 0.2; : {SHOWN}"])
    return Story(
        recovery=recovery,
        pbx=pbx,
        planted=planted,
        plays=plays,
        creation=creation.read_bytes(),
        backup_host=on_backup_host,
        target=on_target,
        lists=lists,
        packets=packets.read_bytes(),
    )


# --- the watching itself ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(3))
def test_what_is_sought_is_known_in_every_writing(before: int, after: int) -> None:
    (one, other) = Planted.of(one=SECRET, other=bytes(range(200, 232)))
    for planted in (one, other):
        data = b"x" * before + planted.value + b"y" * after
        for text in (data, base64.b64encode(data), data.hex().encode(), data.hex().upper().encode()):
            assert planted.within(text)
            # Wherever it is cut in two, one of the two readings is known.
            assert all(planted.within(text[:at]) or planted.within(text[at:]) for at in range(len(text)))
        assert planted.within_calls("".join(f"\\x{byte:02x}" for byte in data).encode())
        assert not planted.within(data[::-1]) and not planted.within_calls(base64.b64encode(data[::-1]))


def test_the_story_was_told_to_its_end(story: Story) -> None:
    """Or else there would be nothing to find."""
    failed = [event for play in story.plays.values() for event in play.events if event["status"] != "ok"]
    assert [(event["task"], event["result"].get("error")) for event in failed] == [("too late", "WrongKey")], failed
    second = story.plays["second"]
    assert second.result("backup with a difference")["changed"] is True
    assert {"modparam", "subscriber"} <= {change["kind"] for change in second.result("difference")["changes"]}
    assert "<secret:" in second.output
    assert second.result("restore")["changed"] is True
    assert second.result("verify")["verdict"] == "authentic"
    assert story.plays["look"].result("would restore")["changed"] is True
    assert story.plays["rotation"].result("verify again")["verdict"] == "self_consistent"
    extracted = story.recovery.controller.backup_host.read(f"{EXTRACTED}/etc/kamailio/kamailio.cfg")
    assert NEW_NONCE.encode() in extracted and DATABASE_PASSWORD.encode() in extracted


def test_what_does_travel_is_found(story: Story) -> None:
    """The control: every way of watching sees what is meant to be seen by it."""
    there = {(hit.name, hit.call) for hit in story.backup_host}
    assert {("sent", "read"), ("sent", "write")} <= there
    assert set(LOGINS) <= {hit.name for hit in story.backup_host}
    assert [hit for hit in story.backup_host if hit.name == "sent" and hit.writes_a_file] != []
    assert [hit for hit in story.target if hit.name == "shown" and hit.starts_a_program] != []
    assert {"sudo", "database", "digest"} <= {hit.name for hit in story.target}
    (document,) = Planted.of(document=IN_BASE64)
    assert any(form in story.creation for form in document.encoded())
    assert found_in(story.packets, story.planted) == ["shown"]
    assert {("pbx", "cmdline", "shown")} <= story.lists.found
    assert all(len(seen) > 5 for seen in story.lists.seen.values()), story.lists.seen


# --- the Domain Master Secret, and what it opens ----------------------------------------------------------------------
def test_the_domain_master_secret_is_never_seen_on_the_backup_host(story: Story) -> None:
    owners = story.named(*OWNERS)
    assert [hit for hit in story.backup_host if hit.name in OWNERS] == []
    assert [one.name for one in owners if one.within_calls(story.creation)] == []
    assert [one.name for one in owners if one.within(story.packets)] == []
    there = story.recovery.controller.backup_host
    assert [path for one in owners for path in search_files(there, one.value)] == []


def test_nor_on_the_target(story: Story) -> None:
    assert [hit for hit in story.target if hit.name in OWNERS] == []
    assert [path for one in story.named(*OWNERS) for path in search_files(story.pbx.host, one.value)] == []


# --- command lines, files, output -------------------------------------------------------------------------------------
def test_no_secret_is_on_a_command_line_or_in_an_environment(story: Story) -> None:
    started = [hit for hit in (*story.backup_host, *story.target) if hit.starts_a_program]
    assert [hit for hit in started if hit.name not in CONTROLS] == []
    assert {found for found in story.lists.found if found[2] not in CONTROLS} == set()
    assert [one.name for one in story.secrets if one.within_calls(executed(story.creation))] == []
    controller = story.recovery.controller.host
    programs = controller.run(["sh", "-c", f"cat {HOME}/execs.*"]).stdout
    assert programs.count(b"execve(") > 20 and b"/usr/bin/ssh" in programs
    assert [one.name for one in story.secrets if one.within_calls(programs)] == []


def executed(calls: bytes) -> bytes:
    return b"\n".join(line for line in calls.splitlines() if b" execve(" in line)


def test_no_secret_is_in_a_file_where_it_does_not_belong(story: Story) -> None:
    """Nor was in one that is gone by now."""
    controller, there, host = story.recovery.controller.host, story.recovery.controller.backup_host, story.pbx.host
    written = [hit for hit in story.backup_host if hit.writes_a_file and hit.name not in CONTROLS]
    assert [hit for hit in written if not hit.file.startswith("/srv/opened/")] == []
    assert written != []
    written = [hit for hit in story.target if hit.writes_a_file and hit.name not in CONTROLS]
    assert [hit for hit in written if hit.name in LOGINS or not hit.file.startswith(OWN_PLACES)] == []
    assert written != []

    def holding(place: Host, *but_for: str) -> list[str]:
        found = {path for one in story.secrets for path in search_files(place, one.value)}
        return sorted(path for path in found if not any(part in path for part in but_for))

    assert holding(there, "/srv/opened/") == []
    assert holding(host, *OWN_PLACES) == []
    assert holding(controller) == [str(controller.changes / HOME.lstrip("/") / "variables.json")]


def test_no_secret_is_in_any_output_or_result(story: Story) -> None:
    said = story.said
    assert b"EXEC ssh" in said and b"module_args" in said, "that is not the output of -vvvv"
    assert found_in(said, story.secrets) == []
    (identity,) = story.named("identity")
    keys = file_keys(story.recovery, identity.value.decode())
    assert len(keys) >= 4
    assert found_in(said, keys) == []


# --- without pipelining -----------------------------------------------------------------------------------------------
def test_without_pipelining_nothing_that_opens_is_sent(
    story: Story, controller: Controller, tmp_path: pathlib.Path
) -> None:
    """Ansible would write it to a file: refused before anything is sent, as the control shows."""
    there, host = controller.backup_host, story.pbx.host
    unlocked = {"domain_master_secret": NEW_SECRET, "allowed_signers": story.recovery.allowed_signers}
    reach = {**story.recovery.reach(host), "username": "ops", "password": LOGIN, "private_key_file": None}
    tasks: Tasks = {
        "extract": ("generation_extract", {"generation": "pbx/kamailio/2", "dest": f"/root/{REFUSED}", **unlocked}),
        "difference": ("generation_diff", {"generation": f"{REFUSED}/kamailio/2", **unlocked}),
        "verify": ("repository_verify", {"level": 2, **unlocked}),
        "restore": ("kamailio_restore", {**reach, **unlocked, "reason": REFUSED}),
        "backup": ("kamailio_backup", {**reach, "domain_master_secret": NEW_SECRET, "reason": REFUSED}),
        "control": ("generation_info", {"change_id": SHOWN}),
    }
    planted = (*story.secrets, *Planted.of(refused=REFUSED, shown=SHOWN))
    with in_calls(there, planted, tmp_path) as hits:
        play = story.recovery.run_each(
            tasks, "--diff", "-vvvv", settings={"ANSIBLE_PIPELINING": "0", **OWN_CONNECTIONS}
        )
    for name in tasks:
        result = play.result(name)
        if name == "control":
            assert result["status"] == "ok"
        else:
            assert (result["status"], result["error"]) == ("failed", "OptionInvalid"), result
            assert "Nothing was unsealed: pipelining is off" in result["msg"]
            assert "ansible_pipelining: true" in result["msg"]
    assert {hit.name for hit in hits} == {"shown"}
    assert [hit for hit in hits if hit.writes_a_file and "/.ansible/tmp/" in hit.file] != []
    assert found_in((play.output + json.dumps(play.events)).encode(), story.secrets) == []
