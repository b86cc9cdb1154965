# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""recover.py says of pruned generations that they were pruned, and takes out what is left."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import time

import pytest
from support.repositories import SECRET, TestRepository, entry

from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import GenerationId
from ansible_collections.ucops.recovery.plugins.module_utils._repository.holds import HoldKeeper
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.prune import PruneOptions, Pruner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.retention import Policy
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import RepositoryWriter

RECOVER = pathlib.Path(__file__).resolve().parents[4] / "plugins/plugin_utils/repository_documents/recover.py"
DAY = 86400
KEY = SigningKey.from_seed(b"p" * 32)


def recover(store: TestRepository, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(RECOVER), *words, "--repository", str(store.path)],
        input=SECRET.encode(),
        capture_output=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def extract(store: TestRepository, generation: str, target: pathlib.Path) -> tuple[int, str]:
    return recover(store, "extract", generation, "--to", str(target), "--secret-stdin")


@pytest.fixture
def store(tmp_path: pathlib.Path) -> TestRepository:
    store = TestRepository.create(tmp_path)
    plan = owner.plan_change(
        owner.read_state(store.backend), SECRET, signers=[Signer("janitor", KEY.public, ("prune",))]
    )
    owner.apply_plan(store.backend, plan)
    for number in range(4):
        store.backup(
            [
                (entry("/config"), b"config %d" % number),
                (entry("/log", item="log", data_class="logs"), b"log %d" % number),
            ]
        )
    return store


def prune(store: TestRepository, days: float, options: PruneOptions) -> None:
    pruner = Pruner(store.backend, options, KEY, lambda: time.time() + days * DAY)
    pruner.run(pruner.plan())


WHOLE = PruneOptions(policy=Policy(last=2), allow_many=True)
LOGS = PruneOptions(max_ages={"logs": 60})


def test_pruned_is_not_broken(store: TestRepository, tmp_path: pathlib.Path) -> None:
    prune(store, 0, WHOLE)
    code, text = extract(store, "pbx/kamailio/1", tmp_path / "graced")
    assert code == 0 and "pbx/kamailio/1 was pruned on" in text
    assert (tmp_path / "graced/config").read_bytes() == b"config 0"
    prune(store, 8, WHOLE)
    code, text = recover(store, "list")
    assert code == 0 and [line.split("  ")[0] for line in text.splitlines() if "pruned" in line] == [
        "pbx/kamailio/1",
        "pbx/kamailio/2",
    ]
    code, text = recover(store, "verify")
    assert code == 0 and text.count("was pruned on") == 2 and "BROKEN" not in text and "by janitor: no rule" in text
    code, text = extract(store, "pbx/kamailio/1", tmp_path / "gone")
    assert code == 2 and "What pbx/kamailio/1 needs was removed" in text
    assert not (tmp_path / "gone").exists()
    code, text = extract(store, "pbx/kamailio", tmp_path / "latest")
    assert code == 0 and (tmp_path / "latest/config").read_bytes() == b"config 3"


def test_without_logs_the_rest_is_whole(store: TestRepository, tmp_path: pathlib.Path) -> None:
    prune(store, 1, LOGS)
    prune(store, 9, LOGS)
    code, text = recover(store, "verify")
    assert code == 0 and text.count("the logs of pbx/kamailio/") == 4
    code, text = recover(store, "list")
    assert text.count("complete, no logs") == 4
    code, text = extract(store, "pbx/kamailio", tmp_path / "out")
    assert code == 0 and "1 entries of logs, which were pruned" in text and "1 files, all hashes equal" in text
    assert (tmp_path / "out/config").exists() and not (tmp_path / "out/log").exists()


def test_a_hold_brings_back(store: TestRepository) -> None:
    prune(store, 0, WHOLE)
    with RepositoryWriter(store.backend, WriterKey.load(str(store.writer_key_file))) as writer:
        keeper = HoldKeeper(writer, "2026-01-01T00:00:00Z")
        hold = keeper.place(GenerationId.parse("pbx/kamailio/1"), "legal", reason="case")
        _code, text = recover(store, "list")
        assert text.count("pruned") == 1
        # one that was killed behind the signature takes the name, and not the effect
        store.backend.create(f"holds/pbx/kamailio/1.{hold.identifier}.released.json.sig", b"cut off")
        keeper.release(hold)
    _code, text = recover(store, "list")
    assert text.count("pruned") == 2


def test_a_forged_tombstone_is_broken_and_hides_nothing(store: TestRepository) -> None:
    prune(store, 0, WHOLE)
    stone = store.path / "expired/pbx/kamailio/1.json"
    stone.write_bytes(stone.read_bytes().replace(b"no rule", b"no ruse"))
    code, text = recover(store, "verify")
    assert code == 1 and "BROKEN  expired/pbx/kamailio/1.json" in text and text.count("was pruned on") == 1
