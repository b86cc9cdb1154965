# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Windows PowerShell is given, and which of its answers are believed. The script itself never ran: there is no
PowerShell here. A stand-in that tries the network in its place is in the lab."""

from __future__ import annotations

import base64
import re

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed
from ansible_collections.ucops.recovery.plugins.module_utils._module.isolation import attempt
from ansible_collections.ucops.recovery.plugins.module_utils._module.isolation_powershell import COMMAND, SCRIPT
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_quoting import command_line

BOTH_SILENT = b"ucops-recovery: tcp nothing\r\nucops-recovery: udp nothing\r\n"


class WindowsSaying(WindowsTransport):
    """A Windows host whose PowerShell says what it is told."""

    def __init__(self, stdout=BOTH_SILENT, rc=0, stderr=b"", error=None):
        self.host = "spare1"
        self.answer, self.error = CommandResult(rc, stdout, stderr), error
        self.calls = []

    def run(self, argv, **how):
        self.calls.append((argv, how))
        if self.error:
            raise self.error
        return self.answer

    def close(self):
        pass


def verdicts(*said, **how):
    stdout = "".join(f"{line}\r\n" for line in said).encode()
    found = attempt(WindowsSaying(stdout, **how), "192.0.2.1", 5060)
    return found.tcp, found.udp


# --- what it is given ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_address_port_and_a_whole_request_are_its_input_and_stand_on_no_command_line(address):
    host = WindowsSaying()
    assert attempt(host, address, 5061).is_cut_off
    ((argv, how),) = host.calls
    assert list(argv) == list(COMMAND) and address not in " ".join(argv)
    lines = how["input"].decode("ascii").split("\r\n")
    request = base64.b64decode(lines.pop(2), validate=True)
    assert lines == [address, "5061", ""]
    assert request.startswith(b"OPTIONS sip:") and request.endswith(b"Content-Length: 0\r\n\r\n")
    assert how["deadline"] >= 60 and how["silence"] == how["deadline"] and how["limit"] <= 2**20


def test_it_is_windows_powershell_without_profile_and_questions_on_a_line_that_cmd_takes():
    assert COMMAND[0] == "powershell" and {"-NoProfile", "-NonInteractive"} <= set(COMMAND)
    assert base64.b64decode(COMMAND[-1]).decode("utf-16-le") == SCRIPT
    assert COMMAND[-1] in command_line(COMMAND)


def test_the_script_needs_no_module_and_nothing_of_a_later_powershell():
    assert re.findall(r"\b[A-Z][a-z]+-[A-Z]\w+", SCRIPT) == []
    assert not any(later in SCRIPT for later in ("??", "?.", " ? ", "&&", "||", "-Parallel"))
    assert SCRIPT.isascii()


# --- what its answers mean -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("answered", "reached"),
        ("10061", "reached"),
        ("10054", "reached"),
        ("nothing", "silent"),
        ("10060", "silent"),
        ("10051", "silent"),
        ("10065", "silent"),
        ("10013", "silent"),
        ("10047", "unknown (10047)"),
        ("10049", "unknown (10049)"),
        ("10052", "unknown (10052)"),
        ("ArgumentException", "unknown (ArgumentException)"),
    ],
)
def test_each_answer_by_its_number(said, verdict):
    assert verdicts(f"ucops-recovery: tcp {said}", "ucops-recovery: udp 10060") == (verdict, "silent")
    assert verdicts(f"ucops-recovery: udp {said}", "ucops-recovery: tcp nothing") == ("silent", verdict)


@pytest.mark.parametrize(
    "said",
    [
        [],
        ["ucops-recovery: tcp nothing"],
        ["ucops-recovery: udp nothing"],
        ["ucops-recovery: tcp", "ucops-recovery: udp"],
        # it contradicts itself, or says it twice
        ["ucops-recovery: tcp nothing", "ucops-recovery: tcp answered", "ucops-recovery: udp nothing"],
        ["ucops-recovery: tcp nothing", "ucops-recovery: udp nothing", "ucops-recovery: udp nothing"],
        # nearly, or more than that
        ["ucops-recovery: tcp nothing at all", "ucops-recovery: udp nothing"],
        ["tcp nothing", "udp nothing"],
        ["tcp=silent", "udp=silent"],
        ["ucops-recovery: tcp silent", "ucops-recovery: udp silent"],
        ["ucops-recovery: tcp Nothing", "ucops-recovery: udp nothing"],
        ["ucops-recovery: tcp 010060", "ucops-recovery: udp nothing"],
        ["ucops-recovery: tcp \u0661\u0660\u0660\u0666\u0660", "ucops-recovery: udp nothing"],
        ["> ucops-recovery: tcp nothing", "ucops-recovery: udp nothing"],
        ["ucops-recovery: tcp " + "1" * 100_000, "ucops-recovery: udp nothing"],
        ["Der Befehl ist unbekannt"],
    ],
)
def test_an_answer_that_is_not_plain_proves_nothing_and_is_told_in_few_words(said):
    found = verdicts(*said)
    assert found != ("silent", "silent")
    assert all(len(one) < 200 and "\n" not in one for one in found)


def test_bytes_that_are_no_text_prove_nothing():
    found = attempt(WindowsSaying(b"\xff\xfeu\x00c\x00" + BOTH_SILENT[:27]), "192.0.2.1", 5060)
    assert found.udp.startswith("unknown")


def test_a_powershell_that_fails_is_not_believed_and_what_it_complained_of_is_told():
    lines = ("ucops-recovery: tcp nothing", "ucops-recovery: udp nothing")
    assert verdicts(*lines, rc=1, stderr=b"oops\r\n") == ("unknown (oops)", "unknown (oops)")
    assert verdicts(rc=9009, stderr=b"'powershell' is not recognized\r\n")[0] == (
        "unknown ('powershell' is not recognized)"
    )
    told = verdicts(rc=1, stderr=b'#< CLIXML\r\n<Objs Version="1.1.0.1"><S S="Error">...</S></Objs>')
    assert told[0] == "unknown (PowerShell told nothing of tcp, exit status 1)"


def test_a_host_that_cannot_start_it_proves_nothing():
    found = attempt(WindowsSaying(error=CommandFailed("There is no powershell")), "192.0.2.1", 5060)
    assert str(found) == "192.0.2.1:5060: tcp unknown (There is no powershell), udp unknown"
