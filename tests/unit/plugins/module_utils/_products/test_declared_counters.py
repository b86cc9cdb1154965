# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ConnectionLost, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.backup_module import counted
from ansible_collections.ucops.recovery.plugins.module_utils._products import declared_counters
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.kamailio import Kamailio
from ansible_collections.ucops.recovery.plugins.module_utils._products.linux import Linux
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

CONTACTS = """
  Contact:  6001/sip:6001@192.0.2.31:5060                 8b1f0a5a3c Avail        12.310
  Contact:  6002/sip:6002@192.0.2.32:5060                 1f0a8b3c5a Unavail         nan

Objects found: 2
"""
REGISTRATIONS = """
 provider1/sip:sip.example.net                           auth1             Registered        (exp. 233s)
 provider2/sip:sip.example.org                           auth2             Unregistered      (exp. 0s)
"""


def counters(*declared):
    return {"system_config": False, "paths": ["/etc/hostname"], "counters": list(declared)}


def says(tmp_path, text, rc=0):
    program = tmp_path / "server"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {rc}\n")
    program.chmod(0o755)
    return [str(program), "pjsip show contacts"]


@pytest.mark.parametrize(
    ("text", "pattern", "number"),
    [
        (CONTACTS, r"Objects found: (\d+)", 2),
        (CONTACTS, r"\sAvail\s", 1),
        (REGISTRATIONS, r"\sRegistered\b", 1),
        ("\n112 total.\n", r"^(\d+) total", 112),
        ("No objects found.", r"\sAvail\s", 0),
        ("No objects found.", r"Objects found: (\d+)", None),
        ("Objects found: many", r"Objects found: (\w+)", None),
        ("Objects found:", r"Objects found:( \d+)?", None),
        ("9" * 40, r"(\d+)", None),
    ],
)
def test_a_number_or_the_matches_are_counted(tmp_path, text, pattern, number):
    declared = {"name": "registrations", "argv": says(tmp_path, text), "pattern": pattern}
    with LocalTransport("pbx") as transport:
        found = Linux(counters(declared)).counters(transport, Probe())
    assert found == ({} if number is None else {"registrations": number})


def test_a_server_that_does_not_answer_is_not_counted_and_the_others_are(tmp_path, monkeypatch):
    monkeypatch.setattr(declared_counters, "PATIENCE", 0.5)
    monkeypatch.setattr(declared_counters, "MOST_OUTPUT", 1000)
    declared = [
        {"name": "absent", "argv": ["/nowhere/asterisk", "-rx"], "pattern": "."},
        {"name": "failing", "argv": says(tmp_path, CONTACTS, 1), "pattern": "Contact"},
        {"name": "hanging", "argv": ["sleep", "20"], "pattern": "."},
        {"name": "endless", "argv": ["yes"], "pattern": "y"},
        {"name": "fine", "argv": ["echo", "x x"], "pattern": "x"},
    ]
    with LocalTransport("pbx") as transport:
        assert Linux(counters(*declared)).counters(transport, Probe()) == {"fine": 2}


def test_a_host_that_is_gone_is_no_count_and_the_backup_will_say_it():
    class Gone(LocalTransport):
        def open(self, *args, **kwargs):
            raise ConnectionLost("gone")

    declared = {"name": "calls", "argv": ["true"], "pattern": "."}
    with pytest.raises(ConnectionLost):
        Linux(counters(declared)).counters(Gone(), Probe())
    assert counted(Linux(counters(declared)), Gone(), Probe()) == {}


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"argv": ["true"], "pattern": "."}, "name"),
        ({"name": "Calls now", "argv": ["true"], "pattern": "."}, "small letters"),
        ({"name": "calls", "pattern": "."}, "argv"),
        ({"name": "calls", "argv": ["true"]}, "pattern"),
        ({"name": "calls", "argv": ["true"], "pattern": "("}, "regular expressions; that of calls"),
        ({"name": "calls", "argv": ["true"], "pattern": "(a)(b)"}, "has 2"),
        ({"name": "services", "argv": ["true"], "pattern": "."}, "two counters services"),
        ({"name": "calls", "argv": ["true"], "pattern": ".", "patern": "x"}, "no option patern"),
        ("asterisk -rx", "mappings"),
    ],
)
def test_what_cannot_be_a_counter_is_refused(declared, said):
    with pytest.raises(OptionInvalid, match=said):
        Linux(counters(declared))


def test_the_names_of_what_a_product_counts_itself_are_taken():
    declared = {"name": "trunks_up", "argv": ["true"], "pattern": "."}
    assert Linux(counters(declared))
    with pytest.raises(OptionInvalid, match="two counters trunks_up"):
        Kamailio({"counters": [declared]})
    with pytest.raises(OptionInvalid, match="two counters trunks_up"):
        Linux(counters(declared, declared))
