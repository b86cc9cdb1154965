# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(drill_record): refuses what no drill can have proved, and signs the rest."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .._errors import ClockRefused, NotAuthentic, OptionInvalid, RecoveryError
from .._repository.backends.base import Backend
from .._repository.chain import list_chains, load_record, read_record, sequences
from .._repository.drills import FAILED, PASSED, Drill, drill_signer, load_drills, record_drill
from .._repository.expiry import fate_of
from .._repository.format import DRILL_NAMESPACE, CommitRecord, GenerationId, parse_moment
from .._repository.holds import utc_text
from .._repository.keyring import Keyring, load_keyring
from .._repository.keys import load_signing_key
from .._repository.reader import hash_object
from .._repository.retention import TOLERANCE, check_clock
from .._repository.sshsig import SigningKey
from .argspec import ArgumentSpec, repository, trust
from .drill_facts import describe_drill
from .duration import seconds_of, words_for
from .ladder import RESULTS, RUNGS, Step, climb, lacking, outcome_of, reached
from .opening import believed_writers, check_heads, open_backend, trusted

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

TARGET_KINDS = ("folder", "host", "made")
SETTLED = timedelta(days=7)
"""So long backups must have gone on evenly after a pause for the clock to be believed again."""
_DIGEST = re.compile(r"[0-9a-f]{64}")

SPEC = ArgumentSpec(
    {
        "drill_key_file": {"type": "path"},
        "generation": {"type": "str", "required": True},
        "record": {"type": "str", "required": True},
        "started": {"type": "str", "required": True},
        "minimum": {"type": "str", "choices": list(RUNGS), "required": True},
        "steps": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "rung": {"type": "str", "choices": list(RUNGS), "required": True},
                "result": {"type": "str", "choices": list(RESULTS), "required": True},
                "seconds": {"type": "float", "default": 0.0},
                "detail": {"type": "str", "default": ""},
            },
        },
        "target": {
            "type": "dict",
            "required": True,
            "options": {
                "kind": {"type": "str", "choices": list(TARGET_KINDS), "required": True},
                "name": {"type": "str", "required": True},
                "address": {"type": "str"},
                "shown_as": {"type": "str"},
                "host_key": {"type": "str", "no_log": False},
                "isolation": {"type": "list", "elements": "str", "default": []},
            },
        },
        "rto": {"type": "str"},
        "rpo": {"type": "str"},
        "report_digest": {"type": "str"},
        "longest_pause": {"type": "str", "default": "35d"},
        "accept_pause": {"type": "bool", "default": False},
        "actor": {"type": "str"},
        "job": {"type": "str"},
        "run_id": {"type": "str"},
    }
).merge(repository(), trust())


class DrillRefused(RecoveryError):
    """What was to be recorded cannot have been proved."""


def record(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises DrillRefused, ClockRefused, OptionInvalid, RepositoryError."""
    params = module.params
    if not module.check_mode and not params["drill_key_file"]:
        raise OptionInvalid(
            "Without drill_key_file nothing can be signed",
            hint="Make a key with ssh-keygen -t ed25519 -N '', and name it in signers of ucops.recovery.repository"
            " with the role drill. In check mode none is needed.",
        )
    backend = open_backend(params)
    keyring = load_keyring(backend)
    seconds = time.time()
    now = utc_text(seconds)
    key = load_signing_key(params["drill_key_file"], "drill key") if params["drill_key_file"] else None
    if key is not None:
        _check_signer(params, keyring, key, now)
    generation = _find(params, backend)
    steps = climb(params["steps"])
    outcome = outcome_of(steps, params["minimum"])
    _check_generation(backend, generation, steps, outcome)
    started = _check_times(params, backend, generation, steps, datetime.fromtimestamp(int(seconds), timezone.utc))
    facts = _facts(params, generation, steps, outcome, started, now)
    same = _recorded_before(backend, keyring, generation, params)
    if same is not None:
        return {"changed": False, **_told(same, steps, params)}
    if module.check_mode or key is None:
        drill = Drill(GenerationId.of(generation), generation.hash, now, outcome, "", "", "", facts)
    else:
        drill = record_drill(backend, keyring, key, GenerationId.of(generation), facts)
    return {"changed": True, **_told(drill, steps, params)}


def _check_signer(params: Mapping[str, Any], keyring: Keyring, key: SigningKey, now: str) -> None:
    name = drill_signer(keyring, key, now)
    signers, _heads = trusted(params)
    if signers is not None and not signers.principals_of(key.public, DRILL_NAMESPACE, parse_moment(now)):
        raise NotAuthentic(
            f"{name} signs drills by the keyring, and is not among the allowed signers for it",
            hint="Take the allowed_signers that ucops.recovery.repository returned when the signer was added.",
        )


def _find(params: Mapping[str, Any], backend: Backend) -> CommitRecord:
    """The generation, and the one that was restored. Raises GenerationMissing, NotAuthentic, DrillRefused."""
    identifier = GenerationId.parse(params["generation"])
    found = load_record(backend, identifier, believed_writers(params, backend))
    check_heads(params, backend, identifier.chain)
    if found.hash != params["record"]:
        raise DrillRefused(
            f"{identifier} is not the generation that was restored: its record is {found.hash[:16]}...,"
            f" the restored one was {params['record'][:16]}...",
            hint="Another repository or another line was in its place. Verify the repository, and run the drill again.",
        )
    return found


def _check_generation(backend: Backend, generation: CommitRecord, steps: Sequence[Step], outcome: str) -> None:
    """Whole and complete, unless the drill failed. Raises GenerationPruned, RepositoryDamaged, DrillRefused."""
    fate = fate_of(backend, generation)
    fate.require_whole(generation)
    if outcome == FAILED:
        return
    if not generation.is_complete:
        lacks = ", ".join(generation.missing)
        raise DrillRefused(
            f"{GenerationId.of(generation)} is partial ({lacks} is not whole in it), so no drill of it can pass",
            hint="Drill a complete generation, or record this one as failed.",
        )
    for sha, size in sorted(fate.needed_objects(generation).items()):
        hash_object(backend, sha, size)


def _check_times(
    params: Mapping[str, Any], backend: Backend, generation: CommitRecord, steps: Sequence[Step], now: datetime
) -> datetime:
    """When the drill began, if the clock can be believed. Raises ClockRefused, OptionInvalid."""
    try:
        started = parse_moment(params["started"])
    except ValueError:
        raise OptionInvalid(
            f"started is no time: {params['started'][:40]!r}", hint="It looks like 2026-01-31T12:00:00Z."
        ) from None
    if started > now + TOLERANCE:
        raise ClockRefused(f"The drill began at {params['started']}, which is not yet", hint="Compare the clocks.")
    if started < parse_moment(generation.received_at) - TOLERANCE:
        raise ClockRefused(
            f"The drill began at {params['started']}, before {GenerationId.of(generation)} was made at"
            f" {generation.received_at}",
            hint="Compare the clocks of controller and backup host.",
        )
    took = timedelta(seconds=sum(step.seconds for step in steps))
    # every step was rounded up
    if took > now - started + TOLERANCE + timedelta(seconds=len(steps)):
        raise ClockRefused(
            f"The steps took {words_for(took.total_seconds())}, and the drill began"
            f" {words_for((now - started).total_seconds())} ago",
            hint="A clock was set back during the drill. Run it again.",
        )
    own = [
        parse_moment(read_record(backend, generation.chain.generation(number)).received_at)
        for number in sequences(backend, generation.chain)
    ]
    if max(own) > now + TOLERANCE:
        raise ClockRefused(
            f"The newest generation of {generation.chain} is dated in the future",
            hint="Check the clock of the backup host.",
        )
    if not params["accept_pause"]:
        longest = timedelta(seconds=seconds_of(params["longest_pause"], "longest_pause"))
        _check_pause(backend, own, now, longest)
    return started


def _check_pause(backend: Backend, own: Sequence[datetime], now: datetime, longest: timedelta) -> None:
    """Raises ClockRefused when neither this line nor any other knows of the time before now."""
    try:
        check_clock(own, now, longest, SETTLED)
    except ClockRefused:
        check_clock(_all_moments(backend), now, longest, SETTLED)


def _all_moments(backend: Backend) -> Iterator[datetime]:
    for chain in list_chains(backend):
        for number in sequences(backend, chain):
            yield parse_moment(read_record(backend, chain.generation(number)).received_at)


def _facts(
    params: Mapping[str, Any],
    generation: CommitRecord,
    steps: Sequence[Step],
    outcome: str,
    started: datetime,
    now: str,
) -> dict[str, Any]:
    recovery = sum(step.seconds for step in steps)
    point = max(0, int((started - parse_moment(generation.received_at)).total_seconds()))
    rto = seconds_of(params["rto"], "rto") if params["rto"] else None
    rpo = seconds_of(params["rpo"], "rpo") if params["rpo"] else None
    digest = params["report_digest"] or ""
    if digest and not _DIGEST.fullmatch(digest):
        raise OptionInvalid("report_digest is no SHA-256", hint="It has 64 hexadecimal digits.")
    target = {name: value for name, value in params["target"].items() if value}
    facts: dict[str, Any] = {
        "at": now,
        "record": generation.hash,
        "outcome": outcome,
        "started": params["started"],
        "minimum": params["minimum"],
        "reached": reached(steps),
        "steps": [step.to_json() for step in steps],
        "recovery_seconds": recovery,
        "recovery_point_seconds": point,
        "rto_seconds": rto,
        "rpo_seconds": rpo,
        "target": target,
        "release": generation.release,
        "actor": params["actor"],
        "job": params["job"],
        "run_id": params["run_id"],
        "report_digest": digest,
    }
    if rto is not None or rpo is not None:
        facts["objectives_met"] = (rto is None or recovery <= rto) and (rpo is None or point <= rpo)
    return facts


def _recorded_before(
    backend: Backend, keyring: Keyring, generation: CommitRecord, params: Mapping[str, Any]
) -> Drill | None:
    """Evidence of this very drill, when the task is run again."""
    wanted = (generation.hash, params["started"], params["run_id"] or "", params["target"]["name"])
    for one in load_drills(backend, keyring, generation.chain):
        told = one.facts
        if wanted == (one.record, told.get("started"), told.get("run_id") or "", told.get("target", {}).get("name")):
            return one
    return None


def _told(drill: Drill, steps: Sequence[Step], params: Mapping[str, Any]) -> dict[str, Any]:
    problem = lacking(steps, params["minimum"]) if drill.outcome != PASSED else ""
    told = {**describe_drill(drill), "steps": [step.to_json() for step in steps], "problem": problem}
    told.update({name: drill.facts.get(name) for name in ("started", "minimum", "rto_seconds", "rpo_seconds")})
    return {"drill": told}
