# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says, and that it is sent or not."""

from __future__ import annotations

import pytest
from support.mail_server import MailServer
from support.modules import run_module

from ansible_collections.ucops.recovery.plugins.module_utils._module.error_report import (
    LONGEST_PROBLEM,
    MOST_FAILURES,
    digest,
)


def failure(source, **facts):
    return {"source": source, "product": "kamailio", "problem": "The host is gone.", **facts}


def options(server, **others):
    return {
        "report_to": ["telephony@example.com"],
        "report_from": "backup@example.com",
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_security": "none",
        "failures": [failure("pbx")],
        **others,
    }


def test_one_mail_names_everything_once():
    failures = [
        failure("pbx-b", problem="line one\nline two", generation="pbx-b/kamailio/3"),
        failure("pbx-a", instance="CHAT", product="mssql", last_good="pbx-a/mssql@CHAT/7 of 2026-01-31T12:00:00Z"),
    ]
    subject, text = digest(failures, {"looked_at": 20, "phase": "pre_change", "change_id": "CHG0042", "run_id": "r1"})
    assert subject == "Backup failed: pbx-a, pbx-b (2 of 20 backups failed)"
    assert text.index("pbx-a/mssql@CHAT") < text.index("pbx-b/kamailio")
    assert "  line one line two\n" in text and "kept as pbx-b/kamailio/3" in text
    assert "Last good one: pbx-a/mssql@CHAT/7 of 2026-01-31T12:00:00Z" in text and "Last good one: not known" in text
    assert "Change: CHG0042" in text and "Phase: pre_change" in text


def test_a_thousand_failures_are_one_mail_that_can_be_read():
    failures = [failure(f"pbx-{number:04}", problem="x" * 10_000) for number in range(1000)]
    subject, text = digest(failures, {})
    assert subject == "Backup failed: pbx-0000, pbx-0001, pbx-0002 and 997 more (1000 backups failed)"
    assert len(text) < MOST_FAILURES * (LONGEST_PROBLEM + 200) + 1000 * 40
    assert all(f"pbx-{number:04}/kamailio" in text for number in range(1000))


def test_the_last_good_generation_is_looked_up(repository, capfd):
    repository.backup({"/a": b"a"}, status="complete")
    repository.backup({"/a": b""}, status="partial", missing=["config"])
    failures = [failure("pbx", generation="pbx/kamailio/2"), failure("new"), failure("odd", product="no product!")]
    with MailServer() as server:
        result = run_module(
            "error_report", options(server, failures=failures, repository=str(repository.path), looked_at=3)
        )
    assert (result["changed"], result["count"], result["refused"]) == (True, 3, [])
    assert "last good generation of odd/no product! could not be looked up" in capfd.readouterr().err
    ((_sender, _recipients, mail),) = server.mails
    text = mail.get_content()
    assert "Last good one: pbx/kamailio/1 of 20" in text and "Last good one: there is none" in text


def test_nothing_failed_nothing_is_sent():
    with MailServer() as server:
        assert not run_module("error_report", options(server, failures=[]))["changed"]
    assert server.mails == []


def test_check_mode_sends_nothing_and_shows_the_mail():
    with MailServer() as server:
        result = run_module("error_report", options(server), check=True, diff=True)
    assert result["changed"] and server.mails == []
    assert result["diff"]["prepared"].startswith("Subject: Backup failed: pbx (1 backup failed)\n\n1 backup failed.\n")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"smtp_host": "mail.example.com"}, "OptionInvalid"), ({"smtp_port": 1}, "ConnectionFailed")],
)
def test_what_cannot_be_sent_fails(wrong, error):
    with MailServer() as server:
        result = run_module("error_report", options(server, **wrong))
    assert result["failed"] and result["error"] == error
