# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Products of a Windows host are drilled on a spare one, up to their services; and a target that is production, or that
cannot prove that it is cut off, is refused before anything is touched.

Both hosts are the stand-in of ``tests/lab/windows``. Wine has no PowerShell: a stand-in tries the network in its place,
from the test machine, on real sockets.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from lab.trunks import listening
from lab.windows.host import WindowsHost
from lab.windows.shells import Answer
from lab.windows_drill_site import SITES, WindowsDrillSite

ACME = SITES[0]
STOPPED, RUNS = 1, 4
"""States of a service, as Windows counts."""
CONTRADICTION = (b"tcp nothing", b"tcp 10061", b"udp nothing")
TOUCHING = ("sc stop", "sc start", "sc config", "sc create", "net stop", "net start", "reg import", "reg add")
"""How commands begin that change something."""


@pytest.fixture(scope="module")
def site(windows_host: WindowsHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowsDrillSite]:
    with WindowsHost("SPARE01", "127.0.0.2") as spare, listening() as trunks:
        yield WindowsDrillSite(tmp_path_factory.mktemp("drill"), windows_host, spare, trunks)


def test_whatever_is_not_known_to_be_another_host_that_is_cut_off_is_refused(site: WindowsDrillSite) -> None:
    """One run; each host of the inventory is the same production host, drilled on a target of its own."""
    trunks, spare, production = site.trunks, site.entry(site.spare), site.entry(site.recovery.host)
    absent, babbling, torn = (f"127.77.1.{number}" for number in range(1, 4))
    site.power_shell.instead = {
        absent: Answer(9009, b"", b"'powershell' is not recognized as a command.\r\n"),
        babbling: Answer(0, b"Windows PowerShell\r\nCopyright (C) Microsoft Corporation.\r\n"),
        torn: Answer(
            0, b"".join(b"ucops-recovery: %s\r\n" % one for one in (b"tcp nothing", b"tcp 10061", b"udp nothing"))
        ),
    }
    nothing = "PowerShell told nothing of"
    # who -> what its entry says of it, where its target is, and what is said
    refused = {
        # the inventory knows production by another address: its MachineGuid tells
        "guid": (
            site.production(ACME, "spare-guid", ansible_host="192.0.2.1"),
            production,
            ["has the machine id of the host"],
        ),
        # another port for WinRM makes no other host
        "place": (
            site.production(ACME, "spare-place", ansible_host=site.spare.address, ansible_port=5986),
            spare,
            ["where the production host is"],
        ),
        "trunks": (
            site.production(ACME, "spare-trunks", trunks.caller, trunks.phone, trunks.refusing),
            spare,
            ["tcp reached, udp silent; ", "tcp silent, udp reached; ", "tcp reached, udp reached"],
        ),
        "powershell": (
            site.production(ACME, "spare-powershell", absent, babbling, torn),
            spare,
            [
                "tcp unknown ('powershell' is not recognized as a command.)",
                f"udp unknown ({nothing} udp, exit status 0)",
                f"tcp unknown ({nothing} tcp, exit status 0), udp silent",
            ],
        ),
    }
    hosts = {name: entry for name, (entry, _target, _why) in refused.items()}
    targets = {f"spare-{name}": target for name, (_entry, target, _why) in refused.items()}
    kept, heard = site.files(), len(site.spare.commands)

    play, outcomes = site.drill(hosts, targets, "-e", "recovery_drill_serial=100%")

    assert play.code != 0
    for name, (_entry, _target, why) in refused.items():
        assert outcomes[name]["outcome"] == "refused", (name, play.output)
        assert [part for part in why if part not in outcomes[name]["problem"]] == [], outcomes[name]["problem"]
    assert site.state() == site.before and site.files() == kept
    assert [line for line in site.spare.commands[heard:] if line.startswith(TOUCHING)] == []


def test_products_are_drilled_on_a_spare_host_up_to_their_services(site: WindowsDrillSite) -> None:
    """Two products of the host at a time, on the same spare host: one that serves, one that does not."""
    hosts = {f"uc1-{own.product}": site.production(own, f"spare-{own.product}") for own in SITES}
    targets = {f"spare-{own.product}": site.entry(site.spare) for own in SITES}
    play, outcomes = site.drill(hosts, targets, "-e", "recovery_drill_serial=100%")
    assert play.code == 0, play.output
    assert site.power_shell.tried[-4:] == [site.trunks.silent] * 4, "each target, looked at and restored to"
    after, before = site.state(), site.before["production"]
    assert after["production"] == before
    for own in SITES:
        steps = {step["rung"]: step["result"] for step in outcomes[f"uc1-{own.product}"]["drill"]["steps"]}
        assert steps == {
            **dict.fromkeys(("opens", "complete", "restored", "counts"), "passed"),
            **dict.fromkeys(("validators", "call"), "not_possible"),
            "service": "passed" if own.services else "not_possible",
        }
        # what was restored is there, and what the drill started is stopped
        there, saved = after["spare"][own.product], before[own.product]
        for part in ("files", "keys"):
            assert there[part] == saved[part]
        for seen, wanted in ((there, STOPPED), (saved, RUNS)):
            assert [state for state, _lines in seen["services"].values()] == [wanted] * len(own.services)

        (evidence,) = (site.store.path / "drills").rglob(f"{own.product}/*.json")
        told = json.loads(evidence.read_bytes())
        assert told["outcome"] == "passed" and evidence.name.startswith("1.")
        assert told["target"]["isolation"] == [f"{site.trunks.silent}:{site.trunks.port}: tcp silent, udp silent"]
        assert told["target"]["shown_as"].startswith("SPARE01 (machine id")
    journal = [name for name in site.files() if name.startswith("journal/")]
    assert {name.split("/")[1] for name in journal} == set(targets)

    allowed = site.folder / "allowed"
    allowed.write_text(site.store.allowed_signers)
    command = ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "auditor", "-n", "ucops-recovery-drill"]
    verified = subprocess.run(
        [*command, "-s", f"{evidence}.sig"], input=evidence.read_bytes(), stdout=subprocess.PIPE, check=True
    )
    assert b"Good" in verified.stdout
