# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Telephones (sipp) that register and call: what tells a system that serves from one that only runs."""

from __future__ import annotations

import dataclasses
import pathlib

from lab.host import Host

SCENARIOS = pathlib.Path(__file__).with_name("recipes") / "phones"
LIMIT = ("-nostdin", "-timeout", "8s", "-timeout_error", "-recv_timeout", "2000", "-m", "1")
REFUSED = 97
"""The exit code with which call.xml ends when the password is wrong."""


@dataclasses.dataclass(frozen=True)
class Phone:
    """One telephone: the host that it is, its number and its SIP password."""

    host: Host
    number: str
    password: str


@dataclasses.dataclass(frozen=True)
class Drill:
    """What happened, step by step, and what sipp said to the steps that failed."""

    registered: bool
    called: bool
    answered: bool
    log: str = ""

    @property
    def passed(self) -> bool:
        """Whether every step passed."""
        return self.registered and self.called and self.answered


def sipp(phone: Phone, scenario: str, port: int, *more: str) -> list[str]:
    """The command that plays a scenario on a phone. It runs in /tmp, where sipp drops its files."""
    identity = ("-key", "number", phone.number, "-au", phone.number, "-ap", phone.password)
    place = ("-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", phone.host.address, "-p", str(port))
    return ["env", "-C", "/tmp", "sipp", *LIMIT, *place, *identity, *more]


def register(pbx: Host, phone: Phone) -> tuple[bool, str]:
    """Register a phone at a system. Whether it could, and what sipp said."""
    done = phone.host.run(sipp(phone, "register", 5071, f"{pbx.address}:5060"), check=False)
    return done.returncode == 0, done.stderr.decode("utf-8", "replace")


def call_drill(pbx: Host, caller: Phone, callee: Phone) -> Drill:
    """Register the callee, then call it from the caller, answer, and hang up. About a second when all is well."""
    registered, said = register(pbx, callee)
    if not registered:
        return Drill(False, False, False, f"register: {said}")
    answering = callee.host.start(sipp(callee, "answer", 5060), log="/tmp/answer.log")
    callee.host.wait_for_port(5060, protocol="udp")
    calling = caller.host.run(sipp(caller, "call", 5060, "-s", callee.number, f"{pbx.address}:5060"), check=False)
    called = calling.returncode == 0
    if not called:
        # Nobody will ring any more. On a softer signal sipp says that all went well.
        callee.host.run(["pkill", "-KILL", "-x", "sipp"], check=False)
    answered = answering.wait(timeout=15) == 0
    said = "refused with 407" if calling.returncode == REFUSED else calling.stderr.decode("utf-8", "replace")
    logs = "" if called else f"call: {said}\n"
    logs += "" if answered else f"answer: {callee.host.read('/tmp/answer.log').decode('utf-8', 'replace')[-2000:]}"
    return Drill(True, called, answered, logs)
