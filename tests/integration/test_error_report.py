# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook backup with hosts that fail in different ways, and one mail to a real server that tells of them."""

from __future__ import annotations

import socket
import sys

import pytest
import yaml
from support.certificates import Authority
from support.mail_server import MailServer
from support.playbooks import Controller
from support.repositories import TestRepository

LOGIN = ("backup", "qx7-mail-secret")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def site(tmp_path, authority):
    """A backup host that is this machine, a repository with a generation of pbx-a, and three hosts."""
    repository = TestRepository.create(tmp_path)
    repository.backup({"/etc/motd": b"hello"}, "pbx-a", "linux")
    (tmp_path / "known_hosts").touch()
    controller = Controller(tmp_path)
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = {"ansible_host": "127.0.0.1", "ansible_port": nobody.getsockname()[1], "recovery_product": "linux"}
        hosts = {
            "backup1": here,
            "pbx-a": gone,
            "pbx-b": {**gone, "recovery_options": {"skip": ["nonsense"]}},
            "pbx-c": {},
            "dead1": {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_common_args": "-o ConnectTimeout=2"},
        }
        everywhere = {
            "recovery_backup_host": "backup1",
            "recovery_repository": str(repository.path),
            "recovery_writer_key_file": str(repository.writer_key_file),
            "recovery_known_hosts_file": str(tmp_path / "known_hosts"),
            "recovery_report_to": ["telephony@example.com"],
            "recovery_report_from": "backup@example.com",
            "recovery_smtp_host": "127.0.0.1",
            "recovery_smtp_username": LOGIN[0],
            "recovery_smtp_password": LOGIN[1],
            "recovery_smtp_ca_file": str(authority.file),
        }
        inventory = {"all": {"hosts": hosts, "vars": everywhere}}
        (controller.folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
        yield controller


def backup(controller, server, *arguments):
    command = [controller.ansible("ansible-playbook"), "-vvv", "-i", "inventory.yml", "ucops.recovery.backup"]
    done = controller.run([*command, "-e", f"recovery_smtp_port={server.port}", *arguments])
    assert LOGIN[1] not in done.stdout
    return done


def test_one_mail_tells_of_every_host_that_failed(site, authority):
    with MailServer(authority.server("127.0.0.1"), login=LOGIN) as server:
        done = backup(site, server, "-e", "phase=pre_change", "-e", "change_id=CHG0042")
    assert done.returncode == 2, done.stdout
    ((_sender, recipients, mail),) = server.mails
    text = mail.get_content()
    assert recipients == ["telephony@example.com"]
    assert mail["Subject"] == "Backup failed: pbx-a, pbx-b (2 of 2 backups failed)"
    assert "pbx-a/linux" in text and "Last good one: pbx-a/linux/1" in text and "CHG0042" in text
    assert "pbx-b/linux" in text and "skip must be" in text and "Last good one: there is none" in text
    # both failed at the end, and nobody else did
    recap = done.stdout[done.stdout.index("PLAY RECAP") :]
    assert [line.split()[0] for line in recap.splitlines() if "failed=1" in line] == ["pbx-a", "pbx-b"]


def test_a_mail_that_cannot_be_sent_is_told_and_hides_nothing(site, authority):
    with MailServer(authority.server("mail.example.com"), login=LOGIN) as server:
        done = backup(site, server)
    assert done.returncode == 2 and server.mails == []
    assert "NO MAIL WAS SENT. 127.0.0.1: The mail server's certificate is not to be trusted" in done.stdout
    recap = done.stdout[done.stdout.index("PLAY RECAP") :]
    assert [line.split()[0] for line in recap.splitlines() if "failed=1" in line] == ["pbx-a", "pbx-b"]


def test_when_the_backup_host_is_gone_the_controller_tells(site, authority):
    with MailServer(authority.server("127.0.0.1"), login=LOGIN) as server:
        done = backup(site, server, "-e", "recovery_backup_host=dead1")
    assert done.returncode == 2
    ((_sender, _recipients, mail),) = server.mails
    assert mail["Subject"] == "Backup failed: pbx-a, pbx-b (2 of 2 backups failed)"
    recap = done.stdout[done.stdout.index("PLAY RECAP") :]
    assert [line.split()[0] for line in recap.splitlines() if "failed=1" in line] == ["pbx-a", "pbx-b"]
    assert "The backup host dead1 cannot be reached." in done.stdout
