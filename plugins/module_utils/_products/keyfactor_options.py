# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is declared of a Keyfactor Software Appliance: the fields of its page Backup, and what people attest.

Source: docs.keyfactor.com/software-appliance/latest/ejbca/backup. That page is made for a browser and there is no
public interface to it, so what stands in these fields is what a person has entered there and declares here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .options import absolute_path, choice, flag, list_of, option, text
from .pushed import PushedOptions

SCHEDULED, DISABLED = "scheduled", "disabled"
NFS, NO_STORAGE = "nfs", "none"
NFS_VERSIONS = ("4", "4.1", "4.2")
HSM, SOFT = "hsm", "soft"
INTERNAL, EXTERNAL = "internal", "external"
EJBCA, SIGNSERVER = "ejbca", "signserver"
APPLICATIONS = (EJBCA, SIGNSERVER)
_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_DAY = 86400


def moment(value: Any) -> str:
    """A date, or a time with its zone, as ISO 8601 writes them."""
    given = value if isinstance(value, str) else ""
    try:
        read = datetime.fromisoformat(given.replace("Z", "+00:00"))
        if len(given) > 10 and read.tzinfo is None:
            raise ValueError
    except ValueError:
        raise ValueError("a date like 2026-01-31, or a time like 2026-01-31T22:00:00Z") from None
    return given


def seconds_of_moment(value: str) -> float:
    """Such a date or time as seconds since the epoch; a date is its beginning, UTC."""
    read = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp()


def _prefix(value: Any) -> str:
    if not isinstance(value, str) or not _PREFIX.fullmatch(value):
        raise ValueError("letters, digits, dots, hyphens and underscores, beginning with none of the marks")
    return value


def _record(**checks: Any) -> Any:
    """A dictionary of these names, each with its own check; all of them are needed."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or set(value) != set(checks):
            raise ValueError(f"a dictionary with {', '.join(checks)}")
        return {name: inner(value[name]) for name, inner in checks.items()}

    return check


ATTESTATION = _record(by=text, at=moment)
ESCROW = _record(where=text, by=text, at=moment)


def _place(value: Any) -> dict[str, str]:
    """A backup of another product: product, source, instance."""
    if not isinstance(value, Mapping) or not value.get("source") or set(value) - {"product", "source", "instance"}:
        raise ValueError("a dictionary with source, and if need be product and instance")
    return {
        "product": text(value.get("product") or "pushed"),
        "source": text(value["source"]),
        "instance": str(value.get("instance") or ""),
    }


@dataclass(frozen=True)
class Storage:
    """Backup Storage Settings: the type, and for NFS version, URL and path."""

    type: str = NO_STORAGE
    nfs_version: str = ""
    nfs_url: str = ""
    path: str = ""


def _storage(value: Any) -> Storage:
    checks = {
        "type": choice(NO_STORAGE, NFS),
        "nfs_version": choice(*NFS_VERSIONS),
        "nfs_url": text,
        "path": absolute_path,
    }
    if not isinstance(value, Mapping) or set(value) - set(checks):
        raise ValueError(f"a dictionary with {', '.join(checks)}")
    return Storage(**{name: checks[name](given) for name, given in value.items()})


def _details(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > 100:
        raise ValueError("a dictionary of at most 100 rows of the table Backup Details")
    return {text(str(name))[:200]: str(shown)[:2000] for name, shown in value.items()}


def _percent(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
        raise ValueError("a number between 1 and 100")
    return value


@dataclass(frozen=True)
class KeyfactorApplianceOptions(PushedOptions):
    """``filename_prefix``: Backup Filename. ``schedule``: whether one is set. ``storage``: Backup Storage Settings.
    ``backup_details``: rows of the table of that name, as a person copied them.

    ``oauth_attested``: by whom and when it was seen that one logs in by OAuth and that the OTP user is removed.
    ``appliance_secret_fingerprint``: of the appliance's own Domain Master Secret, which is held nowhere here.
    ``escrow``: where that secret is kept, by whom, since when.

    ``key_storage`` and ``database``: whether keys and database are inside. Where they are not, ``hsm_backup`` and
    ``database_backup`` say which generations hold them, at most ``companion_max_age`` away.
    ``restart_lock``: why the appliance must not be restarted, when somebody has said so.
    """

    data_class: str = option(choice("voip_config", "system_config", "logs", "user_data"), "system_config")
    filename_prefix: str = option(_prefix, "")
    schedule: str = option(choice(SCHEDULED, DISABLED), DISABLED)
    storage: Storage = field(default=Storage(), metadata={"check": _storage})
    backup_details: Mapping[str, str] = option(_details, {})
    oauth_attested: Mapping[str, str] = option(ATTESTATION, {})
    appliance_secret_fingerprint: str = option(text, "", secret=True)
    accept_new_appliance_secret: bool = option(flag, False)
    escrow: Sequence[Mapping[str, str]] = option(list_of(ESCROW), [])
    key_storage: str = option(choice(SOFT, HSM), SOFT)
    hsm_backup: Mapping[str, str] = option(_place, {})
    database: str = option(choice(INTERNAL, EXTERNAL), INTERNAL)
    database_backup: Mapping[str, str] = option(_place, {})
    companion_max_age: str = option(text, "24h")
    applications: Sequence[str] = option(list_of(choice(*APPLICATIONS)), [EJBCA])
    appliance_size: str = option(text, "")
    cluster_nodes: Sequence[str] = option(list_of(text), [])
    storage_warn_percent: int = option(_percent, 80)
    restart_lock: str = option(text, "")
    restart_window: str = option(text, "30m")
