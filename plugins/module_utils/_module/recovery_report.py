# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(recovery_report): the inventory held against the repository, host by host."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid, RecoveryError, RepositoryError
from .._repository.backends.base import Backend
from .._repository.capacity import Growth, Ledger
from .._repository.chain import Believe, list_chains
from .._repository.drills import last
from .._repository.format import OBJECTS_FOLDER, ChainId, CommitRecord, GenerationId
from .._repository.holds import utc_text
from .._repository.keyring import Keyring, load_keyring
from .._repository.reader import GenerationReader
from .._repository.verify_state import KEY_LENGTH, VerifyState
from . import unsealing
from .argspec import ArgumentSpec, trust, unlock
from .drill_facts import describe_drill
from .duration import seconds_of
from .generation_info import describe_generation
from .opening import believed_writers, trusted
from .receipt import received_text
from .report_judgement import (
    FINE,
    RANKS,
    Finding,
    Limits,
    Space,
    Surroundings,
    age_of,
    in_order,
    judge,
    judge_space,
)
from .report_line import LICENCES_ITEM, LineFacts, read_line

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

_TEXT: dict[str, Any] = {"type": "str", "default": ""}
_HOST: dict[str, dict[str, Any]] = {
    "host": {"type": "str", "required": True},
    "source": {"type": "str", "required": True},
    "product": {"type": "str", "required": True},
    "instance": _TEXT,
    "rpo": _TEXT,
    "rto": _TEXT,
    "expected_every": _TEXT,
    "grace": _TEXT,
    "drill_interval": _TEXT,
    "failure_domain": _TEXT,
    "shared_domain": _TEXT,
    "problem": _TEXT,
    "owner": _TEXT,
    "responsible": _TEXT,
    "schedule": _TEXT,
}
_TOLD = ("rto", "failure_domain", "owner", "responsible", "schedule")
"""What is declared of a host and only passed on."""

SPEC = ArgumentSpec(
    {
        "repository": {"type": "path"},
        "problem": {"type": "str"},
        "hosts": {"type": "list", "elements": "dict", "required": True, "options": _HOST},
        "failure_domain": _TEXT,
        "default_rpo": {"type": "str", "default": "26h"},
        "default_drill_interval": {"type": "str", "default": "365d"},
        "verify_interval": {"type": "str", "default": "35d"},
        "reserve": {"type": "int", "default": 10 * 2**30},
        "growth_window": {"type": "str", "default": "30d"},
        "warn_days": {"type": "int", "default": 30},
        "show_licences": {"type": "bool", "default": False},
    },
    required_one_of=[["repository", "problem"]],
).merge(unlock(), trust())


def report_recovery(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. A repository that cannot be looked at is a finding. Raises OptionInvalid."""
    params = module.params
    unsealing.refuse_secrets(params)
    report = Report(params, time.time())
    if params["problem"]:
        return report.without_repository(params["problem"])

    def body(backend: Backend, file_keys: unsealing.FileKeys | None) -> Mapping[str, Any]:
        return report.of(backend, file_keys)

    try:
        return unsealing.serve(module, unsealing.nothing, body, useful=unsealing.readable(wanted))
    except RepositoryError as error:
        return report.without_repository(str(error))


def wanted(params: Mapping[str, Any], backend: Backend) -> Sequence[CommitRecord]:
    """The generations in which licence keys of declared hosts are sealed."""
    if not params["show_licences"]:
        return []
    reading = Reading(params, backend, time.time())
    lines = [reading.line(chain) for chain in sorted(declared_chains(params["hosts"])[0])]
    return [line.sealed_licences for line in lines if line.sealed_licences is not None]


def declared_chains(hosts: Sequence[Mapping[str, Any]]) -> tuple[dict[ChainId, list[str]], dict[int, str]]:
    """The lines that are declared with the hosts that do so, and by position what is wrong with a declaration."""
    chains: dict[ChainId, list[str]] = {}
    problems: dict[int, str] = {}
    for position, one in enumerate(hosts):
        try:
            chains.setdefault(ChainId(one["source"], one["product"], one["instance"]), []).append(one["host"])
        except OptionInvalid as error:
            problems[position] = str(error)
    return chains, problems


class Reading:
    """A repository that is read for a report. Raises RepositoryError when it cannot be."""

    def __init__(self, params: Mapping[str, Any], backend: Backend, seconds: float) -> None:
        self.backend = backend
        self.keyring: Keyring = load_keyring(backend)
        self.believe: Believe = believed_writers(params, backend)
        self._seconds = seconds

    def line(self, chain: ChainId) -> LineFacts:
        """What it knows of a line."""
        return read_line(self.backend, self.keyring, chain, self.believe, self._seconds)

    def verify_state(self) -> VerifyState:
        """When what was checked; nothing when that cannot be read, as it is only a note."""
        try:
            return VerifyState.load(self.backend)
        except RepositoryError:
            return VerifyState({}, {})


class Report:
    """The report on one repository.

    :param seconds: now, since the epoch
    :raises OptionInvalid: a span of time is none
    """

    def __init__(self, params: Mapping[str, Any], seconds: float) -> None:
        self._params = params
        self._seconds = seconds
        self._now = datetime.fromtimestamp(int(seconds), timezone.utc)
        self._default = Limits(
            seconds_of(params["default_rpo"], "default_rpo"),
            seconds_of(params["default_drill_interval"], "default_drill_interval"),
            seconds_of(params["verify_interval"], "verify_interval"),
        )
        self._window = timedelta(seconds=seconds_of(params["growth_window"], "growth_window"))
        _signers, self._expected_heads = trusted(params)
        self._chains, self._problems = declared_chains(params["hosts"])

    # --- the two ways ---
    def without_repository(self, problem: str) -> dict[str, Any]:
        """The report when nothing of the repository is known."""
        hosts = []
        for position, declared in enumerate(self._params["hosts"]):
            _limits, findings = self._limits(declared, self._problems.get(position, ""))
            findings.append(Finding("unknown", {"problem": problem}))
            hosts.append(self._describe(declared, in_order(findings), LineFacts(_nobody()), None))
        state = {"path": self._params["repository"] or "", "problem": problem}
        return self._result(hosts, [], state, [Finding("repository", {"problem": problem})])

    def of(self, backend: Backend, file_keys: unsealing.FileKeys | None) -> dict[str, Any]:
        """The report on what is there. Raises RepositoryError when nothing of it can be believed."""
        reading = Reading(self._params, backend, self._seconds)
        lines = {chain: reading.line(chain) for chain in {*list_chains(backend), *self._chains}}
        state = reading.verify_state()
        ledger = Ledger()
        for chain in sorted(lines):
            ledger.add(lines[chain].records, lines[chain].fates)
        hosts = [
            self._host(position, declared, lines, state, file_keys, backend)
            for position, declared in enumerate(self._params["hosts"])
        ]
        orphans = [
            self._orphan(line)
            for chain, line in sorted(lines.items())
            if chain not in self._chains and (line.records or line.problem)
        ]
        sizes = [size for _name, size in backend.list(OBJECTS_FOLDER)]
        space = Space(
            backend.free_bytes(),
            self._params["reserve"],
            ledger.growth(self._now, self._window),
            self._params["warn_days"],
        )
        findings = judge_space(space)
        if orphans:
            findings.append(Finding("orphans", {"count": str(len(orphans)), "first": orphans[0]["line"]}))
        told = {
            "path": self._params["repository"],
            "problem": "",
            "repository_id": reading.keyring.repository_id,
            "objects": len(sizes),
            "stored_bytes": sum(sizes),
            "needed_bytes": ledger.stored_bytes,
            "free_bytes": space.free,
            "growth": _describe_growth(space.growth),
            "days_until_full": space.days,
            "verified": _describe_verification(ledger, state),
        }
        return self._result(hosts, orphans, told, findings)

    def _result(
        self,
        hosts: list[dict[str, Any]],
        orphans: list[dict[str, Any]],
        state: Mapping[str, Any],
        findings: Sequence[Finding],
    ) -> dict[str, Any]:
        return {
            "at": utc_text(self._seconds),
            "hosts": sorted(hosts, key=lambda one: (one["rank"], one["host"], one["line"])),
            "orphans": orphans,
            "repository_state": {
                **state,
                "reserve": self._params["reserve"],
                "failure_domain": self._params["failure_domain"],
                "findings": [finding.to_result() for finding in findings],
            },
        }

    # --- a host ---
    def _host(
        self,
        position: int,
        declared: Mapping[str, Any],
        lines: Mapping[ChainId, LineFacts],
        state: VerifyState,
        file_keys: unsealing.FileKeys | None,
        backend: Backend,
    ) -> dict[str, Any]:
        limits, findings = self._limits(declared, self._problems.get(position, ""))
        if position in self._problems:
            return self._describe(declared, in_order(findings), LineFacts(_nobody()), limits)
        chain = ChainId(declared["source"], declared["product"], declared["instance"])
        line = lines[chain]
        hashed, opened = line.verified(state)
        around = Surroundings(
            declared["shared_domain"],
            self._expected_heads.get(str(chain), ""),
            [other for other in self._chains[chain] if other != declared["host"]] or self._twice(chain, declared),
            max(hashed, opened),
        )
        findings = in_order([*findings, *judge(line, limits, self._now, around)])
        told = self._describe(declared, findings, line, limits)
        told["verified"] = {"hashed_at": _moment(hashed), "opened_at": _moment(opened)}
        told["licences"] = self._licences(line, file_keys, backend)
        return told

    def _twice(self, chain: ChainId, declared: Mapping[str, Any]) -> list[str]:
        """A host that stands in the list twice is its own other."""
        return [declared["host"]] if self._chains[chain].count(declared["host"]) > 1 else []

    def _limits(self, declared: Mapping[str, Any], problem: str) -> tuple[Limits, list[Finding]]:
        """What is allowed of a host, by default where it cannot be understood."""
        problems = [one for one in (problem, declared["problem"]) if one]
        findings = [Finding("declaration", {"problem": one}) for one in problems]

        def read(names: Sequence[str], default: int) -> int:
            try:
                return sum(seconds_of(declared[name], name) for name in names if declared[name]) or default
            except OptionInvalid as error:
                findings.append(Finding("declaration", {"problem": str(error)}))
                return default

        names = ["rpo"] if declared["rpo"] else ["expected_every", "grace"] if declared["expected_every"] else []
        age = read(names, self._default.age)
        drill = read(["drill_interval"], self._default.drill)
        return Limits(age, drill, self._default.verify, read(["rto"], 0)), findings

    def _describe(
        self, declared: Mapping[str, Any], findings: Sequence[Finding], line: LineFacts, limits: Limits | None
    ) -> dict[str, Any]:
        complete, newest = line.newest_complete, line.newest
        drill, passed = last(line.drills), last(line.drills, passed=True)
        instance = f"@{declared['instance']}" if declared["instance"] else ""
        limits = limits or self._default
        return {
            **{name: declared[name] for name in ("host", "source", "product", "instance", *_TOLD)},
            "line": f"{declared['source']}/{declared['product']}{instance}",
            "state": findings[0].kind if findings else FINE,
            "rank": RANKS[findings[0].kind] if findings else len(RANKS),
            "findings": [finding.to_result() for finding in findings],
            "rpo_seconds": limits.age,
            "rpo_declared": bool(declared["rpo"] or declared["expected_every"]),
            "drill_interval_seconds": limits.drill,
            "drill_interval_declared": bool(declared["drill_interval"]),
            "newest_complete": self._brief(complete),
            "newest": self._brief(newest),
            "first_at": line.first_at,
            "generations": line.counts(),
            "data_classes": line.data_classes(),
            "drill": describe_drill(drill) if drill else {},
            "drill_passed": describe_drill(passed) if passed else {},
            "open_restores": list(line.open_restores),
            "changes": line.changes(),
            "verified": {"hashed_at": "", "opened_at": ""},
            "licences": {"sealed": False, "generation": "", "licence_keys": [], "problem": ""},
            **self._size(line),
        }

    def _size(self, line: LineFacts) -> dict[str, Any]:
        ledger = Ledger()
        ledger.add(line.records, line.fates)
        growth = ledger.growth(self._now, self._window)
        return {"stored_bytes": ledger.stored_bytes, "growth": _describe_growth(growth)}

    def _brief(self, record: CommitRecord | None) -> dict[str, Any]:
        if record is None:
            return {}
        told = describe_generation(record)
        brief = {name: told[name] for name in ("id", "status", "missing", "phase", "change_id", "release", "head")}
        return {
            **brief,
            "at": received_text(record),
            "age_seconds": max(0, int(age_of(record, self._now).total_seconds())),
        }

    def _licences(self, line: LineFacts, file_keys: unsealing.FileKeys | None, backend: Backend) -> dict[str, Any]:
        """What is known of the licence keys of a line: who holds no key learns that they are there, and where."""
        record = line.sealed_licences
        told: dict[str, Any] = {"sealed": record is not None, "generation": "", "licence_keys": [], "problem": ""}
        if record is None:
            return told
        told["generation"] = str(GenerationId.of(record))
        if file_keys is None:
            told["problem"] = "not asked for" if not self._params["show_licences"] else "nothing opens the repository"
            return told
        try:
            with GenerationReader(backend, record, file_keys) as reader:
                for stored in reader.entries():
                    if stored.entry.item == LICENCES_ITEM and stored.sha256 is not None:
                        told["licence_keys"] += reader.read(stored).decode("utf-8", "replace").splitlines()
        except RecoveryError as error:
            told["problem"] = str(error)
        return told

    # --- what nobody declares ---
    def _orphan(self, line: LineFacts) -> dict[str, Any]:
        return {
            "line": str(line.chain),
            "source": line.chain.source,
            "product": line.chain.product,
            "instance": line.chain.instance,
            "problem": line.problem,
            "newest": self._brief(line.newest),
            "generations": line.counts(),
            **self._size(line),
        }


def _nobody() -> ChainId:
    """The line of nothing."""
    return ChainId("nobody", "nothing")


def _moment(seconds: int) -> str:
    return utc_text(seconds) if seconds else ""


def _describe_growth(growth: Growth | None) -> dict[str, float]:
    """Bytes a day; empty while there is too little history."""
    if growth is None:
        return {}
    numbers = {"added_per_day": growth.added, "released_per_day": growth.released, "per_day": growth.net}
    return {**{name: round(number) for name, number in numbers.items()}, "days": round(growth.days, 1)}


def _describe_verification(ledger: Ledger, state: VerifyState) -> dict[str, Any]:
    """When the objects that are needed were hashed last: the newest time, the oldest, and how many never were."""
    times = [state.hashed.get(sha[:KEY_LENGTH], 0) for sha in ledger.needed]
    done = [one for one in times if one]
    return {
        "newest_at": _moment(max(done, default=0)),
        "oldest_at": _moment(min(done, default=0)) if len(done) == len(times) else "",
        "never": len(times) - len(done),
        "opened_at": _moment(max(state.opened.values(), default=0)),
    }
