# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller makes of an appliance's own passphrase."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._module import appliance_secret
from ansible_collections.ucops.recovery.plugins.module_utils._module.argspec import ArgumentSpec
from ansible_collections.ucops.recovery.plugins.plugin_utils.appliance_secret import (
    ApplianceBackupAction,
    ApplianceInfoAction,
)

SECRET = "planted appliance secret"
SPEC = ArgumentSpec(
    {"appliance_secret": {}, "appliance_secret_fingerprint": {}, "actor": {}, "job": {}, "repository": {}}
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    made = appliance_secret.fingerprint
    monkeypatch.setattr(
        "ansible_collections.ucops.recovery.plugins.plugin_utils.appliance_secret.fingerprint",
        lambda secret, like=None: made(secret, like, log_n=15),
    )


@pytest.fixture(scope="module")
def mark():
    return str(appliance_secret.fingerprint(SECRET, log_n=15))


class Scripted:
    """An action whose module says what it was sent."""

    def __init__(self, action_class, loader, options):
        self.sent = []
        task = SimpleNamespace(args=options, async_val=0, check_mode=False, diff=False, action="ucops.recovery.x")
        self.action = action_class(task, SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)), None, loader, None, None)
        self.action.spec = SPEC
        self.action._execute_module = self.execute

    def execute(self, module_args, task_vars):
        self.sent.append(module_args)
        return {"changed": False, "appliance_secret": {"known": False}}

    def run(self):
        result = self.action.run(task_vars={})
        assert SECRET not in str(self.sent) + str(result)
        return result


@pytest.mark.parametrize("action_class", [ApplianceBackupAction, ApplianceInfoAction])
def test_only_a_fingerprint_goes_on_with_the_salt_of_the_declared_one(loader, mark, action_class):
    given = {"appliance_secret": SECRET, "appliance_secret_fingerprint": f"{mark}\n"}
    scripted = Scripted(action_class, loader, given)
    result = scripted.run()
    assert not result.get("failed") and "fingerprint" not in result["appliance_secret"]
    (sent,) = scripted.sent
    assert sent["appliance_secret"] == sent["appliance_secret_fingerprint"] == mark


def test_another_secret_gives_another_fingerprint(loader, mark):
    given = {"appliance_secret": "another secret", "appliance_secret_fingerprint": mark}
    scripted = Scripted(ApplianceInfoAction, loader, given)
    scripted.run()
    assert scripted.sent[0]["appliance_secret"] != mark
    assert scripted.sent[0]["appliance_secret"].split("$")[4] == mark.split("$")[4]


def test_the_look_gives_the_fingerprint_to_declare(loader):
    scripted = Scripted(ApplianceInfoAction, loader, {"appliance_secret": SECRET})
    found = scripted.run()["appliance_secret"]["fingerprint"]
    assert appliance_secret.Fingerprint.parse(found) == appliance_secret.fingerprint(
        SECRET, appliance_secret.Fingerprint.parse(found)
    )


def test_a_backup_has_to_have_something_to_compare_with(loader):
    scripted = Scripted(ApplianceBackupAction, loader, {"appliance_secret": SECRET})
    result = scripted.run()
    assert result["failed"] and "keyfactor_appliance_info gives it" in result["msg"] and scripted.sent == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"appliance_secret": "7 chars"}, "WeakSecret"),
        ({"appliance_secret": 12345678}, "OptionInvalid"),
        ({"appliance_secret_fingerprint": SECRET}, "OptionInvalid"),
        ({"appliance_secret_fingerprint": 7}, "OptionInvalid"),
    ],
)
@pytest.mark.parametrize("action_class", [ApplianceBackupAction, ApplianceInfoAction])
def test_what_is_no_secret_or_fingerprint_is_sent_nowhere(loader, action_class, options, error):
    scripted = Scripted(action_class, loader, options)
    result = scripted.run()
    assert (result["failed"], result["error"]) == (True, error) and scripted.sent == []


@pytest.mark.parametrize("options", [{}, {"appliance_secret": "", "appliance_secret_fingerprint": None}])
def test_without_a_secret_nothing_is_said_of_one(loader, options):
    scripted = Scripted(ApplianceInfoAction, loader, {"repository": "/r", **options})
    assert not scripted.run().get("failed")
    assert scripted.sent == [{"repository": "/r"}]
