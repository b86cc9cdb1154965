# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebooks in a real ansible-rulebook: a signed event starts the backup of one host, nothing else starts anything.

The AWX of one of them is a stand-in.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import pytest
import yaml
from support.awx_api_stand_in import TOKEN, AwxApi
from support.playbooks import PROJECT
from support.small_fleet import small_fleet

BIN = pathlib.Path(sys.executable).parent
RULEBOOKS = PROJECT / "extensions/eda/rulebooks"
SECRET = "Secret-of-the-log-server-4711"
CISCO = "%SYS-5-CONFIG_I: Configured from console by admin on vty0 (192.0.2.9)"

needs_rulebook = pytest.mark.skipif(
    not (BIN / "ansible-rulebook").exists() or not shutil.which("java"),
    reason="left out: no ansible-rulebook, or no Java",
)


def load(name):
    return yaml.safe_load((RULEBOOKS / f"{name}.yml").read_text())[0]


def test_both_rulebooks_have_the_same_conditions():
    with_awx, here = load("configuration_changed"), load("configuration_changed_here")
    for one in (*with_awx["rules"], *here["rules"]):
        one.pop("action")
    assert with_awx == here


def test_what_awx_is_told_is_what_its_job_template_asks_for():
    from support.awx_data import setup

    survey = next(one["survey"] for one in setup()["awx_job_templates"] if one["name"] == "backup")
    asked = {one["variable"]: one.get("choices") for one in survey}
    for rule in load("configuration_changed")["rules"]:
        action = rule["action"]["run_job_template"]
        assert action["name"] == "{{ recovery_awx_prefix }} backup"
        given = action["job_args"]["extra_vars"]
        assert given.keys() <= asked.keys() and given["phase"] in asked["phase"]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Rulebook:
    """A rulebook of this collection that runs; events can be sent to it."""

    def __init__(self, folder, stage, name, variables, *arguments):
        self.port = free_port()
        variables = {
            "recovery_eda_address": "127.0.0.1",
            "recovery_eda_port": self.port,
            "recovery_eda_secret": SECRET,
            **variables,
        }
        (folder / "eda.yml").write_text(yaml.safe_dump(variables))
        self._log = folder / "rulebook.log"
        home = folder / "home"
        home.mkdir()
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [BIN / "ansible-rulebook", "-r", f"ucops.recovery.{name}", "-i", "inventory.yml"]
                + ["--vars", "eda.yml", *arguments],
                cwd=folder,
                env={
                    "PATH": f"{BIN}:/usr/bin:/bin",
                    "HOME": str(home),
                    "LC_ALL": "C.UTF-8",
                    "ANSIBLE_COLLECTIONS_PATH": str(stage),
                    "ANSIBLE_NOCOLOR": "1",
                    "EDA_JOB_TEMPLATE_REFRESH_DELAY": "0.2",
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(self._serves, self, 60)

    def _serves(self):
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def output(self):
        return self._log.read_text("utf-8", "replace")

    def send(self, event, secret=SECRET):
        """Post an event; the status of the answer."""
        body = json.dumps(event).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", "/endpoint", body, {"x-hub-signature-256": f"sha256={signature}"})
            return connection.getresponse().status
        finally:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def wait_for(what, rulebook, seconds=120):
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come to that:\n{rulebook.output}")
        time.sleep(0.2)


@needs_rulebook
def test_an_event_backs_one_host_up(tmp_path, stage):
    with small_fleet(tmp_path) as small:
        inventory = small.inventory()
        inventory["all"]["vars"].update(small.unlocking | small.login)
        (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory))
        trap = tmp_path / "trap"
        hostile = f"{{{{ lookup('ansible.builtin.pipe', 'touch {trap}') }}}} {CISCO}"
        with Rulebook(tmp_path, stage, "configuration_changed_here", {}) as rulebook:
            assert rulebook.send({"host": "pbx-hamburg", "event": "configuration_changed"}, secret="another") == 401
            for host in ("all", "*", "!gw-linux", "pbx-berlin,pbx-hamburg", "@/etc/passwd", "{{ 1 }}", ["pbx-hamburg"]):
                assert rulebook.send({"host": host, "event": "configuration_changed"}) == 200
            assert rulebook.send({"host": "pbx-hamburg", "event": "login"}) == 200
            assert rulebook.send({"host": "pbx-hamburg", "message": "%SYS-5-RESTART: System restarted"}) == 200
            for _burst in range(3):
                assert rulebook.send({"host": "pbx-berlin", "event": "configuration_changed"}) == 200
            assert rulebook.send({"host": "gw-linux", "message": hostile}) == 200
            wanted = ["gw-linux/linux/1", "pbx-berlin/kamailio/1"]
            wait_for(lambda: small.generations() == wanted, rulebook)
            wait_for(lambda: rulebook.output.count("PLAY RECAP") == 2, rulebook)
            time.sleep(1)
        assert rulebook.output.count("PLAY [Back up every host") == 2 and small.generations() == wanted
        record = json.loads((small.store.path / "commits/gw-linux/linux/1.json").read_text())
        assert record["phase"] == "manual" and record["reason"] == "The configuration was changed outside of a change"
        assert not trap.exists()
        assert not [secret for secret in small.secrets if secret in rulebook.output]


@needs_rulebook
def test_an_event_launches_the_job_template_for_one_host(tmp_path, stage):
    (tmp_path / "inventory.yml").write_text("all: {hosts: {gw-paris: }}\n")
    names = {"recovery_awx_prefix": "Recovery", "recovery_awx_organization": "Telephony"}
    with AwxApi("Recovery backup", "Telephony") as awx:
        login = ["--controller-url", awx.url, "--controller-token", TOKEN, "--controller-ssl-verify", awx.ca_file]
        with Rulebook(tmp_path, stage, "configuration_changed", names, *login) as rulebook:
            assert rulebook.send({"host": "all", "message": CISCO}) == 200
            for _burst in range(2):
                assert rulebook.send({"host": "gw-paris", "message": CISCO}) == 200
            wait_for(lambda: awx.launched, rulebook, 30)
            time.sleep(1)
        assert len(awx.launched) == 1, rulebook.output
        launched = awx.launched[0]
        assert launched["limit"] == "gw-paris"
        assert launched["extra_vars"]["phase"] == "manual" and "outside" in launched["extra_vars"]["reason"]
