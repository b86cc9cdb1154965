# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A payload that is made beside other work. Ansible, which makes it, is a function here."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import pytest

from ansible_collections.ucops.recovery.plugins.plugin_utils.payload_ahead import payload_ahead


def action(configure):
    return SimpleNamespace(_task=SimpleNamespace(action="ucops.recovery.fleet_backup"), _configure_module=configure)


def test_it_is_there_when_the_other_work_is_done(tmp_path):
    made = tmp_path / "made"

    def configure(module_name, module_args, task_vars):
        made.write_text(f"{module_name} {module_args} {task_vars} {os.getpid()}")

    with payload_ahead(action(configure), {"a": 1}):
        pass
    *words, process = made.read_text().split()
    assert words == ["ucops.recovery.fleet_backup", "{}", "{'a':", "1}"] and int(process) != os.getpid()


@pytest.mark.parametrize("trouble", ["error", "question", "killed"])
def test_what_goes_wrong_with_it_is_nobodys_business(tmp_path, trouble, capfd):
    went_on = tmp_path / "went on"

    def configure(**_what):
        if trouble == "error":
            raise RuntimeError("no such module")
        if trouble == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        one._low_level_execute_command("command -v python3", sudoable=False)
        went_on.touch()

    one = action(configure)
    one._low_level_execute_command = lambda *command, **options: None
    done = False
    with payload_ahead(one, {}):
        done = True
    assert done and not went_on.exists()
    assert one._low_level_execute_command("the parent's is as it was") is None
    assert capfd.readouterr() == ("", "")


def test_what_goes_wrong_inside_is_told():
    with pytest.raises(KeyError), payload_ahead(action(lambda **_what: None), {}):
        raise KeyError("inside")


def test_where_no_process_can_be_had_it_is_made_when_it_is_needed(monkeypatch):
    def refuse():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    done = False
    with payload_ahead(action(lambda **_what: None), {}):
        done = True
    assert done
