# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._items.services import Service
from ansible_collections.ucops.recovery.plugins.module_utils._products.options import parse_options
from ansible_collections.ucops.recovery.plugins.module_utils._products.unix_options import UnixOptions


def services(default=("kamailio",), **raw):
    return parse_options(UnixOptions, raw).services_or(default)


def test_services_by_default_by_name_and_none():
    assert services() == [Service("kamailio")]
    assert services(services=["b", "a"]) == [Service("b"), Service("a")]
    assert services(services=[]) == []


def test_commands_for_the_only_service():
    trio = {"start_command": "svc up", "stop_command": ["svc", "down"], "status_command": "svc ask"}
    assert services(**trio) == [Service("kamailio", ("svc", "up"), ("svc", "down"), ("svc", "ask"))]
    with pytest.raises(OptionInvalid, match="exactly one service"):
        services(services=["a", "b"], **trio)
    with pytest.raises(OptionInvalid, match="exactly one service"):
        services(default=(), **trio)


def test_a_trio_must_be_whole():
    with pytest.raises(OptionInvalid, match="start, stop and status together"):
        services(start_command="svc up")


def test_services_with_their_own_commands():
    found = services(services=[{"name": "x", "start": "s", "stop": "t", "status": "u"}, "y"])
    assert found == [Service("x", ("s",), ("t",), ("u",)), Service("y")]


@pytest.mark.parametrize("wrong", [[{"start": "s"}], [5], [{"name": "x", "begin": "s"}], ["-rf"]])
def test_what_is_no_service_is_refused(wrong):
    with pytest.raises(OptionInvalid):
        services(services=wrong)
