# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of a Windows host: how they are set up, and whether they run."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from .._compare.registry import RegistryFileMalformed, RegistryNormaliser, fold, parse_export
from .._entries import Entry, Gathered, ItemReport, path_to_text
from .._errors import CommandFailed, HostileContent, ItemTruncated, OptionInvalid, RestoreRefused
from .._transport.base import CommandResult, Transport
from .base import Item, LineNormaliser
from .host_registry import HostRegistry
from .registry_change import judged_content
from .service_change import Definition, ServiceChange
from .service_settings import DISABLED, SERVICES, ServiceSettings, is_expressible, normal_form
from .services import FIRM_AFTER, SLACK, Service, ServiceControl
from .tree_listing import note

_PREFIX = b"/@service/"
_SUFFIX = b".reg"
_NO_NAME = re.compile(r"[/\\\x00-\x1f\"]|\A\.{1,2}\Z|\A\s|\s\Z")
_LONGEST_NAME = 256


def is_service_name(name: str) -> bool:
    """Whether Windows could call a service so."""
    return 0 < len(name) <= _LONGEST_NAME and not _NO_NAME.search(name)


class WindowsServiceName(Service):
    """A service by its name, which may hold what names on Unix may not: ``MSSQL$CHAT``."""

    def __post_init__(self) -> None:
        if not is_service_name(self.name):
            raise OptionInvalid(f"{self.name!r} is no name of a service")
        if self.start or self.stop or self.status:
            raise OptionInvalid("Windows itself starts, stops and asks a service", item=self.name)


# --- how they are set up ----------------------------------------------------------------------------------------------
@dataclass
class ServiceDefinitions(Item):
    """The definition of services, each as an entry of kind ``dump`` and path ``/@service/<name>.reg``: the export of
    its registry key.

    It is put back by ``sc``, since Windows reads these keys only when it starts. What ``sc`` does not know (parameters
    of the program, triggers) goes into the key; triggers take effect when Windows starts the next time. A service that
    is missing is made; its program must be there for it to start.

    ``passwords``: account or service -> password, for services that do not run as one of Windows' own accounts. They
    are needed only where a service gets another account than it has.
    """

    services: Sequence[str] = ()
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)

    scope_fields: ClassVar[Sequence[str]] = ("services",)

    def __post_init__(self) -> None:
        super().__post_init__()
        wrong = [name for name in self.services if not is_service_name(name)]
        if wrong or not self.services:
            what = f"{wrong[0]!r} is no name of a service" if wrong else "There are no services"
            raise OptionInvalid(what, item=self.name)

    def covers(self, path: bytes) -> bool:
        name = service_of(path)
        return name is not None and fold(name) in map(fold, self.services)

    def normaliser(self, entry: Entry) -> LineNormaliser | None:
        return RegistryNormaliser(normal_form)

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        report.found = False
        with HostRegistry(transport) as registry:
            for name in {fold(name): name for name in self.services}.values():
                yield from self._of_service(registry, report, name)

    def _of_service(self, registry: HostRegistry, report: ItemReport, name: str) -> Iterator[Gathered]:
        path = path_of_service(name)
        key = f"{SERVICES}\\{name}"
        try:
            content = registry.export(key)
        except (CommandFailed, OptionInvalid) as error:
            report.found = True
            report.problem(path, error.message)
            return
        if content is None:
            note(report, "nothing_at", path)
            return
        report.found = True
        extra = {"service": name}
        try:
            settings = ServiceSettings.of(parse_export(content, key), name)
            extra.update(account=settings.account, display_name=settings.display_name, start=settings.start)
        except (ItemTruncated, RegistryFileMalformed, HostileContent) as error:
            report.problem(path, error.message)
        except ValueError as error:
            report.problem(path, f"a setting of the service is not understood: {error}")
        entry = Entry(
            item=self.name,
            data_class=self.data_class,
            kind="dump",
            path=path,
            size=len(content),
            sensitive=self.sensitive,
            extra=extra,
        )
        yield entry, (content,)

    def judge(self, wanted: Sequence[Entry]) -> None:
        super().judge(wanted)
        for entry in wanted:
            if entry.kind != "dump":
                raise HostileContent(
                    "This is no definition of a service; nothing was written", item=path_to_text(entry.path)
                )

    def restore(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        pairs = list(wanted)
        self.judge([entry for entry, _content in pairs])
        goals = [self._goal(entry, content) for entry, content in pairs]
        meant = {fold(goal.name) for goal in goals}
        later = {service_of(entry.path) or "" for entry in current if self.covers(entry.path)}
        surplus = sorted(name for name in later if fold(name) not in meant)
        if surplus:
            raise RestoreRefused(
                f"The generation knows nothing of services that are on the host now: {', '.join(surplus)}",
                host=transport.host,
                item=self.name,
                hint="A service is removed by removing its program. Nothing was touched.",
            )
        if goals:
            ServiceChange(transport, self.passwords, self.name).run(goals)

    def undo(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        """Services that were not there are removed, the others set up as they were."""
        pairs = list(wanted)
        known = {fold(service_of(entry.path) or "") for entry, _content in pairs}
        made = {entry.path: service_of(entry.path) or "" for entry in current if self.covers(entry.path)}
        made = {path: name for path, name in made.items() if fold(name) not in known}
        ServiceChange(transport, self.passwords, self.name).remove(list(made.values()))
        self.restore(transport, pairs, [entry for entry in current if entry.path not in made])

    @staticmethod
    def _goal(entry: Entry, content: Iterable[bytes]) -> Definition:
        name = service_of(entry.path) or ""
        tree = judged_content(content, f"{SERVICES}\\{name}", entry.path)
        try:
            settings = ServiceSettings.of(tree, name)
            reason = is_expressible(settings)
        except ValueError as error:
            reason = f"a setting is not understood: {error}"
        if reason:
            raise HostileContent(
                f"The service cannot be put back: {reason}; nothing was written", item=path_to_text(entry.path)
            )
        return Definition(name, tree, settings)


def path_of_service(name: str) -> bytes:
    """The path of a service's entry."""
    return _PREFIX + name.encode("utf-8", "surrogatepass") + _SUFFIX


def service_of(path: bytes) -> str | None:
    """The reverse; None for what is no such path."""
    if not (path.startswith(_PREFIX) and path.endswith(_SUFFIX)):
        return None
    try:
        name = path[len(_PREFIX) : -len(_SUFFIX)].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return name if is_service_name(name) else None


# --- whether they run -------------------------------------------------------------------------------------------------
STOPPED, START_PENDING, STOP_PENDING, RUNNING = 1, 2, 3, 4
"""States of a service as Windows counts them (SERVICE_STATUS.dwCurrentState)."""
_PAUSED = 7
_STATE_NAMES = {2: "it is still starting", 3: "it is still stopping", 4: "it still runs", 7: "it is paused"}
_OWN_PROCESS = 0x10
_NO_SUCH_SERVICE = 1060
_ALREADY_RUNS = 1056
_DOES_NOT_RUN = 1062
_NOT_NOW = (1052, 1061)
"""The service takes no such order in the state it is in, or none at the moment."""
_MEANINGS = {
    5: "access is denied",
    1051: "services that depend on it still run",
    1053: "it did not answer in time",
    1058: "it is disabled",
    1068: "a service that it depends on does not start",
    1069: "it cannot log on: its account or password is wrong, or the account may not log on as a service",
    1072: "it is marked to be deleted",
    1075: "a service that it depends on is not there",
}
_NUMBERED = re.compile(rb"^[ \t]+[^:\r\n]+:[ \t]*([0-9a-fA-F]+)\b")


class WindowsServiceControl(ServiceControl):
    """Services of one Windows host, by ``sc``: its numbers are the same in every language, its words are not.

    :param deadline: seconds until a service must have stopped or come up
    """

    def __init__(
        self,
        transport: Transport,
        *,
        deadline: float = 180,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(transport, become=False, deadline=deadline, clock=clock, sleep=sleep)

    def exists(self, service: Service) -> bool:
        return self._told(service) is not None

    def is_active(self, service: Service) -> bool:
        return self._told_of(service).state != STOPPED

    def is_disabled(self, service: Service) -> bool:
        key = f"{SERVICES}\\{service.name}"
        with HostRegistry(self._transport) as registry:
            tree = registry.read(key)
        return tree is not None and tree.number(key, "Start") == DISABLED

    def stop(self, service: Service) -> None:
        until = self._clock() + self._deadline
        pause, process = 0.05, 0
        while True:
            told = self._told_of(service)
            state, process = told.state, told.process or process
            if state == STOPPED:
                break
            if state in (RUNNING, _PAUSED):
                result = self._sc("stop", service)
                if result.rc not in (0, _DOES_NOT_RUN, *_NOT_NOW):
                    raise self._refused("stopped", service, result)
            self._wait(service, "stop", _STATE_NAMES.get(state, f"it is in state {state}"), until, pause)
            pause = min(2 * pause, 1.0)
        # a process ends only after it said that the service has stopped, and holds its files until then
        while process and self._runs(process):
            self._wait(service, "stop", f"its process {process} still runs", until, pause)
            pause = min(2 * pause, 1.0)

    def start(self, service: Service) -> None:
        until = self._clock() + self._deadline
        pause, asked = 0.05, False
        while True:
            state = self._told_of(service).state
            if state == RUNNING:
                break
            if state == STOPPED:
                if asked:
                    raise self._went_down(service)
                result = self._sc("start", service)
                if result.rc not in (0, _ALREADY_RUNS):
                    raise self._refused("started", service, result)
                asked = True
                continue
            self._wait(service, "start", _STATE_NAMES.get(state, f"it is in state {state}"), until, pause)
            pause = min(2 * pause, 1.0)
        self._sleep(FIRM_AFTER)
        if self._told_of(service).state != RUNNING:
            raise self._went_down(service)

    # ----------------------------------------------------------------------------------------------------------------
    def _wait(self, service: Service, action: str, story: str, until: float, pause: float) -> None:
        if self._clock() >= until:
            raise CommandFailed(
                f"The service was asked to {action}, but {story} after {self._deadline:g} s",
                host=self._transport.host,
                item=service.name,
                hint="Look at its log, and at the event log of the host.",
            )
        self._sleep(pause)

    def _told_of(self, service: Service) -> Told:
        told = self._told(service)
        if told is None:
            raise CommandFailed("The host knows no such service", host=self._transport.host, item=service.name)
        return told

    def _told(self, service: Service) -> Told | None:
        """None when there is no such service."""
        result = self._sc("queryex", service)
        if result.rc == _NO_SUCH_SERVICE:
            return None
        told = Told.of(result.stdout) if result.rc == 0 else None
        if told is None:
            raise CommandFailed(
                f"The state of the service cannot be asked for: {_reason(result)}",
                host=self._transport.host,
                item=service.name,
            )
        return told

    def _runs(self, process: int) -> bool:
        result = self._transport.run(["tasklist", "/fo", "csv", "/nh"], deadline=SLACK, silence=SLACK)
        numbers = (row[1] for row in csv.reader(result.text.splitlines()) if len(row) > 1)
        return str(process) in numbers

    def _sc(self, verb: str, service: Service) -> CommandResult:
        limit = self._deadline + SLACK
        return self._transport.run(["sc", verb, service.name], deadline=limit, silence=limit, limit=64 * 1024)

    def _refused(self, done: str, service: Service, result: CommandResult) -> CommandFailed:
        return CommandFailed(
            f"The service cannot be {done}: {_reason(result)}",
            host=self._transport.host,
            item=service.name,
            hint="Look at its log, and at the event log of the host.",
        )

    def _went_down(self, service: Service) -> CommandFailed:
        return CommandFailed(
            "The service came up and went down again",
            host=self._transport.host,
            item=service.name,
            hint="Look at its log, and at the event log of the host.",
        )


@dataclass(frozen=True)
class Told:
    """What ``sc queryex`` tells. ``process``: the one that is the service's own, 0 when it has none of its own."""

    state: int
    process: int = 0

    @classmethod
    def of(cls, answer: bytes) -> Told | None:
        """None when it cannot be followed. Labels are in the host's language, but numbers stand in the same order
        everywhere: type, state, two exit codes, process."""
        numbers = [found[1] for found in map(_NUMBERED.match, answer.splitlines()) if found]
        try:
            own_process = bool(int(numbers[0], 16) & _OWN_PROCESS)
            return cls(int(numbers[1]), int(numbers[4]) if own_process and len(numbers) > 4 else 0)
        except (IndexError, ValueError):
            return None


def _reason(result: CommandResult) -> str:
    return _MEANINGS.get(result.rc, f"sc ended with {result.rc}")
