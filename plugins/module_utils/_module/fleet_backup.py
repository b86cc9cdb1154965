# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of C(fleet_backup): every host as its product's own module would do it, many at once, in one process."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import ConnectionFailed, DeadlineExceeded, OptionInvalid, RecoveryError
from .._repository.backends.base import Backend
from .._repository.chain import head, walk_back
from .._repository.format import ChainId, CommitRecord
from .._repository.group_commit import FleetWriter
from .._repository.keys import WriterKey
from .._transport.base import Transport
from . import unsealing
from .all_parts import PARTS
from .argspec import ArgumentSpec, change, phase, repository, unlock, writer
from .backup_module import ProductBackup, useful
from .fleet_hosts import FleetHost, fleet_hosts
from .fleet_limits import Limits, Place
from .fleet_note import ProgressNote
from .fleet_run import Deadlines, FleetRun, Job, Result
from .retry import reused_result
from .run import failure
from .secret_values import masked
from .tools import tool_versions

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

LOOK_BACK = 20
"""How many generations back one of the same run is looked for."""

CONTROLLER_OPTIONS = (
    "product_variable",
    "options_variable",
    "site_variable",
    "backup_host_variable",
    "own_task_variable",
    "progress_interval",
)
"""What the action plugin uses itself."""

SPEC = ArgumentSpec(
    {
        "product_variable": {"type": "str", "default": "recovery_product"},
        "options_variable": {"type": "str", "default": "recovery_options"},
        "site_variable": {"type": "str", "default": "recovery_site"},
        "backup_host_variable": {"type": "str", "default": "recovery_backup_host"},
        "own_task_variable": {"type": "str"},
        "progress_interval": {"type": "float"},
        "hosts": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "product": {"type": "str", "required": True},
                "options": {"type": "dict"},
                "site": {"type": "str"},
            },
        },
        "secrets": {"type": "dict", "no_log": True},
        "concurrency": {"type": "int", "default": 16},
        "concurrency_by_product": {"type": "dict"},
        "concurrency_by_site": {"type": "dict"},
        "concurrency_per_site": {"type": "int"},
        "host_timeout": {"type": "float", "default": 3600.0},
        "run_timeout": {"type": "float"},
        "progress_file": {"type": "path"},
    }
).merge(repository(), writer(), unlock(), change(), phase())


def back_up_fleet(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns: a result for every host. It fails only when nothing could be begun."""
    hosts = fleet_hosts(module.params["hosts"] or [], module.params["secrets"] or {})

    def useful_of_all(_params: Mapping[str, Any], backend: Backend) -> Sequence[CommitRecord]:
        records: list[CommitRecord] = []
        for host in hosts:
            with contextlib.suppress(RecoveryError):  # told when its turn comes
                records += useful(_Shared(module, None).params_of(host), backend, PARTS[host.product])
        return records

    def body(backend: Backend, file_keys: unsealing.FileKeys | None) -> dict[str, Any]:
        result = _Fleet(module, hosts, _Shared(module, file_keys)).run(backend)
        # Each host's own secrets are out of its result; a secret of one host may be an innocent word of another.
        module.no_log_values.clear()
        return result

    return unsealing.serve(module, unsealing.nothing, body, useful=unsealing.readable(useful_of_all))


class _Shared:
    """What all hosts of a run have in common."""

    def __init__(self, module: AnsibleModule, file_keys: unsealing.FileKeys | None) -> None:
        self.file_keys = file_keys
        self.check_mode: bool = module.check_mode
        self.diff: bool = module._diff
        names = ("repository", "writer_key_file", "change_id", "reason", "actor", "job", "run_id", "phase")
        self._options = {name: module.params[name] for name in names if module.params[name] is not None}

    def params_of(self, host: FleetHost) -> dict[str, Any]:
        """Raises OptionInvalid."""
        return FleetHost(host.name, host.product, {**self._options, **host.options}, host.site).params()


class _Fleet:
    def __init__(self, module: AnsibleModule, hosts: Sequence[FleetHost], shared: _Shared) -> None:
        self._params = module.params
        self._hosts = hosts
        self._shared = shared

    def run(self, backend: Backend) -> dict[str, Any]:
        params = self._params
        limits = Limits(
            params["concurrency"],
            _whole_numbers(params["concurrency_by_product"]),
            _whole_numbers(params["concurrency_by_site"]),
            params["concurrency_per_site"],
        )
        began = time.monotonic()
        with FleetWriter(backend, WriterKey.load(params["writer_key_file"])) as store:
            jobs: list[Job] = []
            results: dict[str, Result] = {}
            kept_as: dict[ChainId, str] = {}
            for host in self._hosts:
                try:
                    job = _HostBackup(host, self._shared.params_of(host), store, self._shared)
                    _refuse_second(kept_as.setdefault(job.chain, host.name), job)
                except RecoveryError as error:
                    results[host.name] = {"changed": False, "failed": True, **failure(error)}
                else:
                    jobs.append(job)
            tool_versions()  # looked up once, and not by all that begin at the same time
            deadlines = Deadlines(params["host_timeout"], params["run_timeout"])
            with ProgressNote(params["progress_file"], lambda: store.bytes_read) as note:
                fleet = FleetRun(jobs, limits, deadlines, note.tell)
                with _stopped_by_signals(fleet.stop):
                    results.update(fleet.run())
            groups = store.groups
        return {
            # each host's own task says what changed there
            "changed": False,
            "hosts": {host.name: masked(results[host.name], host.secrets) for host in self._hosts},
            "commits": groups,
            "duration": round(time.monotonic() - began, 3),
            # else Ansible gives back what it was given, the options of all hosts
            "invocation": {"module_args": _of_the_run(params)},
        }


class _HostBackup(Job):
    """The backup of one host."""

    def __init__(self, host: FleetHost, params: Mapping[str, Any], store: FleetWriter, shared: _Shared) -> None:
        self.name = host.name
        self.place: Place = host.place
        self._parts = PARTS[host.product]
        self._params = params
        self._store = store
        self._shared = shared
        self._transport: Transport | None = None
        self._cut_off: str = ""
        self._lock = threading.Lock()

    def run(self, answered: Callable[[], None]) -> Result:
        try:
            return {"changed": False, **self._run(answered)}
        except Exception as error:
            return self._failed(error)

    def cut_off(self, why: str) -> None:
        with self._lock:
            self._cut_off = why
            transport = self._transport
        if transport is not None:
            # closing waits for nobody who still uses it
            threading.Thread(target=_close, args=(transport,), daemon=True).start()

    def given_up(self, why: str) -> Result:
        self._store.refuse(self.chain)
        error = DeadlineExceeded(why, host=self._host, hint="Look at the host, then run this again.")
        return {"changed": False, "failed": True, **failure(error)}

    @property
    def _host(self) -> str:
        return str(self._params["host"] or self._params["source"])

    @property
    def chain(self) -> ChainId:
        """The line that its generation is added to."""
        return self._parts.chain(self._params)

    def _run(self, answered: Callable[[], None]) -> Mapping[str, Any]:
        there = self._of_this_run()
        if there is not None:
            newest = head(self._store.backend, self.chain, self._store.believe)
            return reused_result(self._params, self._store.backend, there, newest)
        shared = self._shared
        backup = ProductBackup(
            self._params,
            self._parts,
            shared.file_keys,
            check_mode=shared.check_mode,
            diff=shared.diff,
            connected=self._connected,
            answered=answered,
            stopping=self._stops_services,
            going_on=self._goes_on,
        )
        try:
            return backup.run(self._store)
        finally:
            self._connected(None)

    def _connected(self, transport: Transport | None) -> None:
        with self._lock:
            self._transport = transport
        if transport is not None:
            self._goes_on()

    def _goes_on(self) -> None:
        """Cutting its connection stops a host only where it waits for an answer, so it is asked between."""
        if self._cut_off:
            raise DeadlineExceeded(self._cut_off, host=self._host)

    def _stops_services(self, seconds: float) -> None:
        self.more_grace = seconds

    def _of_this_run(self) -> CommitRecord | None:
        """The complete generation that an earlier try of the same run made."""
        run_id = self._params["run_id"]
        newest = head(self._store.backend, self.chain, self._store.believe) if run_id else None
        if newest is None or self._shared.check_mode:
            return None
        wanted_record = (run_id, self._params["phase"], self._params["change_id"])
        for _count, record in zip(range(LOOK_BACK), walk_back(self._store.backend, newest, [])):
            if record.is_complete and (record.run_id, record.phase, record.change_id) == wanted_record:
                return record
        return None

    def _failed(self, error: Exception) -> Result:
        if self._cut_off:
            details = error.details if isinstance(error, RecoveryError) else {}
            hint = "Look at the host, or give it more time (host_timeout, run_timeout), and run this again."
            error = DeadlineExceeded(f"{self._cut_off} and was cut off", host=self._host, hint=hint, **details)
        gone = isinstance(error, ConnectionFailed) and "result" not in error.details and not self._cut_off
        return {"changed": False, **({"unreachable": True} if gone else {"failed": True}), **failure(error)}


def _refuse_second(first: str, job: _HostBackup) -> None:
    """Raises OptionInvalid when the job's line is that of another host of this run."""
    if first != job.name:
        raise OptionInvalid(
            f"{job.chain} is also what {first} is kept as in this repository",
            host=job.name,
            hint="Give each host a source of its own, or an instance.",
        )


@contextlib.contextmanager
def _stopped_by_signals(stop: Callable[[str], None]) -> Iterator[None]:
    """Inside, a signal that would end the process ends the run in good order: what was stopped on hosts runs again."""
    if threading.current_thread() is not threading.main_thread():
        yield  # nobody else may look after signals
        return

    def interrupted(number: int, _frame: object) -> None:
        stop(f"The run was interrupted by {signal.Signals(number).name}")

    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, interrupted)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _close(transport: Transport) -> None:
    with contextlib.suppress(Exception):
        transport.close()


def _of_the_run(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in ("hosts", "secrets", "file_keys")}


def _whole_numbers(limits: Mapping[str, Any] | None) -> dict[str, int]:
    try:
        return {name: int(limit) for name, limit in (limits or {}).items()}
    except (TypeError, ValueError):
        raise OptionInvalid("A limit is not a whole number", hint="It looks like {kamailio: 4}.") from None
