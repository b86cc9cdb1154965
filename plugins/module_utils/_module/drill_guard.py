# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true of a restore drill's target before anything is written to it: it is not the production host, by
anything that tells hosts apart, and it cannot reach what the production system talks to. What is not known refuses."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import OptionInvalid, RestoreRefused
from .._products.base import Probe
from .._transport.base import Transport
from .._transport.host_keys import DEFAULT_PORT, HostKey, known_host
from .isolation import addresses, attempt
from .isolation_verdict import Attempt

DECISIVE = (("machine_id", "machine id"), ("domain_sid", "domain SID"))
HARDWARE = (("product_uuid", "product UUID"), ("serial", "serial number"))


class DrillRefused(RestoreRefused):
    """The target may be the production host, or reach what only that one may."""


@dataclass(frozen=True)
class DrillConditions:
    """What is known of the production host, and what the target must not reach.

    ``production_host`` is its address in the inventory, with its port for SSH and the keys that it is known by.
    ``shares_hardware``: both are containers or guests that show the serial numbers of one machine.
    ``accept_reachable``: why it does not matter what the target reaches.
    """

    production_host: str
    production_port: int = DEFAULT_PORT
    production_host_key: str | None = None
    known_hosts_file: str | None = None
    unreachable: tuple[str, ...] = ()
    accept_reachable: str = ""
    shares_hardware: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any] | None, known_hosts_file: str | None) -> DrillConditions | None:
        """The option C(drill); None when this is no drill. Raises OptionInvalid."""
        if not given:
            return None
        addresses(given["unreachable"])
        return cls(
            production_host=given["production_host"],
            production_port=given["production_port"],
            production_host_key=given["production_host_key"],
            known_hosts_file=given["production_known_hosts_file"] or known_hosts_file,
            unreachable=tuple(given["unreachable"]),
            accept_reachable=(given["accept_reachable"] or "").strip(),
            shares_hardware=given["shares_hardware"],
        )


@dataclass(frozen=True)
class DrillTarget:
    """The target, as it showed itself, and what it could not reach."""

    identity: str
    host_key: str
    attempts: tuple[Attempt, ...]
    accepted: str = ""

    def to_result(self) -> dict[str, Any]:
        """For the result of a module, and for evidence."""
        isolation = [str(one) for one in self.attempts]
        if self.accepted:
            isolation.append(f"accepted without proof: {self.accepted}")
        return {"identity": self.identity, "host_key": self.host_key, "isolation": isolation}


def check_target(
    then: Probe, now: Probe, transport: Transport, port: int | None, conditions: DrillConditions
) -> DrillTarget:
    """Another host than the one of the generation, and cut off. Raises DrillRefused, OptionInvalid.

    :param then: the host as the generation recorded it
    :param now: the target
    :param port: the target's port for SSH, None where it is reached by something else
    """
    key = refuse_production(then, now, transport, port, conditions)
    attempts = _try_to_reach(transport, conditions)
    return DrillTarget(now.identity_text(), str(key or ""), attempts, conditions.accept_reachable)


def refuse_production(
    then: Probe, now: Probe, transport: Transport, port: int | None, conditions: DrillConditions
) -> HostKey | None:
    """Another host than the one of the generation; the key that it showed, if it has one. Raises like
    :func:`check_target`, and has the same parameters."""
    key = transport.host_key()
    # behind one address many hosts may be told apart by the port of their sshd, and by no other one
    _refuse_same_place(transport.host, port if key is not None else None, conditions)
    if key is not None:
        _refuse_same_key(key, transport.host, conditions)
    _refuse_same_identity(then, now, transport.host, conditions)
    return key


def _refused(text: str, host: str, hint: str) -> DrillRefused:
    return DrillRefused(text, host=host, hint=f"Nothing was touched. {hint}")


# --- is it production? -----------------------------------------------------------------------------------------------
def _refuse_same_place(host: str, port: int | None, conditions: DrillConditions) -> None:
    if port not in (None, conditions.production_port):
        return
    production = conditions.production_host
    same = host.lower() == production.lower() or bool(_resolved(host) & _resolved(production))
    if same:
        raise _refused(
            f"The drill's target is at {host}, where the production host is", host, "Name a spare host as the target."
        )


def _resolved(host: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        return set()


def _refuse_same_key(key: HostKey, host: str, conditions: DrillConditions) -> None:
    place = (conditions.production_host, conditions.production_port)
    try:
        known = known_host(*place, conditions.known_hosts_file, conditions.production_host_key)
    except OptionInvalid as error:
        raise _refused(
            f"The SSH host key of the production host is not known ({error.message})",
            host,
            "Set recovery_host_key or recovery_known_hosts_file of the production host.",
        ) from None
    if not known.keys and not known.fingerprints:
        raise _refused(
            f"The SSH host key of the production host {place[0]} is not known, so nothing can be compared with it",
            host,
            f"Add the production host's key to {known.origin}.",
        )
    if known.has(key):
        raise _refused(
            f"The target shows the SSH host key of the production host {place[0]} ({key})",
            host,
            "It is the production host, or a copy of it: give a copy keys of its own.",
        )


def _refuse_same_identity(then: Probe, now: Probe, host: str, conditions: DrillConditions) -> None:
    compared = False
    for name, words in (*DECISIVE, *HARDWARE):
        was, is_now = then.identity.get(name), now.identity.get(name)
        if not was or not is_now:
            continue
        if was == is_now:
            if (name, words) in HARDWARE and conditions.shares_hardware:
                continue
            raise _refused(
                f"The target has the {words} of the host that the generation was made of ({is_now})",
                host,
                "It is the production host, or a copy of it: give a copy an identity of its own.",
            )
        compared = True
    shared = set(then.identity.get("macs") or ()) & set(now.identity.get("macs") or ())
    if shared:
        raise _refused(
            f"The target has a network card of the host that the generation was made of ({sorted(shared)[0]})",
            host,
            "It is the production host, or a copy of it: give a copy a card of its own.",
        )
    if not compared:
        raise _refused(
            "The target cannot be told from the host that the generation was made of: "
            f"{then.identity_text()} and {now.identity_text()} have nothing in common that could be compared",
            host,
            "Give the target a machine id, or drill into a folder.",
        )


# --- what does it reach? ---------------------------------------------------------------------------------------------
def _try_to_reach(transport: Transport, conditions: DrillConditions) -> tuple[Attempt, ...]:
    if not conditions.unreachable and not conditions.accept_reachable:
        raise _refused(
            "It is not declared what the target must not reach, so nothing proves that it cannot call out",
            transport.host,
            "Set recovery_drill_unreachable to the addresses of the production trunks.",
        )
    attempts = tuple(attempt(transport, address, port) for address, port in addresses(conditions.unreachable))
    reached = [str(one) for one in attempts if not one.is_cut_off]
    if reached and not conditions.accept_reachable:
        raise _refused(
            f"The target may reach what it must not: {'; '.join(reached)}",
            transport.host,
            "Cut it off so that packets are dropped, for example by a network of its own.",
        )
    return attempts
