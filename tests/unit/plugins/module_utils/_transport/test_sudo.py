# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid, PrivilegeFailed
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandsRefused
from ansible_collections.ucops.recovery.plugins.module_utils._transport.sudo import launch, refusal


def refused(noise: str, *, become=True, rc=1, asked=0, password=True):
    started = launch(["id"], become)
    prompt = (started.prompt or b"").decode()
    return refusal(started, noise.replace("PROMPT", prompt).encode(), rc, asked, password, "pbx")


@pytest.mark.parametrize(
    ("noise", "how", "says", "advises"),
    [
        (
            "We trust you have received the usual lecture\nPROMPT",
            {"asked": 1, "password": False},
            "none is given",
            "NOPASSWD",
        ),
        ("PROMPTSorry, try again.\nPROMPT", {"asked": 2}, "refused the password", "become_password"),
        ("PROMPTsudo: 1 incorrect password attempt", {"asked": 1}, "refused the password", "become_password"),
        ("PROMPTops is not in the sudoers file.", {"asked": 1}, "may not become root", "sudoers"),
        ("Sorry, user ops is not allowed to execute '/bin/sh' as root on pbx.", {}, "may not become root", "sudoers"),
        ("sudo: sorry, you must have a tty to run sudo", {}, "without a terminal", "requiretty"),
        ("sudo: no tty present and no askpass program specified", {}, "without a terminal", "requiretty"),
        ("sh: 1: exec: sudo: not found", {"rc": 127}, "not installed", "Install it"),
        ("sudo: account validation failure, is your account locked?", {}, "account validation failure", "sudo -S"),
    ],
)
def test_each_refusal_of_sudo_is_one_clear_message(noise, how, says, advises):
    error = refused(noise, **how)
    assert isinstance(error, PrivilegeFailed)
    assert says in error.message
    assert advises in error.hint
    assert error.host == "pbx"
    assert "ucops-" not in str(error)


def test_an_unknown_user_is_named():
    assert refused("sudo: unknown user nosuch", become="nosuch").message == "There is no user nosuch"


def test_an_account_without_a_shell_is_told_apart():
    error = refused("This service allows sftp connections only.\r\n", become=False)
    assert isinstance(error, CommandsRefused)
    assert "allows sftp connections only" in error.message


def test_control_characters_of_a_host_do_not_reach_a_message():
    assert "\x1b" not in str(refused("\x1b[2Jevil", become=False))


@pytest.mark.parametrize("name", ["", "a b", "-u", "x;id", "$(id)"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(OptionInvalid):
        launch(["id"], name)


def test_each_start_has_marks_of_its_own():
    assert launch(["id"], True).mark != launch(["id"], True).mark
