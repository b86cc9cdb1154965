# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the variables of a play are worth for each of its hosts, as seen from a task that runs once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook.task import Task
from ansible.template import Templar

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid


class HostVariables:
    """The variables of one host, as a task of its own would see them at this place of the play.

    :param load: gives them; is called at the first look, so that what is wrong there is this host's story
    """

    def __init__(self, name: str, load: Callable[[], Mapping[str, Any]], loader: Any) -> None:
        self.name = name
        self._load = load
        self._loader = loader

    @cached_property
    def _variables(self) -> Mapping[str, Any]:
        return self._load()

    @cached_property
    def _templar(self) -> Templar:
        return Templar(loader=self._loader, variables=self._variables)

    def value(self, variable: str) -> Any:
        """What it is worth; None when it is not defined. Raises OptionInvalid when it cannot be made out."""
        if variable not in self._variables:
            return None
        try:
            return self._templar.template(self._variables[variable])
        except AnsibleError as error:
            raise OptionInvalid(f"The variable {variable} cannot be made out: {error}", host=self.name) from None


def hosts_with_variables(
    hosts: Sequence[str], task: Task, task_vars: Mapping[str, Any], loader: Any
) -> Iterator[HostVariables]:
    """For every host its variables, those of play, block and role among them, and what was given with C(-e)."""
    hostvars = task_vars["hostvars"]
    play = _play_of(task)
    batch = {"_hosts": task_vars.get("ansible_play_hosts"), "_hosts_all": task_vars.get("ansible_play_hosts_all")}
    for name in hosts:
        host = hostvars._inventory.get_host(name)
        load = partial(hostvars._variable_manager.get_vars, play=play, host=host, task=task, **batch)
        yield HostVariables(name, load, loader)


def _play_of(task: Task) -> Any:
    parent = task._parent
    while not hasattr(parent, "_play"):
        parent = parent._parent
    return parent._play


def plain(value: Any) -> Any:
    """A value as it goes to a module: without what Ansible notes on texts, which makes copying them dear."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {plain(name): plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value
