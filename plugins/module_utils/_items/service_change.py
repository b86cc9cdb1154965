# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Definitions of Windows services changed as one: all of them, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._compare.registry import RegistryTree, change_between, fold
from .._errors import CommandFailed, ConnectionFailed, RecoveryError, RestoreFailed, RestoreRefused
from .._transport.base import Transport
from .host_registry import HostRegistry
from .service_password import set_account
from .service_settings import (
    SERVICES,
    ServiceSettings,
    beside_sc,
    changes,
    creation,
    needs_password,
    normal_form,
    plain_account,
)

DEADLINE = 120
"""Seconds that one command may take."""


@dataclass(frozen=True)
class Definition:
    """A service as its key says."""

    name: str
    tree: RegistryTree
    settings: ServiceSettings

    def is_same(self, other: Definition) -> bool:
        """Whether both say the same."""
        return normal_form(self.tree).is_same(normal_form(other.tree))


class ServiceChange:
    """Makes services what they shall be, and what they were when that fails.

    :param passwords: account or service -> password
    """

    def __init__(self, transport: Transport, passwords: Mapping[str, str], item: str) -> None:
        self._transport = transport
        self._passwords = {plain_account(name): password for name, password in passwords.items()}
        self._item = item

    def run(self, goals: Sequence[Definition]) -> None:
        """Change what differs.

        :raises RestoreRefused: a password is not given, or what is there now cannot be read; nothing was touched
        :raises RestoreFailed: it went wrong; the message tells whether everything is as it was
        """
        with HostRegistry(self._transport) as registry:
            before = {goal.name: self._before(registry, goal.name) for goal in goals}
            differing = [goal for goal in goals if not self._is_there(goal, before[goal.name])]
            self._demand_passwords(differing, before)
            for at, goal in enumerate(differing):
                try:
                    self._make(registry, goal, before[goal.name])
                except Exception as error:
                    raise self._undone(registry, differing[: at + 1], before, error) from error

    def remove(self, services: Sequence[str]) -> None:
        """Remove services; one that still runs is gone when it ends. Raises CommandFailed."""
        for name in services:
            self._sc(["sc", "delete", name], name)

    # --- nothing is touched -----------------------------------------------------------------------------------------
    def _before(self, registry: HostRegistry, name: str) -> Definition | None:
        try:
            return read_definition(registry, name)
        except ConnectionFailed:
            raise
        except RecoveryError as error:
            raise RestoreRefused(
                f"How the service is set up now cannot be kept, and nothing was touched: {error.message}",
                host=self._transport.host,
                item=name,
                hint=error.hint,
            ) from error

    @staticmethod
    def _is_there(goal: Definition, now: Definition | None) -> bool:
        return now is not None and now.is_same(goal)

    def _demand_passwords(self, goals: Sequence[Definition], before: Mapping[str, Definition | None]) -> None:
        lacking = [
            f"{goal.name} ({goal.settings.account})"
            for goal in goals
            if self._gets_password(goal, before[goal.name]) and self._password(goal) is None
        ]
        if lacking:
            raise RestoreRefused(
                f"The passwords of accounts that services run as are not given: {', '.join(lacking)}",
                host=self._transport.host,
                item=self._item,
                hint="Windows does not give them back: name account or service with its password. Nothing was touched.",
            )

    @staticmethod
    def _gets_password(goal: Definition, now: Definition | None) -> bool:
        account = goal.settings.account
        return needs_password(account) and (now is None or not now.settings.same_account(goal.settings))

    def _password(self, goal: Definition) -> str | None:
        by_account = self._passwords.get(plain_account(goal.settings.account))
        return self._passwords.get(fold(goal.name)) if by_account is None else by_account

    # --- changing ---------------------------------------------------------------------------------------------------
    def _make(self, registry: HostRegistry, goal: Definition, now: Definition | None) -> None:
        if now is None:
            self._sc(creation(goal.name, goal.settings), goal.name)
            now = self._now(registry, goal.name)
        for command in changes(goal.name, now.settings, goal.settings):
            self._sc(command, goal.name)
        self._put_beside(registry, goal)
        if self._gets_password(goal, now):
            self._set_account(goal)
        self._compare(registry, goal)

    def _put_beside(self, registry: HostRegistry, goal: Definition) -> None:
        now = beside_sc(self._now(registry, goal.name).tree, goal.settings)
        change = change_between(now, beside_sc(goal.tree, goal.settings))
        if not change.is_empty:
            registry.make(registry.prepare(change), goal.name)

    def _set_account(self, goal: Definition) -> None:
        password = self._password(goal)
        if password is None:
            raise RestoreFailed(f"the password of {goal.settings.account} is not given", item=goal.name)
        set_account(self._transport, goal.name, goal.settings.account, password)

    def _compare(self, registry: HostRegistry, goal: Definition) -> None:
        now = self._now(registry, goal.name)
        if not now.is_same(goal):
            left = change_between(normal_form(now.tree), normal_form(goal.tree))
            named = {name for values in (*left.keys.values(), *left.removed_values.values()) for name in values}
            said = ", ".join(sorted(named)[:10]) or "what stands below its key"
            raise RestoreFailed(f"The service is not as it was put back: {said}", item=goal.name)

    def _now(self, registry: HostRegistry, name: str) -> Definition:
        now = read_definition(registry, name)
        if now is None:
            raise RestoreFailed("The service is not there", item=name)
        return now

    def _sc(self, command: Sequence[str], service: str) -> None:
        result = self._transport.run(command, deadline=DEADLINE, silence=DEADLINE, limit=64 * 1024)
        if result.rc != 0:
            raise CommandFailed(
                f"{' '.join(command[:2])} ended with {result.rc}",
                host=self._transport.host,
                item=service,
                hint="The number is an error of Windows: `net helpmsg` explains it.",
            )

    # --- taking it back ---------------------------------------------------------------------------------------------
    def _undone(
        self,
        registry: HostRegistry,
        touched: Sequence[Definition],
        before: Mapping[str, Definition | None],
        error: Exception,
    ) -> RestoreFailed:
        stories = []
        for goal in reversed(touched):
            try:
                self._undo(registry, goal.name, before[goal.name])
            except Exception as second:
                stories.append(f"{goal.name} is not as it was: {_story(second)}")
        end = "; ".join(stories) if stories else "the services are set up as they were before"
        hint = error.hint if isinstance(error, RecoveryError) else None
        return RestoreFailed(f"{_story(error)}; {end}", host=self._transport.host, item=self._item, hint=hint)

    def _undo(self, registry: HostRegistry, name: str, before: Definition | None) -> None:
        now = read_definition(registry, name)
        if before is not None:
            if now is None or not now.is_same(before):
                self._make(registry, before, now)
        elif now is not None:
            self._sc(["sc", "delete", name], name)


def read_definition(registry: HostRegistry, name: str) -> Definition | None:
    """A service as it is set up now, None when there is none. Raises RecoveryError."""
    tree = registry.read(f"{SERVICES}\\{name}")
    if tree is None:
        return None
    try:
        return Definition(name, tree, ServiceSettings.of(tree, name))
    except ValueError as error:
        raise CommandFailed(f"a setting of the service is not understood: {error}", item=name) from error


def _story(error: Exception) -> str:
    if not isinstance(error, RecoveryError):
        return f"unexpected {type(error).__name__}"
    return (f"{error.item}: {error.message}" if error.item else error.message).rstrip(".")
