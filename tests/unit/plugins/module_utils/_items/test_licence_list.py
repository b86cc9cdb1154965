# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import RestoreRefused
from ansible_collections.ucops.recovery.plugins.module_utils._items.licence_list import LicenceList


def test_one_key_a_line_and_all_of_it_secret():
    item = LicenceList(name="licences", data_class="voip_config", keys=["PC8E-1", "Schlüssel"])
    ((entry, content),) = item.gather(None, ItemReport("licences"))
    assert b"".join(content) == "PC8E-1\nSchlüssel\n".encode()
    assert (entry.path, entry.kind, entry.sensitive) == (b"/@licences/licences.txt", "output", True)
    assert item.covers(entry.path)
    assert "PC8E-1" not in repr(item)


def test_nothing_found_and_nothing_to_put_back():
    item = LicenceList(name="licences", data_class="voip_config", required=False)
    report = ItemReport("licences")
    assert list(item.gather(None, report)) == []
    assert not report.found
    assert not item.restorable
    with pytest.raises(RestoreRefused):
        item.restore(None, [], [])
