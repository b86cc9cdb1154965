# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks are run quietly: results come back as values, a failure brings everything that was said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from demo_folder import DemoFolder
from playbook_runner import PlaybookFailed, PlaybookRun, PlaybookRunner


@pytest.fixture
def runner(tmp_path, monkeypatch):
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "not.there.at.all")
    folder = DemoFolder(tmp_path / "demo")
    folder.renew()
    (folder.path / "inventory.yml").write_text(
        "all: {hosts: {a: {ansible_connection: local}, b: {ansible_connection: local}}}"
    )
    return PlaybookRunner(folder.path)


def playbook(tmp_path, tasks):
    path = tmp_path / "some.yml"
    path.write_text("- hosts: all\n  gather_facts: false\n  tasks:\n" + textwrap.indent(textwrap.dedent(tasks), "  "))
    return str(path)


def test_results_come_back_by_host(runner, tmp_path):
    run = runner.run(
        playbook(tmp_path, "- ansible.builtin.debug: {msg: 'hello {{ inventory_hostname }} {{ x }}'}"), "-e", "x=1"
    )
    assert {event["host"]: event["result"]["msg"] for event in run.events} == {"a": "hello a 1", "b": "hello b 1"}
    assert "PLAY RECAP" in run.log
    assert (runner.folder / "logs/01-some.log").read_text() == run.log


def test_a_failure_brings_what_ansible_said(runner, tmp_path):
    with pytest.raises(PlaybookFailed) as failed:
        runner.run(playbook(tmp_path, "- ansible.builtin.fail: {msg: the disk is full}"))
    assert "the disk is full" in failed.value.log
    assert failed.value.command.startswith("ansible-playbook ")


def test_an_interrupt_ends_ansible_and_what_it_started(runner, tmp_path):
    marker = tmp_path / "pid"
    tasks = f"- ansible.builtin.raw: echo $$ > {marker}; exec sleep 300\n  run_once: true"
    waiter = threading.Thread(target=lambda: _interrupt_when(marker))
    # started in the background of a script, we would ignore it
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        waiter.start()
        with pytest.raises(KeyboardInterrupt):
            runner.run(playbook(tmp_path, tasks))
        waiter.join()
    finally:
        signal.signal(signal.SIGINT, before)
    status = subprocess.run(["ps", "-o", "stat=", "-p", marker.read_text().strip()], capture_output=True, check=False)
    assert status.stdout.strip() in (b"", b"Z")


def _interrupt_when(marker):
    end = time.monotonic() + 30
    while time.monotonic() < end and not (marker.exists() and marker.read_text().strip()):
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)


def test_results_are_found_by_module():
    run = PlaybookRun(
        "",
        [
            {"host": "a", "action": "ucops.recovery.kamailio_backup", "result": {"n": 1}},
            {"host": "b", "action": "ucops.recovery.linux_backup", "result": {"n": 2}},
            {"host": "b", "action": "ansible.builtin.debug", "result": {"n": 3}},
        ],
    )
    assert run.results(".*_backup") == {"a": {"n": 1}, "b": {"n": 2}}
    assert run.result("linux_backup", "b") == {"n": 2}
    with pytest.raises(KeyError):
        run.result("linux_restore", "b")


def test_ansible_playbook_stands_beside_the_python():
    assert os.path.exists(os.path.join(os.path.dirname(sys.executable), "ansible-playbook"))
