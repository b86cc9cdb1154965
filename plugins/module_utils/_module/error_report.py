# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One mail about everything that failed in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import RecoveryError
from .._repository.chain import head, take_complete
from .._repository.format import ChainId, GenerationId
from .._transport.mail import SECURITY, STARTTLS, MailOptions, compose, send
from .argspec import ArgumentSpec
from .opening import open_backend

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

MOST_FAILURES = 200
"""How many failures one mail tells in full; the rest is named."""
LONGEST_PROBLEM = 2000

_TEXT: dict[str, Any] = {"type": "str"}


def report() -> ArgumentSpec:
    """To whom a report goes, and by which server."""
    return ArgumentSpec(
        {
            "report_to": {"type": "list", "elements": "str", "required": True},
            "report_from": {"type": "str", "required": True},
            "smtp_host": {"type": "str", "required": True},
            "smtp_port": {"type": "int"},
            "smtp_security": {"type": "str", "choices": list(SECURITY), "default": STARTTLS},
            "smtp_username": {"type": "str"},
            "smtp_password": {"type": "str", "no_log": True},
            "smtp_ca_file": {"type": "path"},
            "smtp_timeout": {"type": "int", "default": 30},
        },
        required_together=[["smtp_username", "smtp_password"]],
    )


SPEC = report().merge(
    ArgumentSpec(
        {
            "failures": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "source": {"type": "str", "required": True},
                    "product": _TEXT,
                    "instance": _TEXT,
                    "error": _TEXT,
                    "problem": {"type": "str", "required": True},
                    "generation": _TEXT,
                    "last_good": _TEXT,
                },
            },
            "repository": {"type": "path"},
            "looked_at": {"type": "int"},
            "phase": _TEXT,
            "change_id": _TEXT,
            "run_id": _TEXT,
        }
    )
)


def report_errors(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises OptionInvalid and what :func:`send` raises."""
    params = module.params
    options = MailOptions(
        host=params["smtp_host"],
        sender=params["report_from"],
        recipients=tuple(params["report_to"]),
        port=params["smtp_port"],
        security=params["smtp_security"],
        username=params["smtp_username"],
        password=params["smtp_password"],
        ca_file=params["smtp_ca_file"],
        timeout=params["smtp_timeout"],
    )
    failures = [dict(one) for one in params["failures"]]
    warnings = _find_last_good(failures, params["repository"]) if params["repository"] else []
    subject, text = digest(failures, params)
    result: dict[str, Any] = {"changed": bool(failures), "count": len(failures), "refused": [], "warnings": warnings}
    if failures and not module.check_mode:
        result["refused"] = send(options, compose(options, subject, text))
        if result["refused"]:
            warnings.append(f"The mail server took no mail for {', '.join(result['refused'])}.")
    if module._diff and failures:
        result["diff"] = {"prepared": f"Subject: {subject}\n\n{text}"}
    return result


def _find_last_good(failures: Sequence[dict[str, Any]], repository: str) -> list[str]:
    """Complete the failures from the repository. Returns warnings: a report must not fail over it."""
    warnings = []
    for one in failures:
        if not one.get("product") or one.get("last_good"):
            continue
        try:
            backend = open_backend({"repository": repository})
            newest = head(backend, ChainId(one["source"], one["product"], one.get("instance") or ""))
            for record in take_complete(backend, newest, 1):
                one["last_good"] = f"{GenerationId.of(record)} of {record.received_at}"
            one["last_good"] = one.get("last_good") or "there is none"
        except RecoveryError as error:
            warnings.append(f"The last good generation of {_title(one)} could not be looked up: {error.message}.")
    return warnings


def digest(failures: Sequence[Mapping[str, Any]], run: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text of a report. ``run``: C(looked_at), C(phase), C(change_id), C(run_id) as far as known."""
    ordered = sorted(failures, key=lambda one: (one["source"], one.get("product") or "", one.get("instance") or ""))
    sources = list(dict.fromkeys(one["source"] for one in ordered))
    of = f" of {run['looked_at']}" if run.get("looked_at") else ""
    what = f"{len(ordered)}{of} backup{'' if len(ordered) == 1 and not of else 's'} failed"
    named = ", ".join(sources[:3]) + (f" and {len(sources) - 3} more" if len(sources) > 3 else "")
    lines = [f"{what}."]
    lines += [f"{label}: {run[name]}" for name, label in _ABOUT_RUN if run.get(name)]
    for one in ordered[:MOST_FAILURES]:
        lines += ["", _title(one), *_block(one)]
    left = [_title(one) for one in ordered[MOST_FAILURES:]]
    if left:
        lines += ["", f"And {len(left)} more: {', '.join(left)}"]
    lines += ["", "A backup with gaps is no backup: mend the cause and run it again before anything is changed there."]
    return f"Backup failed: {named} ({what})", "\n".join(lines) + "\n"


_ABOUT_RUN = (("run_id", "Run"), ("phase", "Phase"), ("change_id", "Change"))


def _title(one: Mapping[str, Any]) -> str:
    instance = f"@{one['instance']}" if one.get("instance") else ""
    return f"{one['source']}/{one['product']}{instance}" if one.get("product") else str(one["source"])


def _block(one: Mapping[str, Any]) -> list[str]:
    problem = " ".join(one["problem"].split())
    if len(problem) > LONGEST_PROBLEM:
        problem = f"{problem[:LONGEST_PROBLEM]} ..."
    lines = [f"  {problem}"]
    if one.get("generation"):
        lines.append(f"  What could be gathered is kept as {one['generation']}.")
    lines.append(f"  Last good one: {one.get('last_good') or 'not known'}")
    return lines
