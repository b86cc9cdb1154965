# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a product is: what is gathered of it, how it is stopped, proved and compared. One file per product."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from .._compare.mask import Masker
from .._compare.mask_rules import Rules, rules_for
from .._compare.semantic import SemanticChange
from .._errors import CommandFailed
from .._items.base import Item
from .._items.services import Service, ServiceControl
from .._transport.base import Transport
from .identity import identity_text, same_host

T = TypeVar("T", bound="Product")

View = Mapping[bytes, bytes]
"""A generation, or a host as it is now: path -> content, read when it is asked for."""


@dataclass(frozen=True)
class Check:
    """One proof. ``ok`` None: it could not be looked at, and ``detail`` says why."""

    name: str
    ok: bool | None
    detail: str = ""

    def to_result(self) -> dict[str, Any]:
        """The check as a module returns it."""
        return {"name": self.name, "ok": self.ok, "detail": self.detail}


@dataclass(frozen=True)
class Companion:
    """Another product whose generation of the same run belongs to this one: a database, a directory.

    ``source`` and ``instance`` are empty where any will do. ``why`` names what asks for it. ``max_age``: seconds that a
    generation of another run may be away from this one to belong to it all the same; 0: only one of the same run does.
    """

    product: str
    why: str
    source: str = ""
    instance: str = ""
    max_age: int = 0

    def __str__(self) -> str:
        instance = f"@{self.instance}" if self.instance else ""
        return f"{self.source}/{self.product}{instance}" if self.source else f"{self.product}{instance}"


@dataclass
class Probe:
    """What a look at the host tells, before anything is gathered. Nothing in it changes by itself.

    ``release`` is what a restore is held against, ``version`` and ``build`` are for people. ``facts`` may be shown.
    ``private`` is what items need at a restore and nobody may see (connections to databases); it is only ever kept
    sealed. ``counts`` stand in the clear commit record (users, servers, replicators: how many): a jump without a
    change behind it is a finding.
    """

    release: str = ""
    version: str = ""
    build: str = ""
    licences: list[str] = field(default_factory=list)
    identity: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    private: dict[str, Any] = field(default_factory=dict, repr=False)
    counts: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Everything, secrets included: for the sealed manifest alone."""
        return {
            "release": self.release,
            "version": self.version,
            "build": self.build,
            "licences": list(self.licences),
            "identity": dict(self.identity),
            "facts": dict(self.facts),
            "private": dict(self.private),
            "counts": dict(self.counts),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Probe:
        """The reverse of :meth:`to_json`; what is not there is empty."""
        return cls(
            release=data.get("release", ""),
            version=data.get("version", ""),
            build=data.get("build", ""),
            licences=list(data.get("licences", [])),
            identity=dict(data.get("identity", {})),
            facts=dict(data.get("facts", {})),
            private=dict(data.get("private", {})),
            counts=dict(data.get("counts", {})),
        )

    def same_host(self, other: Probe) -> bool:
        """Whether both looked at the same host."""
        return same_host(self.identity, other.identity)

    def identity_text(self) -> str:
        """The host in a few words, for a message."""
        return identity_text(self.identity)


class Product(ABC):
    """One product on one host.

    A subclass names itself, reads its options in the constructor (raising OptionInvalid), and declares its items.
    Everything that it needs of the host it learns in :meth:`probe`; :meth:`items` and :meth:`services` ask only the
    probe, which at a restore is the one of the generation: the host may be empty then.
    """

    name: ClassVar[str]
    root: str = "/"
    """The folder that counts as / on the target."""
    become: bool = False
    """Whether the host is read and written as root."""
    stop_services_for_backup: bool = False
    reread_days: int = 0
    """After how many days a large file is read again that its host says nobody wrote to; 0: each time."""
    topics: ClassVar[Mapping[str, str]] = {}
    """Kinds of its semantic changes -> what they are to the rules that grade them (:mod:`.._compare.findings`)."""
    routes_calls_in_words: ClassVar[bool] = False
    """Whether its semantic difference tells of every route; where it does not, changed lines are looked through."""

    @abstractmethod
    def __init__(self, options: Mapping[str, Any]) -> None:
        """:raises OptionInvalid: an option that there is not, or a value that cannot be"""

    @classmethod
    def for_comparison(cls: type[T], probe: Probe) -> T:
        """A product that only compares and masks, made of what a generation says of itself: here nobody gives options.

        A product with options that it cannot do without takes them from the probe, which may be empty.
        """
        return cls({})

    @abstractmethod
    def probe(self, transport: Transport) -> Probe:
        """Look at the host without changing anything. A host where nothing is installed (any more) is an empty
        probe."""

    @abstractmethod
    def items(self, probe: Probe) -> list[Item]:
        """Everything to gather, in the order of gathering; data classes are never mixed in one item."""

    def services(self, probe: Probe) -> list[Service]:
        """What is stopped for a restore, in this order, and started in the reverse one."""
        return []

    def services_to_start(self, probe: Probe) -> list[Service]:
        """Those of :meth:`services` that are to run: they are started after a restore, and health asks for them."""
        return self.services(probe)

    def services_to_stop_for_backup(self, probe: Probe) -> list[Service]:
        """What is stopped while the items are gathered; mostly nothing."""
        return self.services_to_start(probe) if self.stop_services_for_backup else []

    def service_control(self, transport: Transport) -> ServiceControl:
        """Stops and starts the services of this host."""
        return ServiceControl(transport, become=self.become)

    def companions(self, probe: Probe) -> list[Companion]:
        """Generations of other products that the contract demands of the same run."""
        return []

    def remarks(self, probe: Probe) -> list[str]:
        """What an operator might look for in the backup and why it is not in it, one sentence each: what is volatile,
        what keeps nothing, what must be kept elsewhere. Nothing secret."""
        return []

    def refuse_restore(self, transport: Transport, then: Probe, now: Probe, items: Sequence[Item]) -> list[str]:
        """What must be so before these items may be put back. Returns warnings.

        :raises RestoreRefused: it is not so (a client or a partner server runs, a service's password is not given)
        """
        return []

    def volume_of(self, path: bytes) -> str:
        """The place on the target whose free space counts when an entry of this path is written."""
        return self.root

    def validate(self, transport: Transport, probe: Probe) -> list[Check]:
        """Whether the product itself accepts its configuration as it lies on the host."""
        return []

    def health(self, transport: Transport, probe: Probe) -> list[Check]:
        """Whether the product does its work. By default: its services run."""
        return self.service_checks(transport, self.services_to_start(probe))

    def counters(self, transport: Transport, probe: Probe) -> dict[str, int]:
        """How much of its work it does now: registrations, trunks that answer, services that run. What cannot be
        counted is left out. It differs by the minute, so it is compared before and after a change and never counts as
        content."""
        return {}

    def service_checks(self, transport: Transport, services: Sequence[Service]) -> list[Check]:
        """One check for each service: it runs."""
        control = self.service_control(transport)
        checks = []
        for service in services:
            try:
                active = control.is_active(service)
            except CommandFailed as error:
                checks.append(Check(f"service {service.name}", None, error.message))
                continue
            checks.append(Check(f"service {service.name}", active, "runs" if active else "does not run"))
        return checks

    def running_services(self, transport: Transport, probe: Probe) -> dict[str, int]:
        """For :meth:`counters`: how many of its services run; nothing when none can be asked."""
        checks = self.service_checks(transport, self.services_to_start(probe))
        known = [check.ok for check in checks if check.ok is not None]
        return {"services": known.count(True)} if known else {}

    def release_verdict(self, then: Probe, now: Probe) -> str | None:
        """None when a generation of ``then`` fits the host as it is ``now``, else why it may not: the end of a sentence
        that names both releases."""
        if then.release == now.release or not then.release or not now.release:
            return None
        return "a configuration may not be accepted by another release than the one that wrote it"

    def release_must_match(self, then: Probe, now: Probe) -> bool:
        """Whether another release is refused unless it is allowed; otherwise the verdict is only a warning."""
        return bool(then.release and now.release and then.release != now.release)

    def semantic(self, old: View, new: View, masker: Masker) -> list[SemanticChange]:
        """The difference in the words of the product; secrets only as placeholders. Severity is left to the rules, but
        for what only the product can know."""
        return []

    def mask_rules(self, path: bytes) -> Rules:
        """Where secrets stand in the content of this path."""
        return rules_for(path)
