# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module for many hosts, in this process; hosts are folders of this machine."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import threading
import time

import pytest
from support.modules import run_module, run_unsealing
from support.repositories import SECRET

from ansible_collections.ucops.recovery.plugins.module_utils._items.services import Service
from ansible_collections.ucops.recovery.plugins.module_utils._module import fleet_note, fleet_run
from ansible_collections.ucops.recovery.plugins.module_utils._module.product_parts import ProductParts
from ansible_collections.ucops.recovery.plugins.module_utils._products.linux import Linux
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_record
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import GenerationId, object_name
from ansible_collections.ucops.recovery.plugins.module_utils._repository.generation_writer import GenerationWriter
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


class Fleet:
    """Hosts, and what the action plugin would send of them."""

    def __init__(self, repository, folder: pathlib.Path) -> None:
        self.repository = repository
        self._folder = folder
        self.hosts: list[dict[str, object]] = []
        self.secrets: dict[str, dict[str, object]] = {}
        self.transport = LocalTransport

    def add(self, name: str, secrets: dict[str, object] | None = None, **options: object) -> pathlib.Path:
        """A host of product linux, and its folder."""
        folder = self._folder / name
        folder.mkdir()
        (folder / "a.conf").write_text(f"# {name}\n")
        seen = {
            "source": name,
            "system_config": False,
            "allow_same_host": True,
            "paths": [{"path": [str(folder)], "name": "app"}],
            **options,
        }
        self.hosts.append({"name": name, "product": "linux", "options": seen})
        if secrets:
            self.secrets[name] = secrets
        return folder

    def arguments(self, **options: object) -> dict[str, object]:
        return {
            "repository": str(self.repository.path),
            "writer_key_file": str(self.repository.writer_key_file),
            "hosts": self.hosts,
            "secrets": self.secrets,
            **options,
        }

    def run(self, check: bool = False, diff: bool = False, **options: object) -> dict[str, dict[str, object]]:
        """The result of each host."""
        result = run_module("fleet_backup", self.arguments(**options), check=check, diff=diff)
        assert not result.get("failed"), result
        return result["hosts"]

    def generations(self) -> list[str]:
        folder = self.repository.path / "commits"
        return sorted("/".join(path.relative_to(folder).with_suffix("").parts) for path in folder.rglob("*.json"))


@pytest.fixture
def fleet(repository, tmp_path, monkeypatch):
    (tmp_path / "hosts").mkdir()
    one = Fleet(repository, tmp_path / "hosts")
    monkeypatch.setattr(ProductParts, "transport", lambda self, params: one.transport(params["source"]))
    return one


def test_only_secrets_are_hidden_and_only_in_the_results_of_their_own_host(fleet):
    """A port in an option that holds a password too, and a password that is a word elsewhere."""
    jump = {"host": "jump", "port": 22, "username": "app", "password": "planted-inside"}
    fleet.add("pbx1", {"jump_host": jump, "password": "pbx2"}, reason="planted-inside")
    fleet.add("pbx2", {"password": "complete"})
    fleet.add("pbx3", {"password": "planted-inside"}, only_paths=["planted-inside"])
    results = fleet.run()
    assert results["pbx1"]["generation"]["source"] == "pbx1" and results["pbx2"]["generation"]["id"] == "pbx2/linux/1"
    assert results["pbx1"]["generation"]["status"] == "complete" != results["pbx2"]["generation"]["status"]
    assert results["pbx1"]["generation"]["changed_items"] == ["app"]
    heads = [results[name]["generation"]["head"] for name in ("pbx1", "pbx2")]
    assert [len(head) for head in heads] == [64, 64] and not any("*" in head for head in heads)
    assert "planted-inside" not in json.dumps(results)
    assert results["pbx3"]["failed"] and "only_paths" in results["pbx3"]["msg"]


def test_two_hosts_that_name_the_same_source_are_not_taken_for_one(fleet):
    """Else the later one would find the generation of the first, as that of the same run, and be told that all is
    well."""
    fleet.add("pbx1")
    fleet.add("pbx2", source="pbx1")
    results = fleet.run(run_id="night")
    assert results["pbx1"]["generation"]["id"] == "pbx1/linux/1"
    assert results["pbx2"]["failed"] and results["pbx2"]["error"] == "OptionInvalid"
    assert "pbx1/linux is also what pbx1 is kept as" in results["pbx2"]["msg"]
    assert fleet.generations() == ["pbx1/linux/1"]


def damage(path: pathlib.Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


@pytest.mark.parametrize("hosts", [["pbx1", "pbx2"], ["pbx1"]])
@pytest.mark.parametrize(
    ("which", "at"), [("manifest", 3), ("manifest", 60), ("manifest", -1), ("bundle", 60), ("bundle", -1)]
)
def test_an_earlier_generation_that_is_damaged_costs_its_own_host_the_difference(fleet, hosts, which, at):
    """In its header, which the controller or the module reads first, or in what is sealed."""
    folders = {name: fleet.add(name) for name in hosts}
    assert not any(one.get("failed") for one in fleet.run().values())
    record = load_record(fleet.repository.backend, GenerationId.parse("pbx1/linux/1"))
    sha = record.manifest[0] if which == "manifest" else next(iter(record.objects))
    damage(fleet.repository.path / object_name(sha), at)
    for folder in folders.values():
        (folder / "a.conf").write_text("# changed\n")
    result = run_unsealing("fleet_backup", fleet.arguments(), SECRET, none_needed=True, diff=True)
    assert not result.get("failed"), result
    broken = result["hosts"]["pbx1"]
    assert not broken.get("failed") and broken["generation"]["id"] == "pbx1/linux/2" and "diff" not in broken
    assert any(one.startswith("No difference to pbx1/linux/1 is shown: ") for one in broken["warnings"]), broken
    if "pbx2" in hosts:
        assert "+# changed" in result["hosts"]["pbx2"]["diff"]["prepared"]


class Telephony:
    """A service that is stopped while its host is gathered, and takes its time to come back."""

    longest = 5.0

    def __init__(self) -> None:
        self.runs = True
        self.was_stopped = threading.Event()

    def exists(self, service) -> bool:
        return True

    def is_active(self, service) -> bool:
        return self.runs

    def stop(self, service) -> None:
        self.runs = False
        self.was_stopped.set()

    def start(self, service) -> None:
        time.sleep(0.2)
        self.runs = True


class Cuttable(LocalTransport):
    """Its command is cut off when it is closed."""

    stream = None

    def open(self, argv, **how):
        stream = super().open(argv, **how)
        if "sleep" in argv:
            self.stream = stream
        return stream

    def close(self) -> None:
        if self.stream is not None:
            self.stream.close()


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def number(request):
    """A signal that ends a process; whoever runs the tests may ignore it, as nohup does."""
    before = signal.signal(request.param, signal.SIG_DFL)
    yield request.param
    signal.signal(request.param, before)


def test_a_signal_ends_the_run_in_good_order(fleet, monkeypatch, number):
    control = Telephony()
    monkeypatch.setattr(fleet_run, "LOOKS_EVERY", 0.05)
    monkeypatch.setattr(Linux, "service_control", lambda self, transport: control)
    monkeypatch.setattr(Linux, "services_to_stop_for_backup", lambda self, probe: [Service("sip")])
    fleet.transport = Cuttable
    fleet.add("pbx1", commands=[{"name": "status", "argv": ["sleep", "30"]}])
    fleet.add("pbx2")
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    def send() -> None:
        if control.was_stopped.wait(10):
            time.sleep(0.1)
            os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    began = time.monotonic()
    results = fleet.run(concurrency=1)
    sender.join()
    assert time.monotonic() - began < 10 and control.runs
    assert results["pbx1"]["failed"] and f"interrupted by {number.name}" in results["pbx1"]["msg"]
    assert results["pbx2"]["failed"] and "did not come to this host" in results["pbx2"]["msg"]
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


def test_one_that_is_cut_off_between_two_commands_ends_before_the_next_item(fleet):
    """Nothing is in flight that could be cut, and a connection would open itself again for what comes next."""
    fleet.add("pbx1", commands=[{"name": "later", "argv": ["touch", "/dev/null"]}])
    asked: list[str] = []

    class Slow(LocalTransport):
        def open(self, argv, **how):
            asked.append(" ".join(map(str, argv)))
            return super().open(argv, **how)

        def close(self) -> None:
            if asked:
                asked.append("closed")

    def chunks_of(self, entry, chunks, *more):
        time.sleep(0.7)
        return add(self, entry, chunks, *more)

    add = GenerationWriter.add
    fleet.transport = Slow
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GenerationWriter, "add", chunks_of)
        results = fleet.run(host_timeout=0.3)
    assert results["pbx1"]["failed"] and "longer than 0.3 s and was cut off" in results["pbx1"]["msg"]
    assert "closed" in asked and not any("touch" in one for one in asked), asked


@pytest.mark.parametrize(
    ("limit", "of_berlin", "of_all"),
    [
        ({"concurrency_by_site": {"berlin": 1}, "concurrency_per_site": 2}, 1, 3),
        ({"concurrency_per_site": 2}, 2, 4),
        ({"concurrency_by_product": {"linux": 2}}, 2, 2),
        ({"concurrency": 1}, 1, 1),
    ],
)
def test_limits_reach_those_that_they_are_for(fleet, limit, of_berlin, of_all):
    at_work: set[str] = set()
    most = {"berlin": 0, "all": 0}
    counting = threading.Lock()

    class Counted(LocalTransport):
        def __enter__(self):
            with counting:
                at_work.add(self.host)
                berlin = sum(name.startswith("berlin") for name in at_work)
                most.update(berlin=max(most["berlin"], berlin), all=max(most["all"], len(at_work)))
            time.sleep(0.05)
            return super().__enter__()

        def __exit__(self, *what) -> None:
            with counting:
                at_work.discard(self.host)

    fleet.transport = Counted
    for number in range(3):
        for site in ("berlin", "bonn"):
            fleet.add(f"{site}{number}")
            fleet.hosts[-1]["site"] = site
    results = fleet.run(**limit)
    assert not any(one.get("failed") for one in results.values())
    assert most["berlin"] <= of_berlin and most["all"] <= of_all


def test_a_run_that_takes_too_long_is_told_to_each_host(fleet):
    fleet.transport = Cuttable
    fleet.add("pbx1", commands=[{"name": "status", "argv": ["sleep", "30"]}])
    fleet.add("pbx2")
    results = fleet.run(run_timeout=0.4, concurrency=1)
    assert "The run took longer than 0.4 s and was cut off" in results["pbx1"]["msg"]
    assert "The run took longer than 0.4 s and did not come to this host" in results["pbx2"]["msg"]


def test_what_is_ready_together_is_committed_together(fleet, monkeypatch):
    for number in range(8):
        fleet.add(f"pbx{number}")
    alone = run_module("fleet_backup", fleet.arguments(concurrency=1))
    monkeypatch.setattr(LocalBackend, "_sync", lambda self, paths: time.sleep(0.05))
    together = run_module("fleet_backup", fleet.arguments())
    assert alone["commits"] == 8 and together["commits"] < 8


def test_the_note_of_how_far_it_is_is_gone_with_the_job(fleet, tmp_path, monkeypatch):
    monkeypatch.setattr(fleet_note, "TOLD_EVERY", 0.005)
    note = tmp_path / "notes" / f".ucops-{'a' * 32}"
    note.parent.mkdir()
    seen: list[str] = []

    class Looking(LocalTransport):
        def __exit__(self, *what) -> None:
            deadline = time.monotonic() + 5
            while not note.exists() and time.monotonic() < deadline:
                time.sleep(0.005)
            seen.append(note.read_text())

    fleet.transport = Looking
    fleet.add("pbx1")
    assert not fleet.run(progress_file=str(note))["pbx1"].get("failed")
    assert json.loads(seen[0])["running"] == 1 and list(note.parent.iterdir()) == []
