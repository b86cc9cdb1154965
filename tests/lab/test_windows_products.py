# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The products of a Windows host, from playbook to registry: backed up, destroyed, put back, and looked at again.

The host is the stand-in of ``tests/lab/windows``; what is installed on it are stand-ins too, see ``windows_sites.py``.
All tests are one story, told once: filled, destroyed and put back, damaged, refused, failed, put back again.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from support.collection import make_importable
from support.playbooks import Play

make_importable()

from lab.windows.host import WindowsHost  # noqa: E402
from lab.windows.shells import Answer  # noqa: E402
from lab.windows_recovery import WindowsRecovery  # noqa: E402
from lab.windows_sites import ACME_KEY, META, PASSWORDS, SITES, USERS, start_client  # noqa: E402

BY_NAME = {site.product: site for site in SITES}
TOUCHING = ("sc stop", "sc config", "sc create", "reg import", "powershell")
"""How commands begin that change something."""


@pytest.fixture(scope="module")
def recovery(windows_host: WindowsHost, tmp_path_factory: pytest.TempPathFactory) -> WindowsRecovery:
    """The host with everything installed."""
    for site in SITES:
        site.install(windows_host)
    return WindowsRecovery(tmp_path_factory.mktemp("windows"), windows_host)


def states(recovery: WindowsRecovery) -> dict[str, dict[str, Any]]:
    """Everything that the products are made of."""
    return {site.product: recovery.state(site) for site in SITES}


def restores(recovery: WindowsRecovery, **options: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    """For each product the task that puts its first generation back."""
    return {
        site.product: (
            f"{site.product}_restore",
            {**site.options, "generation": f"{recovery.host.name}/{site.product}/1", **options},
        )
        for site in SITES
    }


@dataclasses.dataclass(frozen=True)
class Story:
    """What happened up to here. ``before``: what the products were when they were backed up."""

    before: Mapping[str, Any]
    backups: Play
    destroyed: Mapping[str, Any]
    looked: Play
    after_look: Mapping[str, Any]
    restored: Play
    after: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Flight:
    """A look before the first backup: the commands that it ran, and the folders that are not as they were."""

    looked: Play
    commands: Sequence[str]
    touched: Sequence[str]


@pytest.fixture(scope="module")
def flight(recovery: WindowsRecovery) -> Flight:
    """All products looked at, of which nothing may change."""
    before, said, folders = states(recovery), len(recovery.host.commands), times(recovery.host)
    looked = recovery.play(
        {site.product: ("preflight_info", {**site.options, "product": site.product}) for site in SITES}
    )
    commands = recovery.host.commands[said:]
    touched = sorted(path for path, seen in times(recovery.host).items() if folders.get(path) != seen)
    assert states(recovery) == before
    return Flight(looked, commands, touched)


@pytest.fixture(scope="module")
def story(recovery: WindowsRecovery, flight: Flight) -> Story:
    """Filled, backed up twice, destroyed, looked at by a restore in check mode, put back twice."""
    before = states(recovery)
    twice = {f"{site.product} {run}": (f"{site.product}_backup", site.options) for site in SITES for run in (1, 2)}
    backups = recovery.play(twice)
    for site in SITES:
        site.destroy(recovery.host)
        if site.later:
            recovery.host.registry.set(site.later, AddedLater="must be gone")
    destroyed = states(recovery)
    looked = recovery.play(restores(recovery), "--check", "--diff")
    after_look = states(recovery)
    tasks = restores(recovery)
    restored = recovery.play({f"{name} {run}": task for name, task in tasks.items() for run in (1, 2)})
    return Story(before, backups, destroyed, looked, after_look, restored, states(recovery))


def times(host: WindowsHost) -> dict[str, int]:
    """When each folder of the drive was last changed: a file that comes and goes changes its folder.

    The one for passing files is left out: the stand-in notes there how each command ended. Ours hold exports.
    """
    own = host.drive_c / "windows/temp"
    return {str(path): path.stat().st_mtime_ns for path in host.drive_c.rglob("*") if path.is_dir() and path != own}


@pytest.mark.parametrize("product", BY_NAME)
def test_a_look_before_the_first_backup_tells_what_it_will_bring(product: str, flight: Flight) -> None:
    looked = flight.looked[product]
    assert (looked["ready"], looked["missing"]) == (True, []), looked["problem"]
    assert looked["release"]
    assert sorted(one["name"] for one in looked["contents"] if one["found"]) == sorted(BY_NAME[product].items)
    (shown,) = looked["shown"]
    assert shown["kind"] == "certificate" and shown["believed"] is True


def test_that_look_writes_nothing(flight: Flight) -> None:
    assert flight.touched == []
    changing = (*TOUCHING, "reg export", "reg load", "reg unload", "wmic", "vssadmin")
    assert [line for line in flight.commands if line.lower().startswith(changing)] == []
    assert any(line.startswith("reg query") for line in flight.commands)


@pytest.mark.parametrize("product", BY_NAME)
def test_backed_up_whole_and_the_second_time_nothing_is_new(product: str, story: Story) -> None:
    first, second = story.backups[f"{product} 1"], story.backups[f"{product} 2"]
    assert (first["status"], second["status"]) == ("ok", "ok"), story.backups.output
    assert (first["generation"]["status"], first["generation"]["missing"]) == ("complete", [])
    assert sorted(first["generation"]["changed_items"]) == sorted(BY_NAME[product].items)
    assert (first["changed"], second["changed"]) == (True, False), second["generation"]["changed_items"]


@pytest.mark.parametrize("product", BY_NAME)
def test_destroyed_and_put_back_exactly_and_once(product: str, story: Story) -> None:
    assert story.destroyed[product] != story.before[product]
    looked = story.looked[product]
    assert looked["status"] == "ok", story.looked.output
    assert looked["changed"] is True and looked["plan"]["change_count"] > 0
    assert story.after_look[product] == story.destroyed[product]
    first, second = story.restored[f"{product} 1"], story.restored[f"{product} 2"]
    assert first["status"] == "ok", story.restored.output
    assert story.after[product] == story.before[product]
    assert all(check["ok"] is not False for check in first["checks"])
    assert second["status"] == "ok" and second["changed"] is False, second.get("plan")


def test_what_people_have_to_do_and_what_needs_no_backup_is_said(story: Story) -> None:
    assert any("Phone Driver Options Advanced" in line for line in story.looked["ecsta"]["plan"]["warnings"])
    assert any("ProCall Mobile" in note for note in story.backups["procall_client 1"]["notes"])


def test_no_secret_was_printed_returned_or_left_anywhere(recovery: WindowsRecovery, story: Story) -> None:
    plays = (story.backups, story.looked, story.restored)
    nothing_secret(recovery, *(play.output for play in plays), *(json.dumps(play.results) for play in plays))


def nothing_secret(recovery: WindowsRecovery, *texts: str) -> None:
    """No planted password in what was printed and returned, on a command line, or in a file that is not its own."""
    secrets = [*PASSWORDS.values(), recovery.host.password]
    for text in (*texts, "\n".join(recovery.host.commands)):
        assert [secret for secret in secrets if secret in text] == []
    own = [folder for site in SITES for folder in site.folders]
    hives = [rf"C:\Users\{name}\NTUSER.DAT" for name in USERS]
    # Wine's own registry files lie outside of drive C:
    assert recovery.hits(secrets, [*own, *hives]) == []
    assert [path.name for path in recovery.host.path(r"C:\Windows\Temp").glob("ucops-recovery-*")] == []


# --- damaged: partial, refused, failed -------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def damaged(recovery: WindowsRecovery, story: Story) -> Iterator[WindowsRecovery]:
    """Of each product a demanded part is gone, and more is changed. At the end of all everything is put back."""
    for site in SITES:
        site.lose_part(recovery.host)
    yield recovery
    play = recovery.play(restores(recovery))
    assert [name for name in BY_NAME if play[name]["status"] != "ok"] == [], play.output
    end = time.monotonic() + 20
    while states(recovery) != story.before and time.monotonic() < end:
        time.sleep(1)  # a manager of services that is held up is late
    assert states(recovery) == story.before


@pytest.fixture(scope="module")
def partial(damaged: WindowsRecovery) -> Play:
    """Backups of what is damaged."""
    return damaged.play({site.product: (f"{site.product}_backup", site.options) for site in SITES})


@pytest.mark.parametrize("product", BY_NAME)
def test_a_demanded_part_that_is_gone_makes_it_partial_by_name(product: str, partial: Play) -> None:
    failed, part = partial[product], BY_NAME[product].part
    assert (failed["status"], failed["error"]) == ("failed", "BackupIncomplete"), partial.output
    assert (failed["generation"]["status"], failed["generation"]["missing"]) == ("partial", [part])
    assert part in failed["msg"] and "kept as a partial generation" in failed["msg"]


def test_the_difference_is_in_words_and_without_secrets(damaged: WindowsRecovery, partial: Play) -> None:
    name = damaged.host.name
    options = {
        product: {"generation": partial[product]["generation"]["id"], "against": f"{name}/{product}/1"}
        for product in BY_NAME
    }
    play = damaged.play({product: ("generation_diff", given) for product, given in options.items()})
    assert all(play[product]["status"] == "ok" for product in BY_NAME), play.output
    told = {
        product: [(one["kind"], one["object"], one["action"]) for one in play[product]["changes"]]
        for product in BY_NAME
    }
    assert ("registry key", r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\ECSTACA4000p3", "removed") in told["ecsta"]
    assert any(one[1].endswith("ECSTASIP\\Host") and one[2] == "changed" for one in told["ecsta"]), told
    assert any(one[0] == "replicator" and "CRM (2)" in one[1] for one in told["metadirectory"]), told
    assert any(one[0] == "setting" and one[1].endswith("acme.xml: Port") for one in told["windows"]), told
    assert any(one[1].endswith(r"UCServer4\Client") and one[2] == "removed" for one in told["procall_client"]), told
    nothing_secret(damaged, partial.output, play.output, json.dumps([partial.results, play.results]))


def refused(
    recovery: WindowsRecovery, products: Sequence[str], error: str, *words: str, **options: Any
) -> dict[str, str]:
    """Restores that fail with this error and these words, and leave the host as it is. What was said, by product."""
    before, heard = states(recovery), len(recovery.host.commands)
    tasks = restores(recovery, **options)
    play = recovery.play({product: tasks[product] for product in products})
    for product in products:
        result = play[product]
        assert (result["status"], result.get("error")) == ("failed", error), play.output
        for part in ("Nothing was touched", *words):
            assert part in result["msg"], result["msg"]
    assert states(recovery) == before
    done = [line for line in recovery.host.commands[heard:] if line.startswith(TOUCHING)]
    # a database is read from a shadow copy, which goes again
    assert [line for line in done if "Win32_ShadowCopy" not in line] == []
    return {product: play[product]["msg"] for product in products}


def test_a_running_client_is_refused(damaged: WindowsRecovery) -> None:
    client = start_client(damaged.host)
    try:
        refused(damaged, ["procall_client"], "RestoreRefused", "The client runs (ECtiClient.exe)")
    finally:
        client.kill()
        client.wait()


def test_another_version_is_refused(damaged: WindowsRecovery) -> None:
    programs = (
        ("metadirectory", "estos MetaDirectory 5", META + "\\", "64", "5.0.1.3200", "5.0.2.1"),
        ("procall_client", "ProCall 8 Enterprise", "", "32", "8.6.2.4711", "8.7.0.1"),
        ("ecsta", "ECSTA for Atos Unify OpenScape 4000", "", "64", "5.0.4.1", "5.0.5.1"),
    )
    for _product, name, location, view, _good, bad in programs:
        damaged.host.add_installed(name, bad, location=location, view=view)
    try:
        said = refused(damaged, [one[0] for one in programs], "VersionMismatch", "allow_version_mismatch")
    finally:
        for _product, name, location, view, good, _bad in programs:
            damaged.host.add_installed(name, good, location=location, view=view)
    for product, _name, _location, _view, good, bad in programs:
        assert good in said[product] and bad in said[product]


def test_a_service_account_without_its_password_is_refused(damaged: WindowsRecovery) -> None:
    damaged.host.run_in_wine(["sc", "config", "EMetaSrv", "obj=", "LocalSystem"])
    words = ("EMetaSrv", r".\meta", "service_passwords")
    refused(damaged, ["metadirectory"], "RestoreRefused", *words, service_passwords={})


def test_another_host_is_refused(damaged: WindowsRecovery) -> None:
    key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography"
    (line,) = [line for line in damaged.host.registry.export(key).splitlines() if line.startswith('"MachineGuid"')]
    damaged.host.registry.set(key, MachineGuid="11111111-2222-3333-4444-555555555555")
    try:
        refused(damaged, list(BY_NAME), "HostMismatch", "comes from another host", "allow_different_host")
    finally:
        damaged.host.registry.merge(f"[{key}]\n{line}\n")


def test_a_restore_that_fails_leaves_the_host_as_it_was(damaged: WindowsRecovery) -> None:
    host = damaged.host
    host.stop_service("AcmeWeb")
    host.run_in_wine(["sc", "delete", "AcmeWeb"])
    host.registry.set(ACME_KEY, Port=7)
    before = states(damaged)
    failed: list[str] = []

    def fails_once(words: Sequence[str], _input: bytes) -> Answer:
        """Windows refuses the settings, after files and services were put back; whatever else is imported is."""
        content = host.path(words[2]).read_bytes().decode("utf-16")
        if ACME_KEY in content and not failed:
            failed.append(" ".join(words))
            return Answer(1, b"", b"ERROR: Access is denied.\r\n")
        done = host.wine.run(words)
        return Answer(done.returncode, done.stdout, done.stderr)

    host.programs["reg import"] = fails_once
    try:
        play = damaged.play({"restore": restores(damaged)["windows"]})
    finally:
        del host.programs["reg import"]
    result = play["restore"]
    assert (result["status"], result["error"]) == ("failed", "RestoreFailed"), play.output
    assert failed and "The host was put back to" in result["msg"], result["msg"]
    assert any(line.startswith("sc delete AcmeWeb") for line in host.commands)
    assert states(damaged) == before
