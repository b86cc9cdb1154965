# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import secrets
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid, RecoveryError
from ansible_collections.ucops.recovery.plugins.module_utils._module.argspec import UNLOCK_OPTIONS
from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_backup import CONTROLLER_OPTIONS, SPEC
from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_hosts import (
    FLEET_PRODUCTS,
    FleetHost,
    split_secrets,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import failure
from ansible_collections.ucops.recovery.plugins.plugin_utils.fleet_progress import FleetProgress
from ansible_collections.ucops.recovery.plugins.plugin_utils.play_hosts import hosts_with_variables
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import BackupAction

OF_THE_WHOLE_RUN = ("repository", "writer_key_file", *UNLOCK_OPTIONS)
"""What hosts may declare among their options, and must not differ in."""


class ActionModule(BackupAction):
    """Makes one job of all hosts of the play, and sends it where the task is delegated to."""

    BYPASS_HOST_LOOP = True

    spec = SPEC
    internal_options = (*BackupAction.internal_options, "hosts", "secrets", "progress_file")

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """A result for every host of the play's batch under C(hosts)."""
        own = {name: options.pop(name, None) for name in CONTROLLER_OPTIONS}
        hosts, refused, results = self._hosts(own, options, task_vars)
        results.update({name: {"changed": False, "failed": True, **failure(error)} for name, error in refused.items()})
        answer: dict[str, Any] = {"changed": False, "commits": 0, "duration": 0.0}
        if hosts:
            try:
                progress_file = f"/tmp/.ucops-{secrets.token_hex(16)}"
                answer = self._send(hosts, {**options, "progress_file": progress_file}, task_vars)
            except AnsibleConnectionFailure as error:
                answer = {"unreachable": True, "msg": f"The backup host cannot be reached: {error}"}
            if answer.get("failed") or answer.get("unreachable"):
                # nothing was begun: that is every host's story, and no reason to stop the play for all of them
                story = {name: answer[name] for name in ("msg", "error", "failed", "unreachable") if name in answer}
                answer["hosts"] = {host.name: {"changed": False, **story} for host in hosts}
                answer = {name: answer[name] for name in ("hosts", "msg", "error") if name in answer}
        results.update(answer.pop("hosts", {}))
        return {"changed": False, **answer, "hosts": results}

    def _hosts(
        self, own: dict[str, Any], options: dict[str, Any], task_vars: dict[str, Any]
    ) -> tuple[list[FleetHost], dict[str, RecoveryError], dict[str, Any]]:
        """The hosts with their options, held against their products' specifications; those whose are not right; the
        results of those that are not for this job."""
        product, declared, site, backup_host = (
            str(own[name] or SPEC.options[name]["default"]) for name in CONTROLLER_OPTIONS if name.endswith("variable")
        )
        hosts: list[FleetHost] = []
        refused: dict[str, RecoveryError] = {}
        others: dict[str, Any] = {}
        batch = task_vars["ansible_play_batch"]
        for variables in hosts_with_variables(batch, self._task, task_vars, self._loader):
            name = variables.name
            try:
                kind = variables.value(product)
                at = variables.value(backup_host) if self._task.delegate_to else None
                if not kind or kind not in FLEET_PRODUCTS:
                    others[name] = {"changed": False, "skipped": True, "own_task": bool(kind)}
                    continue
                if at not in (None, self._task.delegate_to):
                    others[name] = self._elsewhere("backup host")
                    continue
                omit = task_vars.get("omit")  # left in place by older versions of Ansible
                given = {one: value for one, value in (variables.value(declared) or {}).items() if value != omit}
                if len({one.get("repository") for one in (given, options)} - {None}) > 1:
                    others[name] = self._elsewhere("repository")
                    continue
                self._share(given, options, name)
                host = FleetHost(name, str(kind), given, str(variables.value(site) or ""))
                FleetHost(name, host.product, {**given, **self._shared(options)}, host.site).params()
                hosts.append(host)
            except RecoveryError as error:
                refused[name] = error
        return hosts, refused, others

    @staticmethod
    def _elsewhere(what: str) -> dict[str, Any]:
        """The result of a host that is left to a task of its own. Who has none for it, is to see that."""
        warning = f"Not backed up by this job, as its {what} is another one: it needs a task of its own."
        return {"changed": False, "skipped": True, "own_task": True, "warnings": [warning]}

    @staticmethod
    def _share(given: dict[str, Any], options: dict[str, Any], name: str) -> None:
        for option in OF_THE_WHOLE_RUN:
            value = given.pop(option, None)
            if value is None:
                continue
            if options.setdefault(option, value) != value:
                raise OptionInvalid(
                    f"The option {option} is another one than that of the hosts before it",
                    host=name,
                    hint="Hosts of one job share a repository and what opens it; give the others a play of their own.",
                )

    @staticmethod
    def _shared(options: dict[str, Any]) -> dict[str, Any]:
        return {name: options[name] for name in ("repository", "writer_key_file") if options.get(name)}

    def _send(self, hosts: list[FleetHost], options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        seen, hidden = [], {}
        for host in hosts:
            visible, secret = split_secrets(host.product, host.options)
            seen.append({"name": host.name, "product": host.product, "options": visible, "site": host.site})
            if secret:
                hidden[host.name] = secret
        if hidden:
            self.require_pipelining()
        return super().serve({**options, "hosts": seen, "secrets": hidden}, task_vars)

    def module(self, options: Any, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run the module, and say how far it is meanwhile."""
        interval = self._task.args.get("progress_interval")
        try:
            seconds = float(interval) if interval is not None else None
        except (TypeError, ValueError):
            raise AnsibleError("progress_interval is not a number of seconds") from None
        with FleetProgress(self, str(options["progress_file"]), seconds):
            return super().module(options, task_vars)
