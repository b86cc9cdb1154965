# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of the module C(recovery_report), as it returns them, without a repository."""

from __future__ import annotations

from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._module.report_judgement import FINE, RANKS, Finding

HOSTILE = '<script>alert("x")</script> | `a` \\ {{ 7 * 7 }} [l](javascript:1)\n# "q" %s %(x)s \u202e \u00fc'
"""A name that means something in every form of a report."""


def host(name: str, *findings: Finding, **facts: Any) -> dict[str, Any]:
    """A host of a result."""
    state = findings[0].kind if findings else FINE
    return {
        "host": name,
        "source": name,
        "product": "kamailio",
        "instance": "",
        "line": f"{name}/kamailio",
        "state": state,
        "rank": RANKS[state] if findings else len(RANKS),
        "findings": [finding.to_result() for finding in findings],
        "rto": "",
        "failure_domain": "",
        "owner": "",
        "responsible": "",
        "schedule": "",
        "rpo_seconds": 93600,
        "rpo_declared": False,
        "drill_interval_seconds": 31536000,
        "drill_interval_declared": False,
        "newest_complete": {"id": f"{name}/kamailio/2", "at": "2026-01-31T12:00:00Z", "age_seconds": 3600},
        "newest": {"id": f"{name}/kamailio/2", "at": "2026-01-31T12:00:00Z", "age_seconds": 3600},
        "first_at": "2026-01-01T12:00:00Z",
        "generations": {"complete": 2, "partial": 1, "pruned": 0},
        "data_classes": {"voip_config": {"entries": 1, "bytes": 1}, "system_config": {"entries": 1, "bytes": 1}},
        "verified": {"hashed_at": "2026-01-31T13:00:00Z", "opened_at": ""},
        "drill": {},
        "drill_passed": {},
        "open_restores": [],
        "changes": [],
        "stored_bytes": 5 * 2**20,
        "growth": {"added_per_day": 10.0, "released_per_day": 0.0, "per_day": 10.0, "days": 30.0},
        "licences": {"sealed": False, "generation": "", "licence_keys": [], "problem": ""},
        **facts,
    }


def never(name: str, **facts: Any) -> dict[str, Any]:
    """A host that was never backed up."""
    nothing: dict[str, Any] = {
        "newest": {},
        "newest_complete": {},
        "first_at": "",
        "generations": {"complete": 0, "partial": 0, "pruned": 0},
        "data_classes": {},
        "verified": {"hashed_at": "", "opened_at": ""},
        "stored_bytes": 0,
        "growth": {},
    }
    return host(name, Finding("never_backed_up"), **{**nothing, **facts})


def result(*hosts: dict[str, Any], backup_host: str = "backup1", **state: Any) -> dict[str, Any]:
    """A result for one repository, with its place."""
    return {
        "at": "2026-01-31T14:00:00Z",
        "place": {"backup_host": backup_host, "repository": "/srv/recovery"},
        "hosts": list(hosts),
        "orphans": state.pop("orphans", []),
        "repository_state": {
            "path": "/srv/recovery",
            "problem": "",
            "findings": [],
            "reserve": 10 * 2**30,
            "failure_domain": "rack-1",
            "objects": 3,
            "stored_bytes": 2**30,
            "needed_bytes": 2**30,
            "free_bytes": 100 * 2**30,
            "growth": {"added_per_day": 10.0, "released_per_day": 0.0, "per_day": 10.0, "days": 30.0},
            "days_until_full": 90.4,
            "verified": {"newest_at": "2026-01-31T13:00:00Z", "oldest_at": "", "never": 1, "opened_at": ""},
            **state,
        },
    }
