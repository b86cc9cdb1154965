# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.argspec import UNLOCK_OPTIONS
from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_backup import CONTROLLER_OPTIONS, SPEC
from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_hosts import (
    FLEET_PRODUCTS,
    FleetHost,
    split_secrets,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import failure
from ansible_collections.ucops.recovery.plugins.module_utils._module.secret_values import masked
from ansible_collections.ucops.recovery.plugins.plugin_utils.fleet_progress import FleetProgress
from ansible_collections.ucops.recovery.plugins.plugin_utils.payload_ahead import payload_ahead
from ansible_collections.ucops.recovery.plugins.plugin_utils.play_hosts import hosts_with_variables, plain
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import BackupAction

OF_THE_WHOLE_RUN = ("repository", "writer_key_file", *UNLOCK_OPTIONS)
"""What hosts may declare among their options, and must not differ in."""

STORY = ("msg", "error", "failed", "unreachable", "rc", "details", "exception", "module_stdout", "module_stderr")
"""What a job that failed as a whole leaves to each of its hosts."""

TOLD = 4000
"""Characters that each host is told of what a module wrote that died; its end says most."""

GO_ON = (
    "The job may have begun. What it committed is kept: run it again with the same run_id, and only the rest is made."
)


class ActionModule(BackupAction):
    """Makes one job of all hosts of the play, and sends it where the task is delegated to."""

    BYPASS_HOST_LOOP = True

    spec = SPEC
    internal_options = (*BackupAction.internal_options, "hosts", "secrets", "progress_file")

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """A result for every host of the play's batch under C(hosts)."""
        own = {name: options.pop(name, None) for name in CONTROLLER_OPTIONS}
        with payload_ahead(self, task_vars):
            hosts, results = self._hosts(own, options, task_vars)
        answer: dict[str, Any] = {"changed": False, "commits": 0, "duration": 0.0}
        if hosts:
            try:
                answer = self._send(hosts, own["progress_interval"], options, task_vars)
            except Exception as error:
                answer = _story(error)
            if answer.get("failed") or answer.get("unreachable"):
                # that is every host's story, and no reason to stop the play for all of them
                own_story = _for_one_host(answer)
                answer = {name: value for name, value in answer.items() if name in STORY}
                answer = {name: value for name, value in answer.items() if name not in ("failed", "unreachable")}
                answer["hosts"] = {host.name: masked(own_story, host.secrets) for host in hosts}
        results.update(answer.pop("hosts", {}))
        return {"changed": False, **answer, "hosts": results}

    def _hosts(
        self, own: dict[str, Any], options: dict[str, Any], task_vars: dict[str, Any]
    ) -> tuple[list[FleetHost], dict[str, Any]]:
        """The hosts with their options, held against their products' specifications; the results of those whose are
        not right, and of those that are not for this job."""
        product, declared, site, backup_host = (
            str(own[name] or SPEC.options[name]["default"])
            for name in ("product_variable", "options_variable", "site_variable", "backup_host_variable")
        )
        own_task = own["own_task_variable"]
        others_alone: set[str] = set()
        hosts: list[FleetHost] = []
        others: dict[str, Any] = {}
        batch = task_vars["ansible_play_batch"]
        for variables in hosts_with_variables(batch, self._task, task_vars, self._loader):
            name = variables.name
            try:
                kind = variables.value(product)
                at = variables.value(backup_host) if self._task.delegate_to else None
                if not kind or kind not in FLEET_PRODUCTS:
                    others_alone.add(str(kind or (variables.value(own_task) if own_task else "") or ""))
                    others[name] = {"changed": False, "skipped": True, "own_task": bool(kind)}
                    continue
                if at not in (None, self._task.delegate_to):
                    others[name] = self._elsewhere("backup host")
                    continue
                omit = task_vars.get("omit")  # left in place by older versions of Ansible
                given = {
                    one: plain(value) for one, value in _named(variables.value(declared), declared) if value != omit
                }
                if len({one.get("repository") for one in (given, options)} - {None}) > 1:
                    others[name] = self._elsewhere("repository")
                    continue
                self._share(given, options, name)
                host = FleetHost(name, str(kind), given, str(variables.value(site) or ""))
                FleetHost(name, host.product, {**given, **self._shared(options)}, host.site).params()
                hosts.append(host)
            except Exception as error:
                others[name] = {"changed": False, **_story(error)}
        for host in hosts if own_task else ():
            missed = sorted(host.place.after & others_alone)
            if missed:
                others[host.name] = self._later(", ".join(missed))
        return [host for host in hosts if host.name not in others], others

    def _elsewhere(self, what: str) -> dict[str, Any]:
        return self._left(f"its {what} is another one: it needs a task of its own")

    def _later(self, products: str) -> dict[str, Any]:
        return self._left(
            f"it may demand generations of {products} of hosts that have tasks of their own: its is later"
        )

    @staticmethod
    def _left(why: str) -> dict[str, Any]:
        """The result of a host that is left to a task of its own. Who has none for it, is to see that."""
        warning = f"Not backed up by this job, as {why}."
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

    def _send(
        self, hosts: list[FleetHost], interval: Any, options: dict[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        self._interval = _seconds(interval)
        seen, hidden = [], {}
        for host in hosts:
            visible, secret = split_secrets(host.product, host.options)
            seen.append({"name": host.name, "product": host.product, "options": visible, "site": host.site})
            if secret:
                hidden[host.name] = secret
        if hidden:
            self.require_pipelining()
        told_in = {"progress_file": f"/tmp/.ucops-{secrets.token_hex(16)}"}
        return super().serve({**options, "hosts": seen, "secrets": hidden, **told_in}, task_vars)

    def module(self, options: Any, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run the module, and say how far it is meanwhile."""
        with FleetProgress(self, str(options["progress_file"]), self._interval):
            return super().module(options, task_vars)


def _named(options: Any, variable: str) -> Iterable[tuple[str, Any]]:
    """Options by name. Raises OptionInvalid when there is anything else."""
    if options is None or options == "":
        return ()
    if not isinstance(options, Mapping):
        raise OptionInvalid(f"{variable} is no dictionary of options")
    for name in options:
        if not isinstance(name, str):
            raise OptionInvalid(f"{name!r} is no name of an option, in {variable}")
    return options.items()


def _seconds(interval: Any) -> float | None:
    """Raises OptionInvalid."""
    if interval is None:
        return None
    try:
        seconds = float(interval)
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise OptionInvalid("progress_interval is no number of seconds", hint="Give 0 for no lines at all.")
    return seconds


def _story(error: Exception) -> dict[str, Any]:
    """What is told of an error, to one host or to all."""
    if isinstance(error, AnsibleConnectionFailure):
        return {"unreachable": True, "msg": f"The backup host cannot be reached: {error} {GO_ON}"}
    facts = failure(error)
    if isinstance(error, AnsibleError):
        facts = {"msg": str(error), "error": type(error).__name__}
    return {"failed": True, **facts}


def _for_one_host(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A job's failure as each host is told of it."""
    story = {"changed": False, **{name: answer[name] for name in STORY if name in answer}}
    if "module_stdout" in answer:
        story["msg"] = f"The job for all hosts died on the backup host: {answer.get('msg', '')} {GO_ON}"
    for name in ("module_stdout", "module_stderr"):
        if name in story:
            story[name] = str(story[name])[-TOLD:]
    return story
