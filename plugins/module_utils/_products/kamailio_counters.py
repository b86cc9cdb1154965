# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Kamailio does now: who is registered, which trunks take calls, where it is registered itself.

It is asked by ``kamcmd`` over its control socket (module ctl), with commands of the modules kex
(``stats.get_statistics``), dispatcher (``dispatcher.list``) and uac (``uac.reg_dump``), as their documentation on
kamailio.org names them. What is not loaded cannot be asked and is not counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .._compare.mask import decoded
from .._errors import CommandFailed, DeadlineExceeded, OutputTooLarge, PrivilegeFailed
from .._transport.base import Become, Transport

COUNTED = ("registrations", "trunks", "trunks_up", "provider_registrations")
PATIENCE = 10.0
"""Seconds that one answer may take. A Kamailio that hangs is still backed up."""
_REGISTERED = re.compile(r"\busrloc:registered_users = (\d+)")
_STATE = re.compile(r"^\s*FLAGS: ([A-Z]{2})\s*$", re.MULTILINE)
"""Two letters of each target: A, T, D or I (active, trying, disabled, inactive), then P or X (probed or not)."""
_ACTIVE = "A"
_REGISTRATION = re.compile(r"^\s*flags: (\d+)\s*$", re.MULTILINE)
_NO_TARGETS = "No Destination Sets"
"""What dispatcher.list calls an error when there are none."""
_ONLINE = 4
"""UAC_REG_ONLINE in uac_reg.h: the registration at the provider holds."""


def count(transport: Transport, command: Sequence[str], become: Become) -> dict[str, int]:
    """What can be counted. Raises ConnectionFailed when the host is gone."""
    found: dict[str, int] = {}
    statistics = _ask(transport, [*command, "stats.get_statistics", "usrloc:"], become)
    registered = _REGISTERED.search(statistics or "")
    if registered:
        found["registrations"] = int(registered[1])
    targets = _ask(transport, [*command, "dispatcher.list"], become, nothing=_NO_TARGETS)
    if targets is not None:
        found.update(trunks_of(targets))
    providers = _ask(transport, [*command, "uac.reg_dump"], become)
    if providers is not None:
        flags = [int(one) for one in _REGISTRATION.findall(providers)]
        found["provider_registrations"] = sum(bool(one & _ONLINE) for one in flags)
    return found


def trunks_of(listed: str) -> dict[str, int]:
    """Of the dispatcher's list how many targets there are, and how many of them take calls."""
    states = _STATE.findall(listed)
    return {"trunks": len(states), "trunks_up": sum(state.startswith(_ACTIVE) for state in states)}


def _ask(transport: Transport, words: Sequence[str], become: Become, nothing: str = "") -> str | None:
    """The answer; None when there is nobody to answer, or no such command. ``nothing``: the error that means none."""
    try:
        result = transport.run(words, become=become, deadline=PATIENCE)
    except (CommandFailed, DeadlineExceeded, OutputTooLarge, PrivilegeFailed):
        return None
    text = decoded(result.stdout)
    if nothing and text.startswith("error:") and nothing.lower() in text.lower():
        return ""
    return None if result.rc != 0 or text.startswith("error:") else text
