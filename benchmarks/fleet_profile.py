# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the processor time of a fleet's job goes: the functions of each step hold a stopwatch of their thread's time.

    python benchmarks/fleet_profile.py OPTIONS.json

runs the job with the module's options of the file, and prints seconds of CPU time by step as JSON. What is called from
a step and belongs to another one counts there.
"""

from __future__ import annotations

import functools
import inspect
import json
import pathlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[1]
UTILS = "ansible_collections.ucops.recovery.plugins.module_utils."

STEPS: dict[str, tuple[tuple[str, str], ...]] = {
    "handshake and login": (
        (f"{UTILS}_transport.ssh", "_connect"),
        ("paramiko.transport", "Transport._parse_kex_init"),
        ("paramiko.transport", "Transport._send_kex_init"),
        ("paramiko.transport", "Transport._parse_newkeys"),
        ("paramiko.kex_curve25519", "KexCurve25519.start_kex"),
        ("paramiko.kex_curve25519", "KexCurve25519.parse_next"),
        ("paramiko.auth_handler", "AuthHandler._parse_service_accept"),
    ),
    "transfer, in paramiko": (
        ("paramiko.transport", "Transport.run"),
        (f"{UTILS}_transport.ssh", "SshTransport.open"),
        (f"{UTILS}_transport.ssh", "_Connection.close"),
        (f"{UTILS}_transport.process", "ProcessStream.chunks"),
        (f"{UTILS}_transport.process", "ProcessStream._watch_errors"),
        (f"{UTILS}_transport.process", "ProcessStream._feed"),
        (f"{UTILS}_transport.process", "ProcessStream.close"),
    ),
    "reading what came": (
        (f"{UTILS}_items.tree_reading", "read_tree"),
        (f"{UTILS}_items.tree_conversation", "TreeConversation.listing"),
        (f"{UTILS}_products.unix_host", "look_at_host"),
    ),
    "hashing": ((f"{UTILS}_repository.digests", "Digester.add"),),
    "compressing and sealing": (
        (f"{UTILS}_repository.generation_writer", "GenerationWriter._put"),
        (f"{UTILS}_repository.generation_writer", "GenerationWriter._begin_bundle"),
        (f"{UTILS}_repository.generation_writer", "GenerationWriter.finish"),
    ),
    "signing and records": ((f"{UTILS}_repository.writer", "RepositoryWriter.commit_each"),),
    "writing and sync": (
        (f"{UTILS}_repository.backends.local", "LocalBackend.publish"),
        (f"{UTILS}_repository.backends.local", "LocalBackend.create_many"),
        (f"{UTILS}_repository.backends.base", "Backend.create_many"),
    ),
    "the order of the hosts": ((f"{UTILS}_module.fleet_run", "FleetRun.run"),),
    "options of the hosts": ((f"{UTILS}_module.fleet_hosts", "FleetHost.params"),),
    "the rest of a host's backup": ((f"{UTILS}_module.fleet_backup", "_HostBackup.run"),),
}
"""Module and function of what belongs to a step."""
START = "start of Python, imports"
REST = "threads, their changes, and all else"


class Stopwatches:
    """CPU seconds by step, of all threads."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._own = threading.local()
        self._adding = threading.Lock()

    def hold(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with a stopwatch; a generator's runs whenever something is asked of it."""
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generating(*args: Any, **options: Any) -> Iterator[Any]:
                inner = function(*args, **options)
                try:
                    while True:
                        with self._running(step):
                            try:
                                value = next(inner)
                            except StopIteration:
                                return
                        yield value
                finally:
                    with self._running(step):
                        inner.close()

            return generating

        @functools.wraps(function)
        def calling(*args: Any, **options: Any) -> Any:
            with self._running(step):
                return function(*args, **options)

        return calling

    def _running(self, step: str) -> _Running:
        return _Running(self, step)

    def change(self, entered: str | None) -> None:
        """What ran in this thread until now stops; ``entered`` runs, or for None what had called it."""
        now = time.thread_time()
        running = self._own.__dict__.setdefault("running", [])
        if running:
            with self._adding:
                self.seconds[running[-1]] += now - self._own.since
        if entered is None:
            running.pop()
        else:
            running.append(entered)
        self._own.since = now


class _Running:
    def __init__(self, watches: Stopwatches, step: str) -> None:
        self._watches = watches
        self._step = step

    def __enter__(self) -> None:
        self._watches.change(self._step)

    def __exit__(self, *_what: object) -> None:
        self._watches.change(None)


def hand_out(watches: Stopwatches) -> None:
    """A stopwatch for every function of every step."""
    for step, functions in STEPS.items():
        for module, path in functions:
            *owners, name = path.split(".")
            holder = functools.reduce(getattr, owners, import_module(module))
            held = watches.hold(step, getattr(holder, name))
            for place in [holder] if owners else [one for one in list(sys.modules.values()) if hasattr(one, name)]:
                if getattr(place, name, None) is held.__wrapped__:  # type: ignore[attr-defined]
                    setattr(place, name, held)


def main() -> None:
    """Run the job and print the steps."""
    sys.path[:0] = [str(ROOT / "tests")]
    from support.collection import make_importable

    make_importable()
    job = import_module(f"{UTILS}_module.fleet_backup")
    for module in ("paramiko", *(f"{UTILS}{name}" for name in ("_products.linux", "_repository.backends.local"))):
        import_module(module)
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    options = json.loads(pathlib.Path(sys.argv[1]).read_text())
    params = ArgumentSpecValidator(**job.SPEC.to_kwargs()).validate(options).validated_parameters
    watches = Stopwatches()
    hand_out(watches)
    began = time.process_time()
    answer = job.back_up_fleet(SimpleNamespace(params=params, check_mode=False, _diff=False, no_log_values=set()))
    used = time.process_time() - began
    failed = [name for name, result in answer["hosts"].items() if result.get("failed") or result.get("unreachable")]
    if failed:
        raise SystemExit(f"{failed} failed: {answer['hosts'][failed[0]]}")
    known = sum(watches.seconds.values())
    print(json.dumps({**dict(watches.seconds.most_common()), REST: used - known, START: began}))


if __name__ == "__main__":
    main()
