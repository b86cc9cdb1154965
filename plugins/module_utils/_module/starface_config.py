# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(starface_config): judge a declared backup configuration, write it down, hold it against what
arrives. It reaches no host; what arrived it is told, or reads in the repository, for which it needs no key."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid, RecoveryError
from .._items.pushed_files import FILES_ITEM
from .._products.starface import Starface
from .._products.starface_advice import ERROR, GRADES, Advice, advise
from .._products.starface_config import FINISHES, BackupConfig, parse_config
from .._products.starface_drift import Seen, compare
from .._products.starface_runbook import runbook
from .._products.starface_targets import LABELS, SECURITY_MODES, Target
from .._repository.chain import believe_keyring, head, walk_back
from .._repository.format import ChainId
from .._repository.keyring import load_keyring
from .argspec import ArgumentSpec
from .opening import open_backend
from .receipt import is_arrival, received, text_of

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

_TEXT: dict[str, Any] = {"type": "str"}
TARGET_OPTIONS: dict[str, dict[str, Any]] = {
    "kind": {"type": "str", "required": True, "choices": list(LABELS)},
    "username": _TEXT,
    "password": {"type": "str", "no_log": True},
    "kept_at": _TEXT,
    "server": _TEXT,
    "share": _TEXT,
    "security": {"type": "str", "choices": list(SECURITY_MODES)},
    "path": _TEXT,
    "addresses": {"type": "list", "elements": "str"},
}
_BOX: dict[str, Any] = {"type": "bool", "default": True}
CONFIG_OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "error_report_to": _TEXT,
    "interval": {"type": "str", "default": "manual"},
    "start": _TEXT,
    "contents": {
        "type": "dict",
        "options": {"master_data": _BOX, "cdr_and_voicemail": _BOX, "announcements": _BOX},
    },
    "targets": {"type": "list", "elements": "dict", "options": TARGET_OPTIONS},
    "finish": {"type": "str", "choices": list(FINISHES), "default": "save_only"},
    "duration": {"type": "int", "default": 60},
    "archive_job": {
        "type": "dict",
        "options": {"start": {"type": "str", "required": True}, "duration": {"type": "int", "default": 60}},
    },
    "other_names": {"type": "list", "elements": "str"},
    "applied_at": _TEXT,
    "applied_by": _TEXT,
}
"""The options that are the configuration; the module's others are about it."""

PUSHING = ("sftp", "windows_share")
"""Storage places that a landing zone may be."""
LOOK_BACK = 100
"""How many generations are looked at for what arrived."""

SPEC = ArgumentSpec(
    {
        **CONFIG_OPTIONS,
        "source": {"type": "str", "required": True},
        "fail_on": {"type": "str", "choices": [*GRADES, "never"], "default": ERROR},
        "observed": {
            "type": "list",
            "elements": "dict",
            "options": {
                "path": {"type": "str", "default": ""},
                "size": {"type": "int", "required": True},
                "received_at": {"type": "str", "required": True},
                "target": {"type": "str", "choices": list(LABELS)},
            },
        },
        "repository": {"type": "path"},
        "instance": {"type": "str", "default": ""},
        "watched": {"type": "list", "elements": "str", "choices": list(LABELS)},
        "timezone": {"type": "str", "default": "UTC"},
    }
)


class ConfigUnfit(RecoveryError):
    """A declared backup configuration has advice of a grade that is not tolerated, or is not what arrives."""


def judge_config(module: AnsibleModule) -> dict[str, Any]:
    """What the module returns. Raises OptionInvalid, and ConfigUnfit with the result."""
    params = module.params
    config = parse_config({name: _given(params[name]) for name in CONFIG_OPTIONS})
    advice = advise(config)
    observed = _observed(config, params)
    differences = [one.to_result() for one in _compare(config, observed, params)] if observed is not None else None
    result = {
        "changed": False,
        "config": config.to_result(),
        "valid": all(one.grade != ERROR for one in advice),
        "advice": [one.to_result() for one in advice],
        "runbook": runbook(config, advice, params["source"]),
        "applied": config.applied_at is not None,
        "observed": observed,
        "differences": differences,
    }
    unfit = _unfit(advice, params["fail_on"])
    if unfit:
        raise ConfigUnfit(
            f"The backup configuration {config.name} cannot stay as it is: {' '.join(one.text for one in unfit[:3])}",
            item=unfit[0].field,
            hint="All that there is to say of it is under advice.",
            result=result,
        )
    return result


def targets_of(raw: Sequence[Mapping[str, Any]]) -> list[Target]:
    """Storage places from a module's options. Raises OptionInvalid."""
    return list(parse_config({"name": "-", "targets": [_given(one) for one in raw]}).targets)


def _unfit(advice: Sequence[Advice], fail_on: str) -> list[Advice]:
    if fail_on not in GRADES:
        return []
    return [one for one in advice if GRADES.index(one.grade) <= GRADES.index(fail_on)]


def _observed(config: BackupConfig, params: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """What arrived, the oldest first: as the repository has it, with what is said beside it. None when neither is
    given."""
    given = params["observed"]
    if given is None and not params["repository"]:
        return None
    seen = {(one["received_at"], one["size"]): one for one in _arrived(config, params)} if params["repository"] else {}
    told = []
    for one in given or ():
        known = seen.pop((one["received_at"], one["size"]), {})
        told.append({**one, "target": one["target"] or known.get("target", "")})
    return sorted([*seen.values(), *told], key=lambda one: str(one["received_at"]))


def _arrived(config: BackupConfig, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the appliance pushed, the oldest first, from the clear records of its generations, in which no path stands.
    What was fetched by REST or SSH tells nothing of its schedule."""
    backend = open_backend(params)
    newest = head(
        backend, ChainId(params["source"], Starface.name, params["instance"]), believe_keyring(load_keyring(backend))
    )
    pushing = [target.kind for target in config.targets if target.kind in PUSHING]
    over = pushing[0] if len(pushing) == 1 else ""
    records = list(islice(walk_back(backend, newest), LOOK_BACK)) if newest is not None else []
    return [
        {
            "path": "",
            "size": int(record.items[FILES_ITEM]["bytes"]),
            "received_at": text_of(received(record)),
            "target": over,
        }
        for record in reversed(records)
        if is_arrival(record) and FILES_ITEM in record.items
    ]


def _compare(config: BackupConfig, observed: Sequence[Mapping[str, Any]], params: Mapping[str, Any]) -> list[Any]:
    zone: datetime.tzinfo = datetime.timezone.utc
    try:
        if params["timezone"] != "UTC":  # which every host knows, also one without the zones of the world
            zone = zoneinfo.ZoneInfo(params["timezone"])
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise OptionInvalid(
            "There is no such time zone on this host",
            item="timezone",
            hint="It looks like Europe/Berlin; the package tzdata brings the zones.",
        ) from None
    seen = [Seen(one["path"], one["size"], _local(one["received_at"], zone), one["target"]) for one in observed]
    now = datetime.datetime.now(zone).replace(tzinfo=None)
    return compare(config, seen, now, params["watched"] or ())


def _local(text: str, zone: datetime.tzinfo) -> datetime.datetime:
    """A moment in UTC, as this collection returns it, in the appliance's own time."""
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise OptionInvalid(
            f"{text} is no moment", item="observed", hint="It looks like 2026-11-30T02:45:00Z."
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return moment.astimezone(zone).replace(tzinfo=None)


def _given(value: Any) -> Any:
    """A value without the suboptions that are not given."""
    if isinstance(value, Mapping):
        return {name: _given(inner) for name, inner in value.items() if inner is not None}
    return [_given(inner) for inner in value] if isinstance(value, list) else value
