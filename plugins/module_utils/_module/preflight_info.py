# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(preflight_info): could this host be backed up, and how much would that be?

It goes the way of a backup, step by step, with the code of a backup, and stops where the backup would stop. Nothing is
written on the host. Who the host is comes before any secret: with an unknown key nobody logs in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._entries import ItemReport
from .._errors import (
    ConnectionFailed,
    ItemMissing,
    RecoveryError,
)
from .._items.base import Extent, Item
from .._products.base import Check, Probe, Product
from .._repository.keyring import check_pinned, load_keyring
from .._repository.keys import WriterKey
from .._transport.base import Transport
from .._transport.proof import Shown
from .._transport.windows_looking import looking
from . import unsealing
from .all_parts import PARTS
from .argspec import ArgumentSpec, unlock
from .backup_specs import spec_of_backup
from .independence import check_independence
from .opening import open_backend
from .product_parts import ProductParts
from .receiving import zone_of
from .reserve import check_reserve, reserve_of
from .secret_values import secrets_of

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

MOST_PROBLEMS = 5
"""Problems of one item that are told; the others are counted."""

SPEC = ArgumentSpec(
    {
        "product": {"type": "str", "required": True, "choices": sorted(PARTS)},
        "options": {"type": "dict", "required": True, "no_log": True},
    }
)


class NotReady(RecoveryError):
    """A step of the preflight says that no backup could be made."""


def look_before_the_first_backup(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. A host that is not ready is a result and no error.

    Raises OptionInvalid when something that opens the repository reached this host.
    """
    product, given = module.params["product"], module.params["options"]
    unsealing.refuse_secrets(given)
    spec = spec_of_backup(product)
    judged = ArgumentSpecValidator(**spec.to_kwargs()).validate(given)
    params = judged.validated_parameters
    # All of options counts as secret until here. Of what is left only secrets are to be masked in the result.
    module.no_log_values.clear()
    module.no_log_values.update(secrets_of({**unlock().options, **spec.options}, given))
    flight = Preflight(PARTS[product], params)
    unknown = sorted(given.keys() - spec.options.keys())
    if unknown:
        flight.note("options", False, f"Unsupported parameters: {', '.join(unknown)}")
    elif judged.error_messages:
        flight.note("options", False, "; ".join(judged.error_messages))
    else:
        flight.run()
    return flight.result(given)


@dataclass
class Measured:
    """One item as it was looked at."""

    item: Item
    extent: Extent
    report: ItemReport

    @property
    def missing(self) -> bool:
        """Whether the contract would miss it."""
        return bool(self.report.problems) or (self.item.required and not self.report.found)

    def words(self) -> str:
        """Why it is missing."""
        if not self.report.problems:
            return f"{self.item.name}: demanded, but not found"
        first = self.report.problems[0]
        more = f", and {len(self.report.problems) - 1} more" if len(self.report.problems) > 1 else ""
        return f"{self.item.name}: {first.path + ': ' if first.path else ''}{first.message}{more}"

    def to_result(self) -> dict[str, Any]:
        """For the module's result."""
        problems = [{"path": one.path, "message": one.message} for one in self.report.problems]
        return {
            "name": self.item.name,
            "data_class": self.item.data_class,
            "required": self.item.required,
            "found": self.report.found,
            "entries": self.extent.entries,
            "bytes": self.extent.size,
            "problems": problems[:MOST_PROBLEMS],
            "problems_total": len(problems),
        }


@dataclass
class Preflight:
    """One host's way. ``params`` are the options of C(<product>_backup), judged."""

    parts: ProductParts
    params: Mapping[str, Any]
    checks: list[Check] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    probe: Probe = field(default_factory=Probe)

    def note(self, name: str, ok: bool | None, detail: str = "") -> None:
        """Add what a step saw."""
        self.checks.append(Check(name, ok, detail))

    def run(self) -> None:
        """Go as far as it goes. What is wrong with the repository keeps nobody from looking at the host."""
        with self._step("repository") as told:
            told.append(self._look_at_repository())
        if self._arrives():
            with self._step("landing zone") as told:
                told.append(self._look_at_landing())
            return
        with self._step("identity") as told:
            told.append(self._look_at_identity())
        if self._stopped:
            return
        with self._step("options") as told, ExitStack() as opened:
            product = self.parts.product(self.params)
            transport = opened.enter_context(looking(self.parts.transport(self.params)))
            told.append("")
            self._look_at_host(product, transport)

    @property
    def _stopped(self) -> bool:
        """Whether the last step failed, so that the next one makes no sense."""
        return self.checks[-1].ok is False

    def _arrives(self) -> bool:
        """Whether the product pushes its backups, so that nobody asks its host anything."""
        if self.parts.connection.name == "landing":
            return True
        params = self.params
        login = params.get("ssh") or (params.get("username") and params.get("password"))
        return bool(params.get("landing")) and (params["mode"] == "landing" or not login)

    # --- the steps ----------------------------------------------------------------------------------------------------
    def _look_at_repository(self) -> str:
        backend = open_backend(self.params)
        check_pinned(load_keyring(backend), WriterKey.load(self.params["writer_key_file"]))
        if not os.access(backend.location, os.R_OK | os.W_OK | os.X_OK):
            raise NotReady("The repository may not be written", hint="Run the module as the user that owns it.")
        check_reserve(backend, reserve_of(self.params))
        return f"{backend.free_bytes()} bytes free"

    def _look_at_landing(self) -> str:
        if self.params.get("path"):
            if not os.access(self.params["path"], os.R_OK):
                raise NotReady("The file that path names cannot be read", item=self.params["path"])
            return "the file can be read"
        zone = zone_of(self.params)
        return f"{len(os.listdir(zone.incoming))} names in {os.fsdecode(zone.incoming)}"

    def _look_at_identity(self) -> str:
        self.shown = self.parts.shown(self.params)
        doubted = [one for one in self.shown if one.doubt]
        if doubted:
            raise NotReady(
                "; ".join(f"{one.host} port {one.port} shows {one.fingerprint}: {one.doubt}" for one in doubted),
                hint="Nobody logged in. Compare the fingerprint on the host itself, then make it known.",
            )
        return ", ".join(one.fingerprint for one in self.shown) or "this way shows nothing before the login"

    def _look_at_host(self, product: Product, transport: Transport) -> None:
        with self._step("login") as told:
            self._log_in(transport)
            told.append(f"as {self.params.get('username')}" if self.params.get("username") else "")
        if self._stopped:
            return
        if product.become:
            with self._step("sudo") as told:
                transport.run(["true"], become=product.become)
                told.append("may become root")
            if self._stopped:
                return
        with self._step("product") as told:
            self.probe = product.probe(transport)
            if not self.probe.release:
                raise NotReady(
                    f"No {self.parts.name} was found there", hint="Is it this host, and are the options right?"
                )
            told.append(self.probe.release)
        if self._stopped:
            return
        with self._step("independence") as told:
            found = check_independence(transport, product, self.probe, self.params["allow_same_host"])
            told.append(found[0].text if found else "")
        self.needs = [str(one) for one in product.companions(self.probe)]
        with self._step("contents") as told:
            self._measure(product.items(self.probe), transport)
            missing = [one.words() for one in self.measured if one.missing]
            if missing:
                more = f"; and {len(missing) - MOST_PROBLEMS} more" if len(missing) > MOST_PROBLEMS else ""
                raise NotReady(
                    "; ".join(missing[:MOST_PROBLEMS]) + more,
                    hint="The generation would be partial. Give the rights, or correct the options.",
                )
            told.append(f"{len(self.measured)} items")

    def _log_in(self, transport: Transport) -> None:
        """Log in on every way there is. What has no way of its own to do so does it when it is first asked."""
        for way in (transport, getattr(transport, "commands", None), getattr(transport, "ssh", None)):
            connect = getattr(way, "connect", None)
            if connect is not None:
                connect()
        if self.parts.connection.name == "ssh":
            transport.run(["true"])
        if self.parts.connection.name == "windows":
            transport.list_dir(b"/C:/")

    def _measure(self, items: Sequence[Item], transport: Transport) -> None:
        for item in items:
            report = ItemReport(item.name)
            extent = Extent(0, None)
            try:
                extent = item.measure(transport, report)
            except ItemMissing:
                report.found = False
            except ConnectionFailed as error:
                report.problem("", error.message)
                self.measured.append(Measured(item, extent, report))
                raise
            except RecoveryError as error:
                report.problem(error.item or "", error.message)
            self.measured.append(Measured(item, extent, report))

    @contextmanager
    def _step(self, name: str) -> Iterator[list[str]]:
        """One step: its check is noted whatever happens. A word that is appended is its detail."""
        told: list[str] = []
        try:
            yield told
        except (RecoveryError, OSError) as error:
            self.note(name, False, one_line(error))
        else:
            self.note(name, True, told[0] if told else "")

    # --- the result ---------------------------------------------------------------------------------------------------
    def result(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What the module returns: no secret, one line for each check."""
        known = [one.extent.size for one in self.measured if one.extent.size is not None]
        wrong = [f"{check.name}: {check.detail}" for check in self.checks if check.ok is False]
        return {
            "changed": False,
            "ready": not wrong,
            "problem": "; ".join(wrong),
            "source": str(given.get("source") or ""),
            "host": str(given.get("host") or given.get("source") or ""),
            "product": self.parts.name,
            "instance": self.parts.instance({"instance": "", **given}),
            "connection": self.parts.connection.name,
            "release": self.probe.release,
            "checks": [check.to_result() for check in self.checks],
            "shown": [one.to_result() for one in self.shown],
            "contents": [one.to_result() for one in self.measured],
            "entries": sum(one.extent.entries for one in self.measured),
            "bytes": sum(known) if known else None,
            "not_measured": [one.item.name for one in self.measured if one.report.found and one.extent.size is None],
            "missing": [one.item.name for one in self.measured if one.missing],
            "needs": self.needs,
        }


def one_line(error: Exception) -> str:
    """An error in one line, without the host's name, which stands beside it."""
    if isinstance(error, RecoveryError):
        text = f"{error.item}: {error.message}" if error.item else error.message
        text = f"{text.rstrip('.')}. {error.hint}" if error.hint else text
    else:
        text = f"{getattr(error, 'filename', None) or ''}: {getattr(error, 'strerror', None) or type(error).__name__}"
    return " ".join(text.strip(": ").split())
