# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(starface_restore): by REST where the appliance restores that way, else the steps for people.

Nothing is pretended: where it cannot be done by REST the task fails and its result holds the steps, unless the steps
are all that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid, RestoreFailed, RestoreRefused
from .._items.base import Item
from .._items.services import Service
from .._products.restore_plans.starface import starface_plan
from .._products.starface import RestoreWishes, Starface
from .._products.starface_archive import OutcomeUnknown
from .._products.starface_rest import BackupsMissing
from .._products.starface_ways import starface as ways_of
from .._repository.backends.base import Backend
from .._repository.format import CommitRecord
from .._repository.journal import RestoreJournal
from .._repository.keys import WriterKey
from .._repository.reader import GenerationReader
from .._repository.writer import RepositoryWriter
from .._transport.base import Transport
from . import unsealing
from .argspec import STEP_PLAN, STEP_START, STEP_STOP, ArgumentSpec
from .backup import BackupOutcome
from .backup_module import occasion_of
from .parts.starface import STARFACE
from .plan_occasion import occasion_of as plan_occasion
from .restore import Restorer
from .restore_module import carry_out, expected_record, newest, plan_text, restore_spec, wanted
from .restore_subject import RestoreOptions
from .tools import tool_versions

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

PROCEDURE, BY_REST = "procedure", "rest"


def starface_restore_spec() -> ArgumentSpec:
    """The options of C(starface_restore)."""
    own = ArgumentSpec(
        {
            "method": {"type": "str", "choices": [BY_REST, PROCEDURE], "default": BY_REST},
            "confirm_host": {"type": "str"},
            "ignore_ip": {"type": "bool", "default": False},
            "ignore_ip_part": {"type": "str"},
            "file_part": {"type": "str", "default": "file"},
            "allow_active_calls": {"type": "bool", "default": False},
        }
    )
    return restore_spec(STARFACE).merge(own)


def restore_starface(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises RecoveryError; why it cannot be done by REST comes with the steps."""

    def body(backend: Backend, file_keys: unsealing.FileKeys | None) -> dict[str, Any]:
        keys = unsealing.required(file_keys, "To restore")
        if module.params["drill"]:
            raise OptionInvalid(
                "Nothing tells by REST whether an appliance is the production one, so no drill is done that way",
                hint="Drill into a folder, and on an appliance of its own by the steps of method procedure.",
            )
        record = wanted(module.params, backend, STARFACE)[0]
        with ExitStack() as opened:
            reader = opened.enter_context(GenerationReader(backend, record, keys))
            if module.params["method"] == PROCEDURE:
                return {"changed": False, "restored": False, **_steps(module.params, backend, reader, "")}
            expected = expected_record(module.params, backend, STARFACE, record)
            known = opened.enter_context(GenerationReader(backend, expected, keys)) if expected is not None else None
            return _Restore(module, backend, reader, known).run()

    return unsealing.serve(module, _wanted, body, useful=unsealing.readable(_newest))


def _wanted(params: Mapping[str, Any], backend: Backend) -> Sequence[CommitRecord]:
    return wanted(params, backend, STARFACE)


def _newest(params: Mapping[str, Any], backend: Backend) -> Sequence[CommitRecord]:
    return newest(params, backend, STARFACE)


def _steps(params: Mapping[str, Any], backend: Backend, reader: GenerationReader, why: str) -> dict[str, Any]:
    plan = starface_plan(plan_occasion(backend, reader), ignore_ip=params["ignore_ip"], why=why)
    return {
        "generation": plan.generation,
        "steps": [step.to_result() for step in plan.branches[0].steps],
        "text": plan.markdown(),
    }


class _Restore:
    def __init__(
        self, module: AnsibleModule, backend: Backend, reader: GenerationReader, expected: GenerationReader | None
    ) -> None:
        self._module = module
        self._params = module.params
        self._backend = backend
        self._reader = reader
        self._expected = expected

    def run(self) -> dict[str, Any]:
        params = self._params
        product = Starface(STARFACE.product_options(params))
        product.wishes = RestoreWishes(
            confirm_host=params["confirm_host"] or "",
            ignore_ip=params["ignore_ip"],
            ignore_ip_part=params["ignore_ip_part"] or "",
            allow_active_calls=params["allow_active_calls"],
            file_part=params["file_part"],
        )
        key = WriterKey.load(params["writer_key_file"])
        options = RestoreOptions(
            source=params["source"],
            instance=params["instance"],
            occasion=occasion_of(params, "pre_restore"),
            only_items=params["only_items"],
            paths=params["only_paths"],
            pre_restore=params["pre_restore"],
            allow_different_host=params["allow_different_host"],
            allow_version_mismatch=params["allow_version_mismatch"],
            confirm_losses=params["confirm_losses"],
            tools=tool_versions(),
        )
        reached = {**params, "mode": "rest"}
        with RepositoryWriter(self._backend, key) as store, STARFACE.transport(reached) as transport:
            self._demand_rest(transport)
            now = product.probe(transport)
            restorer = StarfaceRestorer(store, transport, product, self._reader, now, options, self._expected)
            if params["step"] in (STEP_STOP, STEP_START):
                return {"changed": False, "generation": restorer.generation, "restored": False}
            plan_only = params["step"] == STEP_PLAN
            result = carry_out(restorer, look_only=self._module.check_mode, plan_only=plan_only)
            result["restored"] = "restored_items" in result
        if self._module._diff:
            result["diff"] = {"prepared": plan_text(result["plan"])}
        return result

    def _demand_rest(self, transport: Transport) -> None:
        """Raises RestoreRefused with the steps when the appliance restores nothing by REST, or not in this way."""
        rest = ways_of(transport).rest
        why = ""
        if rest is None:
            why = "There is no login to the appliance's REST interface"
        elif self._params["ignore_ip"] and not self._params["ignore_ip_part"]:
            why = "How the REST interface is told to ignore the file's IP address is not published"
        elif not self._has_backups(rest):
            why = "This appliance restores nothing by REST, which needs STARFACE 10"
        if why:
            raise RestoreRefused(
                f"{why}, and nothing was touched",
                host=transport.host,
                hint="Restore by hand: the steps are in the result of this task.",
                result={"restored": False, **_steps(self._params, self._backend, self._reader, f"{why}.")},
            )

    @staticmethod
    def _has_backups(rest: Any) -> bool:
        try:
            return bool(rest.has_backups())
        except BackupsMissing:
            return False


class StarfaceRestorer(Restorer):
    """Of an appliance that nobody can ask whether the restore was good, nothing is rolled back on a guess."""

    def _roll_back(
        self,
        journal: RestoreJournal,
        before: BackupOutcome | None,
        ran: Sequence[Service],
        items: Sequence[Item],
        error: Exception,
    ) -> None:
        if isinstance(error, OutcomeUnknown):
            kept = str(before.committed.generation_id) if before is not None and before.committed is not None else None
            back = f" To go back, restore {kept}." if kept else ""
            raise RestoreFailed(
                f"Nobody knows whether the restore of {self.generation} was done: {error.message}",
                host=self._transport.host,
                hint=f"{error.hint or ''}{back} The journal keeps this restore open until one ends well.".strip(),
                journal=journal.identifier,
                pre_restore=kept,
            ) from error
        super()._roll_back(journal, before, ran, items, error)
