# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change from its beginning to its end. Each playbook is run with C(--check) first: nothing is written anywhere, and
what it says is what the same command without it then does."""

from __future__ import annotations

import subprocess

import pytest
from sshd import SSHD, WITHOUT_SSHD, Sshd
from support.change_site import ChangeSite
from support.repositories import SECRET
from support.trees import tree_of

from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer

pytestmark = pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
CHANGE = {"change_id": "CHG0042"}
BOTH = {"pbx-a", "pbx-b"}


class Site(ChangeSite):
    """Everything that a playbook may want to write is below one folder, and the keys are there to do it."""

    def __init__(self, folder, server):
        super().__init__(folder, server)
        keys = {role: folder / f"{role}_key" for role in ("prune", "drill")}
        for key in keys.values():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], check=True)
        signers = [
            Signer(f"my-{role}", key.with_suffix(".pub").read_text().strip(), (role,)) for role, key in keys.items()
        ]
        plan = owner.plan_change(owner.read_state(self.store.backend), SECRET, signers=signers)
        owner.apply_plan(self.store.backend, plan)
        self.add(*BOTH)
        self.hosts["backup2"] = dict(self.hosts["backup1"])
        self.variables.update(
            recovery_domain_master_secret=SECRET,
            recovery_allowed_signers=plan.facts["allowed_signers"],
            recovery_prune_key_file=str(keys["prune"]),
            recovery_retention={"last": 1},
            recovery_copy_host="backup2",
            recovery_copy_repository=str(folder / "second"),
            recovery_copy_source=str(self.store.path),
            recovery_drill_every="90d",
            recovery_drill_key_file=str(keys["drill"]),
            recovery_drill_folder=str(folder / "drills"),
            recovery_report_textfile=str(folder / "metrics" / "ucops.prom"),
        )
        (folder / "metrics").mkdir()
        self.written = [
            folder / name for name in ("repository", "second", "hosts", "reports", "drills", "metrics", "heads.json")
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Sshd() as server:
        yield Site(tmp_path_factory.mktemp("site"), server)


def told(ran):
    """What a run says of its end, but for times and what it is called by."""
    named = ("started", "finished", "run_id", "reports")
    stats = {name: value for name, value in ran.stats.items() if name not in named}
    releases = [
        event["result"]["holds"] for event in ran.events if event["task"].endswith("Release what is held for it")
    ]
    return {"code": ran.code, **stats, "releases": [len(holds) for holds in releases if holds is not None]}


def edit(site):
    site.path("pbx-a").write_text("after = yes\n")


# What happens before, the playbook with its arguments, and what it says: exit code, and how many hosts are changed.
STEPS = [
    (None, "preflight", [], {}, 0, 0),
    (None, "backup", [], {}, 0, 2),
    (None, "pre_change", [], CHANGE, 0, 0),
    (edit, "post_change", [], CHANGE, 0, 1),
    (None, "rollback", [], CHANGE, 0, 1),
    (edit, "restore", ["--limit", "pbx-a"], {**CHANGE, "generation": "pre_change"}, 0, 1),
    (None, "restore_drill", [], {}, 0, 2),
    (None, "close_change", [], CHANGE, 0, None),
    (None, "close_change", [], CHANGE, 0, None),
    (None, "maintenance", [], {}, 0, 1),
    (None, "report", [], {}, 0, 0),
]


@pytest.mark.parametrize(
    ("happens", "playbook", "arguments", "extra", "code", "changed"),
    STEPS,
    ids=[f"{at:02} {one[1]}" for at, one in enumerate(STEPS)],
)
def test_what_is_said_is_what_then_happens(site, happens, playbook, arguments, extra, code, changed):
    if happens is not None:
        happens(site)
    there = tree_of(*site.written)
    looked = site.run(playbook, "--check", "--diff", *arguments, **extra)
    assert tree_of(*site.written) == there, looked.output
    assert SECRET not in looked.output and looked.stats.get("reports", []) == []
    assert (looked.code, looked.stats.get("changed")) == (code, changed), looked.output
    done = site.run(playbook, *arguments, **extra)
    assert told(looked) == told(done), looked.output + done.output
    # it is the same site where the same command does write, but for what there was nothing left to do
    if playbook != "close_change" or told(done)["releases"] != [0]:
        assert tree_of(*site.written) != there
