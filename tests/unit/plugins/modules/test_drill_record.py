# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shutil
import subprocess
import time

import pytest
from support.modules import run_module
from support.repositories import SECRET

from ansible_collections.ucops.recovery.plugins.module_utils._module import drill_record as body
from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.drills import load_drills
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import ChainId
from ansible_collections.ucops.recovery.plugins.module_utils._repository.holds import utc_text
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer, load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.prune import PruneOptions, Pruner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.retention import Policy
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey

LINE = ChainId("pbx", "kamailio")
ALL = ("opens", "complete", "restored", "validators", "service", "call", "counts")
PRUNE = SigningKey.from_seed(b"p" * 32)


class Site:
    """A repository with one generation, and a key that may attest drills."""

    def __init__(self, repository, folder):
        self.repository = repository
        self.key = folder / "drill_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.key)], check=True)
        self.allowed = self.sign_up(Signer("auditor", self.public, ("drill",)))
        self.made = repository.backup({"/a": b"one"})

    @property
    def public(self):
        return self.key.with_suffix(".pub").read_text().strip()

    def sign_up(self, *signers):
        plan = owner.plan_change(owner.read_state(self.repository.backend), SECRET, signers=list(signers))
        owner.apply_plan(self.repository.backend, plan)
        return plan.facts["allowed_signers"]

    def record(self, *, check=False, made=None, rungs=ALL, **options):
        made = made or self.made
        given = {
            "repository": str(self.repository.path),
            "drill_key_file": str(self.key),
            "generation": str(made.generation_id),
            "record": made.head,
            "started": utc_text(time.time() - 60),
            "minimum": "call",
            "steps": [{"rung": rung, "result": "passed", "seconds": 0.5} for rung in rungs],
            "target": {"kind": "host", "name": "spare", "isolation": ["198.51.100.1:5060: tcp silent, udp silent"]},
            **options,
        }
        return run_module("drill_record", {name: one for name, one in given.items() if one is not None}, check=check)

    def files(self):
        return {name for name, _size in self.repository.backend.list()}

    def refused(self, **options):
        before = self.files()
        result = self.record(**options)
        assert result["failed"] and self.files() == before, result
        return result


@pytest.fixture
def site(repository, tmp_path):
    return Site(repository, tmp_path)


def test_evidence_is_signed_and_found_again(site):
    before = site.files()
    looked = site.record(check=True)
    assert looked["changed"] and looked["drill"]["evidence"] == "" and site.files() == before
    done = site.record(rto="1h", rpo="26h", actor="anna", job="17", run_id="R1", report_digest="0" * 64)
    drill = done["drill"]
    assert (drill["outcome"], drill["reached"], drill["objectives_met"]) == ("passed", "counts", True)
    assert (drill["recovery_seconds"], drill["recovery_point_seconds"], drill["rto_seconds"]) == (7, 0, 3600)
    assert (drill["actor"], drill["signer"], drill["problem"]) == ("anna", "auditor", "")
    name = drill["evidence"]
    assert site.files() - before == {name, f"{name}.sig"} and name.startswith("drills/pbx/kamailio/1.")
    told = json.loads((site.repository.path / name).read_bytes())
    assert told["target"]["isolation"] and told["report_digest"] == "0" * 64 and told["job"] == "17"
    (found,) = load_drills(site.repository.backend, load_keyring(site.repository.backend), LINE)
    assert (found.passed, found.digest) == (True, drill["digest"])


def test_stock_ssh_keygen_verifies_it(site, tmp_path):
    name = site.record()["drill"]["evidence"]
    (tmp_path / "allowed").write_text(site.allowed)
    command = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        str(tmp_path / "allowed"),
        "-I",
        "auditor",
        "-n",
        "ucops-recovery-drill",
    ]
    evidence = site.repository.path / name
    with evidence.open("rb") as text:
        done = subprocess.run([*command, "-s", f"{evidence}.sig"], stdin=text, capture_output=True, check=False)
    assert done.returncode == 0 and b"Good" in done.stdout, done


def test_the_same_drill_is_recorded_once(site):
    started = utc_text(time.time() - 5)
    first = site.record(started=started, run_id="R1", rungs=())
    again = site.record(started=started, run_id="R1", rungs=())
    assert first["changed"] and not again["changed"]
    assert again["drill"]["evidence"] == first["drill"]["evidence"]
    assert site.record(started=started, run_id="R2", rungs=())["changed"]


def test_objectives_that_were_missed(site):
    steps = [{"rung": "opens", "result": "passed", "seconds": 100}]
    late = site.record(steps=steps, minimum="opens", rto="99s")
    assert late["drill"]["outcome"] == "passed" and late["drill"]["objectives_met"] is False
    assert site.record(run_id="R2")["drill"]["objectives_met"] is None


def test_a_drill_that_failed_is_evidence_too_and_proves_nothing(site):
    steps = [{"rung": "opens", "result": "failed", "detail": "objects/ab/x was cut"}]
    drill = site.record(steps=steps)["drill"]
    assert (drill["outcome"], drill["problem"]) == ("failed", "opens failed: objects/ab/x was cut")
    info = run_module("generation_info", {"repository": str(site.repository.path)})
    last = info["last_drills"]["pbx/kamailio"]
    assert last["passed"] is None and last["newest"]["outcome"] == "failed"


def test_who_asks_sees_the_last_drills(site):
    site.repository.backup({"/a": b"two"})
    site.record()
    info = run_module("generation_info", {"repository": str(site.repository.path)})
    assert [len(one["drills"]) for one in info["generations"]] == [1, 0]
    (source,) = run_module("repository_info", {"repository": str(site.repository.path)})["sources"]
    assert source["last_drill"]["passed"]["generation"] == "pbx/kamailio/1"
    assert source["last_drill"] == info["last_drills"]["pbx/kamailio"]


def test_what_passed_last_is_not_pruned(site):
    site.record()
    site.sign_up(Signer("janitor", PRUNE.public, ("prune",)))
    for number in range(2, 5):
        site.repository.backup({"/a": b"%d" % number})
    plan = Pruner(site.repository.backend, PruneOptions(policy=Policy(last=1), allow_many=True), PRUNE).plan()
    assert [record.sequence for line in plan.lines for record in line.going] == [2, 3]


# --- what is refused -------------------------------------------------------------------------------------------------
def test_the_wrong_generation(site):
    other = site.repository.backup({"/a": b"two"})
    assert "no generation" in site.refused(generation="pbx/kamailio/9")["msg"]
    assert "is not the generation that was restored" in site.refused(generation=str(other.generation_id))["msg"]
    assert site.refused(generation="pbx/kamailio/latest")["error"] == "OptionInvalid"


def test_a_generation_that_took_the_place_of_the_drilled_one(site, tmp_path):
    """The evidence of one repository says nothing of another line with the same name and number."""
    name = site.record()["drill"]["evidence"]
    site.repository.backup({"/a": b"two"})
    folder = site.repository.path / "commits"
    shutil.rmtree(folder)
    site.repository.backup({"/a": b"forged"})
    assert (site.repository.path / name).exists()
    info = run_module("generation_info", {"repository": str(site.repository.path)})
    assert [one["drills"] for one in info["generations"]] == [[]]


def test_a_repository_that_was_tampered_with(site):
    bundle = next(path for path in sorted(site.repository.path.glob("objects/*/*")) if path.stat().st_size)
    good = bundle.read_bytes()
    bundle.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert site.refused()["error"] == "RepositoryDamaged"
    bundle.unlink()
    assert site.refused()["error"] == "RepositoryDamaged"
    assert site.record(steps=[{"rung": "opens", "result": "failed"}])["drill"]["outcome"] == "failed"


def test_a_repository_that_was_rolled_back(site):
    heads = {"pbx/kamailio": "f" * 64}
    assert site.refused(expected_heads=heads, allowed_signers=site.allowed)["error"] == "RolledBack"


def test_a_partial_generation_cannot_pass(site):
    partial = site.repository.backup({"/a": b"two"}, status="partial", missing=["database"])
    assert "partial (database is not whole in it)" in site.refused(made=partial)["msg"]
    assert site.record(made=partial, steps=[{"rung": "opens", "result": "passed"}])["drill"]["outcome"] == "failed"


def test_a_pruned_generation(site):
    site.sign_up(Signer("janitor", PRUNE.public, ("prune",)))
    for number in range(2):
        site.repository.backup({"/a": b"%d" % number})
    pruner = Pruner(site.repository.backend, PruneOptions(policy=Policy(last=1), allow_many=True), PRUNE)
    pruner.run(pruner.plan())
    assert site.refused()["error"] == "GenerationPruned"


def test_the_minimum_decides(site):
    drill = site.record(rungs=ALL[:5])["drill"]
    assert (drill["outcome"], drill["problem"], drill["reached"]) == ("failed", "call was not tried", "service")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"started": "yesterday"}, "OptionInvalid", "no time"),
        ({"started": utc_text(time.time() + 3600)}, "ClockRefused", "not yet"),
        ({"started": utc_text(time.time() - 40 * 86400)}, "ClockRefused", "before pbx/kamailio/1 was made"),
        ({"report_digest": "abc"}, "OptionInvalid", "no SHA-256"),
        ({"rto": "soon"}, "OptionInvalid", "no span of time"),
        ({"drill_key_file": None}, "OptionInvalid", "nothing can be signed"),
        ({"drill_key_file": "/nowhere"}, "OptionInvalid", "drill key"),
        ({"steps": [{"rung": "opens", "result": "passed", "seconds": -5}]}, "OptionInvalid", "took -5 s"),
        ({"steps": [{"rung": "opens", "result": "passed", "seconds": 9999}]}, "ClockRefused", "The steps took"),
    ],
)
def test_bad_options(site, options, error, message):
    result = site.refused(**options)
    assert result["error"] == error and message in result["msg"], result


@pytest.mark.parametrize("days", [60, 4000])
def test_a_clock_that_was_set_forward(site, monkeypatch, days):
    now = time.time() + days * 86400
    monkeypatch.setattr(body.time, "time", lambda: now)
    assert site.refused(started=utc_text(now - 60))["error"] == "ClockRefused"
    assert site.record(started=utc_text(now - 60), accept_pause=True)["changed"]


def test_a_clock_that_was_set_back(site, monkeypatch):
    now = time.time() - 86400
    monkeypatch.setattr(body.time, "time", lambda: now)
    assert site.refused(started=utc_text(now - 60))["error"] == "ClockRefused"


def test_a_line_that_rests_is_no_jump_while_others_go_on(site, monkeypatch):
    now = time.time() + 40 * 86400
    for days in range(5, 45, 5):
        site.repository.backup({"/a": b"%d" % days}, source="other", at=now - (40 - days) * 86400)
    monkeypatch.setattr(body.time, "time", lambda: now)
    assert site.record(started=utc_text(now - 60))["changed"]


def test_a_stranger_may_not_sign(site, tmp_path):
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    refused = site.refused(drill_key_file=str(other))
    assert refused["error"] == "NotAuthentic" and "stranger" in refused["msg"]


def test_a_writer_may_not_attest_its_own_backups(site):
    site.sign_up(Signer("auditor", site.public, ("drill", "writer")))
    assert "a writer may not attest its own backups" in site.refused()["msg"]


def test_evidence_of_somebody_who_became_a_writer_is_not_believed(site):
    site.record()
    site.sign_up(Signer("auditor", site.public, ("drill", "writer")))
    assert load_drills(site.repository.backend, load_keyring(site.repository.backend), LINE) == []


def test_the_writers_own_key_is_no_drill_key(site, tmp_path):
    key = WriterKey.load(str(site.repository.writer_key_file)).signing_key
    refused = site.refused(drill_key_file=str(_openssh(key, tmp_path / "writer_key")))
    assert refused["error"] == "NotAuthentic"


def _openssh(key, path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    path.write_bytes(private.private_bytes(*form))
    path.chmod(0o600)
    return path


def test_a_key_that_others_may_read(site):
    site.key.chmod(0o644)
    assert site.refused()["error"] == "OptionInvalid"


def test_signers_that_the_operator_does_not_know(site, repository):
    assert "not among the allowed signers" in site.refused(allowed_signers=repository.allowed_signers)["msg"]
    assert site.record(allowed_signers=site.allowed)["changed"]


@pytest.mark.parametrize("change", [lambda data: data[:-2], lambda data: data.replace(b'"passed"', b'"failed"', 1)])
def test_evidence_that_was_changed_is_none(site, change):
    path = site.repository.path / site.record()["drill"]["evidence"]
    path.write_bytes(change(path.read_bytes()))
    assert load_drills(site.repository.backend, load_keyring(site.repository.backend), LINE) == []
