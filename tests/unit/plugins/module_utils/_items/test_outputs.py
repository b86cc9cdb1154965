# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import inspect

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    HostileContent,
    OptionInvalid,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.base import Item
from ansible_collections.ucops.recovery.plugins.module_utils._items.command import CommandOutput
from ansible_collections.ucops.recovery.plugins.module_utils._items.packages import Packages, installed_version


def output(*argv, **options):
    return CommandOutput(**{"name": "status", "data_class": "system_config", "argv": argv, **options})


# --- outputs of commands ----------------------------------------------------------------------------------------------
def test_an_output_is_one_entry(local, gather):
    found = gather(output("printf", "%s", "Grüße\n"), local)
    ((entry, content),) = found.all
    assert (entry.kind, entry.path, content) == ("output", b"/@command/status", "Grüße\n".encode())
    assert found.report.notes == {"rc": 0}
    assert found.report.found
    assert not found.report.problems


def test_a_program_that_is_not_installed_is_not_found(local, gather):
    found = gather(output("no-such-program"), local)
    assert not found.report.found
    assert not found.all
    assert not found.report.problems


def test_a_failing_command_is_a_problem_unless_its_status_is_expected(local, gather):
    failing = ("sh", "-c", "echo out; echo why >&2; exit 3")
    assert gather(output(*failing), local).problems == {
        "/@command/status": "the command ended with exit status 3 (why)"
    }
    accepted = gather(output(*failing, accepted=(0, 3)), local)
    assert not accepted.problems
    assert accepted.report.notes == {"rc": 3}


def test_an_empty_output_is_kept_and_a_silent_failure_is_a_problem(local, gather):
    assert gather(output("true"), local).all[0][1] == b""
    assert "exit status 1" in gather(output("false"), local).problems["/@command/status"]


def test_an_output_without_its_sentinel_is_cut(local, gather):
    assert not gather(output("printf", "a\nend of list\n", sentinel=b"end of list"), local).problems
    early = ("sh", "-c", "echo end of list; head -c 10000 /dev/zero")
    assert "before its end" in gather(output(*early, sentinel=b"end of list"), local).problems["/@command/status"]
    assert "before its end" in gather(output("true", sentinel=b"end"), local).problems["/@command/status"]


def test_endless_output_is_cut_and_named(local, gather):
    found = gather(output("yes", limit=100_000), local)
    assert len(found.all[0][1]) == 100_000
    assert found.problems == {"/@command/status": "wrote more than 100000 bytes, the rest was cut off"}


def test_an_output_cannot_be_restored(local):
    item = output("true")
    assert not item.restorable
    with pytest.raises(RestoreRefused):
        item.restore(local, [], [])
    with pytest.raises(OptionInvalid):
        output()


# --- packages ---------------------------------------------------------------------------------------------------------
def test_packages_are_sorted_and_only_installed_ones_count(scripted, answer, gather):
    listing = b"ii \tzsh\t5.9-4\tamd64\nrc \tgone\t1\tall\nhi \theld\t2:1.0\tamd64\nii \tacl\t2.3.1\tamd64\n@dpkg\n"
    found = gather(Packages(name="packages", data_class="system_config"), scripted(answer(listing)))
    ((entry, content),) = found.all
    assert content == b"acl\t2.3.1\tamd64\nheld\t2:1.0\tamd64\nzsh\t5.9-4\tamd64\n"
    assert (entry.kind, entry.path, entry.size) == ("output", b"/@packages/packages", len(content))
    assert found.report.notes == {"manager": "dpkg"}


def test_without_a_package_manager_nothing_is_found(scripted, answer, gather):
    assert not gather(Packages(name="packages", data_class="system_config"), scripted(answer(b"@none\n"))).report.found
    assert installed_version(scripted(answer(b"@none\n")), "zsh") is None


def test_a_list_that_broke_off_is_an_error(scripted, answer, gather):
    item = Packages(name="packages", data_class="system_config")
    with pytest.raises(CommandFailed, match="dpkg-query: error"):
        gather(item, scripted(answer(b"ii \tzsh\t5.9-4\tamd64\n", b"dpkg-query: error: database is locked\n", 2)))


def test_a_list_without_a_single_package_is_a_problem(scripted, answer, gather):
    found = gather(Packages(name="packages", data_class="system_config"), scripted(answer(b"@rpm\n")))
    assert "no package at all" in found.problems["/@packages/packages"]


def test_the_real_list_of_this_machine(local, gather, tmp_path):
    item = Packages(name="packages", data_class="system_config")
    found = gather(item, local)
    if not found.report.found:
        pytest.skip("left out: no dpkg, rpm or apk on this machine")
    first = found.all[0][1].decode().splitlines()[0].split("\t")
    assert len(first) == 3
    assert installed_version(local, first[0]) == first[1]
    assert installed_version(local, "no-such-package") is None


# --- what every item does ---------------------------------------------------------------------------------------------
def test_entries_of_another_item_are_refused(local):
    entry = Entry(item="status", data_class="system_config", kind="output", path=b"/etc/passwd")
    with pytest.raises(HostileContent, match="does not belong to the item status"):
        output("true").judge([entry])


def test_a_data_class_that_is_none_is_refused():
    with pytest.raises(OptionInvalid, match="secrets"):
        output("true", data_class="secrets")


def test_items_are_abstract():
    assert inspect.isabstract(Item)
