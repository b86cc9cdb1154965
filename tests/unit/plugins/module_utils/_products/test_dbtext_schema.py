# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._products.dbtext_schema import LONGEST_HEADER, EmptyTables
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

HEADER = b"id(int,auto) ruid(string)\n"


@pytest.fixture(name="folder")
def _folder(tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "location").write_bytes(HEADER + b"1:a\n" * 100_000)
    (folder / "dispatcher").write_bytes(HEADER)
    return folder


def item(folder):
    return EmptyTables(
        name="volatile", data_class="voip_config", required=False, paths=(f"{folder}/location", f"{folder}/dialog")
    )


def gathered(one):
    report = ItemReport(one.name)
    with LocalTransport() as transport:
        found = [(entry, b"".join(content)) for entry, content in one.gather(transport, report)]
    assert report.problems == []
    return found


def test_only_the_columns_are_kept(folder):
    ((entry, content),) = gathered(item(folder))
    assert content == HEADER
    assert (entry.path, entry.size, entry.mtime_ns) == (str(folder / "location").encode(), len(HEADER), None)


def test_registrations_are_no_change(folder):
    before = gathered(item(folder))
    (folder / "location").write_bytes(HEADER + b"2:b\n")
    assert gathered(item(folder)) == before


def put_back(one, wanted):
    current = [entry for entry, _content in gathered(one)]
    with LocalTransport() as transport:
        one.restore(transport, [(entry, (content,)) for entry, content in wanted], current)


def test_a_restore_leaves_live_registrations_alone(folder):
    one = item(folder)
    wanted = gathered(one)
    (folder / "location").write_bytes(HEADER + b"3:live\n")
    (folder / "location").chmod(0o600)
    put_back(one, wanted)
    assert (folder / "location").read_bytes() == HEADER + b"3:live\n"
    assert gathered(one) == wanted


def test_a_restore_makes_what_is_missing(folder):
    one = item(folder)
    wanted = gathered(one)
    (folder / "location").unlink()
    assert [change.action for change in one.plan([entry for entry, _content in wanted], [])] == ["write"]
    put_back(one, wanted)
    assert (folder / "location").read_bytes() == HEADER
    assert gathered(one) == wanted


def test_rows_with_other_columns_go(folder):
    one = item(folder)
    wanted = gathered(one)
    (folder / "location").write_bytes(b"id(int,auto) ruid(string) new(int)\n1:a:2\n")
    put_back(one, wanted)
    assert (folder / "location").read_bytes() == HEADER


def test_a_table_that_came_later_goes(folder):
    one = item(folder)
    wanted = gathered(one)
    (folder / "dialog").write_bytes(HEADER)
    put_back(one, wanted)
    assert not (folder / "dialog").exists()
    assert (folder / "dispatcher").exists()


def test_nothing_there(tmp_path):
    report = ItemReport("volatile")
    with LocalTransport() as transport:
        assert list(item(tmp_path).gather(transport, report)) == []
    assert not report.found


def test_a_header_without_end_is_cut(folder):
    (folder / "location").write_bytes(b"x" * (4 * LONGEST_HEADER))
    ((entry, content),) = gathered(item(folder))
    assert len(content) == entry.size == LONGEST_HEADER
