# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._products import kamailio_counters
from ansible_collections.ucops.recovery.plugins.module_utils._products.kamailio_counters import count, trunks_of
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

DISPATCHER = """{
\tNRSETS: 2
\tRECORDS: {
\t\tSET: {
\t\t\tID: 1
\t\t\tTARGETS: {
\t\t\t\tDEST: {
\t\t\t\t\tURI: sip:192.0.2.10:5060
\t\t\t\t\tFLAGS: AP
\t\t\t\t\tPRIORITY: 0
\t\t\t\t}
\t\t\t\tDEST: {
\t\t\t\t\tURI: sip:192.0.2.11:5060
\t\t\t\t\tFLAGS: IP
\t\t\t\t\tPRIORITY: 0
\t\t\t\t}
\t\t\t}
\t\t}
\t\tSET: {
\t\t\tID: 2
\t\t\tTARGETS: {
\t\t\t\tDEST: {
\t\t\t\t\tURI: sip:192.0.2.12:5060
\t\t\t\t\tFLAGS: DX
\t\t\t\t\tPRIORITY: 0
\t\t\t\t}
\t\t\t}
\t\t}
\t}
}
"""


@pytest.fixture
def asked(tmp_path):
    def run(**answers):
        """``kamcmd`` with these answers; what is not among them is not loaded."""
        cases = "".join(f"{name.replace('__', '.')}) cat <<'END'\n{text}\nEND\n;;\n" for name, text in answers.items())
        program = tmp_path / "kamcmd"
        program.write_text(f'#!/bin/sh\ncase "$1" in\n{cases}*) echo "error: 500 - command $1 not found";;\nesac\n')
        program.chmod(0o755)
        with LocalTransport() as transport:
            return count(transport, [str(program)], False)

    return run


def test_what_is_counted(asked):
    statistics = "usrloc:location_contacts = 131\nusrloc:registered_users = 120"
    assert asked(stats__get_statistics=statistics, dispatcher__list=DISPATCHER) == {
        "registrations": 120,
        "trunks": 3,
        "trunks_up": 1,
    }


def test_registrations_at_providers_that_hold(asked):
    """20: online and initialised; 16: initialised; 18: an attempt is under way."""
    listed = "".join(f"{{\n\tl_uuid: {flags}\n\tflags: {flags}\n}}\n" for flags in (20, 16, 18))
    assert asked(uac__reg_dump=listed) == {"provider_registrations": 1}


def test_what_is_not_loaded_is_not_counted(asked):
    assert asked() == {}


def test_a_kamailio_that_is_gone_is_not_counted(tmp_path):
    with LocalTransport() as transport:
        assert count(transport, [str(tmp_path / "no-such-kamcmd")], False) == {}
        assert count(transport, ["false"], False) == {}


def test_a_kamailio_that_hangs_is_waited_for_only_so_long(tmp_path, monkeypatch):
    monkeypatch.setattr(kamailio_counters, "PATIENCE", 0.1)
    program = tmp_path / "kamcmd"
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    program.chmod(0o755)
    with LocalTransport() as transport:
        assert count(transport, [str(program)], False) == {}


def test_no_targets_are_none(asked):
    none = {"trunks": 0, "trunks_up": 0}
    assert asked(dispatcher__list="error: 500 - No Destination Sets") == none
    assert trunks_of("{\n\tNRSETS: 0\n\tRECORDS: {\n\t}\n}\n") == none
