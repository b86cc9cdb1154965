# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid, RepositoryFull
from ansible_collections.ucops.recovery.plugins.module_utils._module.reserve import check_reserve, reserve_of


def place(free):
    return SimpleNamespace(free_bytes=lambda: free, location="/srv/recovery")


def test_below_the_reserve_no_backup_begins():
    check_reserve(place(1000), 1000)
    with pytest.raises(RepositoryFull, match="999 bytes free at /srv/recovery, and 1000 are to stay free") as caught:
        check_reserve(place(999), 1000)
    assert "backup_host_reserve" in str(caught.value) and caught.value.details["reserve"] == 1000


@pytest.mark.parametrize(("free", "reserve"), [(0, 0), (None, 1000)])
def test_without_a_reserve_or_a_number_nothing_is_refused(free, reserve):
    check_reserve(place(free), reserve)


@pytest.mark.parametrize(
    ("given", "noted", "reserve"),
    [
        (5, {"repository": "/srv/recovery", "reserve": 9}, 5),
        (0, {"repository": "/srv/recovery", "reserve": 9}, 0),
        (None, {"repository": "/srv/recovery/", "reserve": 9}, 9),
        (None, {"repository": "/srv/another", "reserve": 9}, 0),
        (None, {"repository": "/srv/recovery", "reserve": -9}, 0),
        (None, {"repository": "/srv/recovery", "reserve": "much"}, 0),
        (None, {"repository": "/srv/recovery"}, 0),
        (None, ["no", "facts"], 0),
        (None, None, 0),
    ],
)
def test_an_option_counts_before_what_the_role_noted_for_this_repository(given, noted, reserve, tmp_path):
    path = tmp_path / "fact"
    if noted is not None:
        path.write_text(json.dumps(noted))
    assert reserve_of({"reserve": given, "repository": "/srv/recovery"}, str(path)) == reserve


def test_a_negative_reserve_is_refused():
    with pytest.raises(OptionInvalid, match="cannot be negative"):
        reserve_of({"reserve": -1, "repository": "/srv/recovery"})
