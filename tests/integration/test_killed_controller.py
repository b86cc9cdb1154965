# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller is killed in the middle of an operation: the same command again ends in the right state.

A module on the backup host goes on to its end when nobody waits for it any more, or dies as well; both are tried. What
is killed of other playbooks is in the tests of those.
"""

from __future__ import annotations

import csv
import json
import pathlib
import select
import socket
import time

import pytest
from sshd import SSHD, WITHOUT_SSHD, Sshd
from support.change_site import ChangeSite
from support.killing import kill_at, wait_for
from support.modules import run_module
from support.repositories import SECRET
from support.trees import tree_of

from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_chain
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import ChainId, GenerationId
from ansible_collections.ucops.recovery.plugins.module_utils._repository.holds import (
    HoldKeeper,
    active,
    load_holds,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import RepositoryWriter

pytestmark = pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
CHANGE = "CHG0042"
both_ends = pytest.mark.parametrize("with_modules", [False, True], ids=["modules go on", "modules die"])


@pytest.fixture(scope="module")
def server():
    with Sshd() as one:
        yield one


class Gate:
    """A command of a host that runs until it is let through."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._begun, self._open = folder / "begun", folder / "open"

    @property
    def command(self):
        wait = f"touch {self._begun}; until [ -e {self._open} ]; do sleep 0.05; done"
        return {"name": "slow", "argv": ["sh", "-c", wait]}

    def is_reached(self):
        return self._begun.exists()

    def open(self):
        self._open.touch()

    def close(self):
        self._begun.unlink()
        self._open.unlink()


@pytest.fixture
def site(tmp_path, server):
    return ChangeSite(tmp_path, server)


def held(site, source):
    """The numbers of the generations that are held."""
    backend = site.store.backend
    return sorted(active(load_holds(backend, load_keyring(backend), ChainId(source, "linux")), "2020-01-01T00:00:00Z"))


def require_whole_repository(site):
    """It is what the heads say."""
    heads = json.loads(site.heads.read_text())
    chains = {name.rpartition("/")[0] for name in site.records()}
    assert heads == {name: load_chain(site.store.backend, *name.split("/"))[-1].hash for name in chains}
    verified = run_module(
        "repository_verify",
        {
            "repository": str(site.store.path),
            "level": 1,
            "allowed_signers": site.store.allowed_signers,
            "expected_heads": heads,
        },
    )
    assert (verified.get("verdict"), verified.get("findings")) == ("authentic", []), verified


def require_reports(site, *names):
    """These are there and whole, and nothing else is, nor where the heads are."""
    assert sorted(path.name for path in site.reports.iterdir()) == sorted(names)
    for name in names:
        text = (site.reports / name).read_text()
        assert text.endswith("\n")
        assert not name.endswith(".json") or json.loads(text)
        assert not name.endswith(".html") or text.endswith("</html>\n")
    assert [path.name for path in site.heads.parent.glob("*heads*")] in ([], [site.heads.name])


@both_ends
def test_post_change(site, tmp_path, with_modules):
    """Killed while one host is saved and the other is not, and while reports are written."""
    gate = Gate(tmp_path)
    gate.open()
    site.add("pbx-a", "pbx-slow")
    site.hosts["pbx-slow"]["recovery_options"]["commands"] = [gate.command]
    reports = [f"post_change-{CHANGE}-R1.{form}" for form in ("html", "json", "md")]

    def command():
        return site.command("post_change", change_id=CHANGE, run_id="R1")

    assert site.run("pre_change", change_id=CHANGE, recovery_report_folder="").code == 0
    for name in ("pbx-a", "pbx-slow"):
        site.path(name).write_text("after = yes\n")
    gate.close()
    left = kill_at(
        lambda: gate.is_reached() and "pbx-a/linux/2" in site.records(),
        site.controller,
        command(),
        with_modules=with_modules,
    )
    gate.open()
    wait_for(left)
    # what the backup host goes on with, it ends
    assert ("pbx-slow/linux/2" in site.records()) != with_modules and not site.reports.exists()
    if with_modules:
        kill_at(lambda: any(site.reports.glob("*.md")), site.controller, command(), with_modules=True)
    ran = site.run("post_change", change_id=CHANGE, run_id="R1")
    assert ran.code == 0 and (ran.stats["result"], ran.stats["ok"]) == ("success", 2), ran.output
    require_whole_repository(site)
    require_reports(site, *reports)
    for name in ("pbx-a", "pbx-slow"):
        newest = load_chain(site.store.backend, name, "linux")[-1]
        assert (newest.phase, newest.change_id, newest.is_complete) == ("post_change", CHANGE, True)
        assert {1, newest.sequence} <= set(held(site, name))


@both_ends
def test_close_change(site, with_modules):
    """Killed while some of what is held is released, and the rest is not."""
    site.add("pbx-a")
    assert site.run("pre_change", change_id=CHANGE).code == 0
    with RepositoryWriter(site.store.backend, WriterKey.load(str(site.store.writer_key_file))) as writer:
        keeper = HoldKeeper(writer, "2026-01-31T12:00:00Z")
        for _number in range(300):
            keeper.place(GenerationId.parse("pbx-a/linux/1"), "change", change_id=CHANGE)
        keeper.place(GenerationId.parse("pbx-a/linux/1"), "change", change_id="CHG0043")
        keeper.place(GenerationId.parse("pbx-a/linux/1"), "legal", reason="case 7")

    def still_held():
        backend = site.store.backend
        holds = load_holds(backend, load_keyring(backend), ChainId("pbx-a", "linux"))
        return [one.words for one in holds if one.is_active("2020-01-01T00:00:00Z")]

    def command():
        return site.command("close_change", change_id=CHANGE, reason="successful")

    def some_are_released():
        return any(site.store.path.glob("holds/pbx-a/linux/*.released.json"))

    wait_for(kill_at(some_are_released, site.controller, command(), with_modules=with_modules))
    assert (len(still_held()) > 2) == with_modules
    ran = site.run("close_change", change_id=CHANGE, reason="successful")
    assert ran.code == 0 and ran.of("Release what is held for it")["changed"] == with_modules, ran.output
    assert sorted(still_held()) == ["change CHG0043", "legal: case 7"]
    require_whole_repository(site)


@both_ends
def test_restore(site, tmp_path, with_modules):
    """Killed when the files are back and the service is not: until a restore ends, no gate opens."""
    site.add("pbx-a")
    gate, runs = Gate(tmp_path), tmp_path / "runs"
    runs.touch()
    site.hosts["pbx-a"]["recovery_options"]["services"] = [
        {
            "name": "app",
            "stop": ["rm", str(runs)],
            "status": ["test", "-e", str(runs)],
            "start": ["sh", "-c", f"{gate.command['argv'][2]}; touch {runs}"],
        }
    ]

    def command():
        return ("restore", "--limit", "pbx-a"), {
            "generation": "pbx-a/linux/1",
            "recovery_domain_master_secret": SECRET,
            "pre_restore": "skip",
        }

    assert site.run("pre_change", change_id=CHANGE).code == 0
    site.path("pbx-a").write_text("after = yes\n")
    words, extra = command()
    left = kill_at(gate.is_reached, site.controller, site.command(*words, **extra), with_modules=with_modules)
    ran = site.run("pre_change", change_id="CHG0043")
    assert ran.code == 2 and "never ended" in ran.output, ran.output
    assert not runs.exists()
    gate.open()
    wait_for(left)
    if with_modules:
        assert site.run("post_change", change_id=CHANGE).code == 2
        # the host's own command, which nobody waits for any more
        deadline = time.monotonic() + 20
        while not runs.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    words, extra = command()
    ran = site.run(*words, **extra)
    assert ran.code == 0 and runs.exists(), ran.output
    assert site.path("pbx-a").read_text() == "host = pbx-a\n"
    assert site.run("pre_change", change_id="CHG0044").code == 0
    require_whole_repository(site)


@both_ends
def test_preflight(site, with_modules):
    """Killed while it waits for a host, and while it writes."""
    site.add("pbx-a", "pbx-b")
    untouched = tree_of(site.store.path, site.folder / "hosts")

    def command():
        return site.command("preflight", run_id="R1")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        site.hosts["pbx-b"]["ansible_port"] = silent.getsockname()[1]
        left = kill_at(
            lambda: select.select([silent], [], [], 0)[0], site.controller, command(), with_modules=with_modules
        )
    wait_for(left)
    assert not site.reports.exists()
    site.mend("pbx-b")
    wait_for(kill_at(lambda: any(site.reports.glob("*.csv")), site.controller, command(), with_modules=with_modules))
    ran = site.run("preflight", run_id="R1")
    assert ran.code == 0 and (ran.stats["result"], ran.stats["ok"]) == ("success", 2), ran.output
    require_reports(site, "preflight-R1.csv", "preflight-R1.json")
    table = list(csv.reader((site.reports / "preflight-R1.csv").read_text().splitlines()))
    assert {"pbx-a", "pbx-b"} <= {cell for line in table for cell in line} and len({len(line) for line in table}) == 1
    assert tree_of(site.store.path, site.folder / "hosts") == untouched
