# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup configuration of a STARFACE as it is declared: the four steps of its wizard, field by field.

Nothing outside of the appliance can set it, so it is declared here, judged, written down for the person who enters it,
and held against what arrives. Source: the vendor's page "Neues Backup konfigurieren" (knowledge.starface.de/x/BgQIC).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import OptionInvalid
from .options import choice, flag, list_of, option, parse_options, text
from .starface_targets import FIELDS_OF, Target

MANUAL = "manual"
FINISHES: Mapping[str, str] = {
    "run_and_save": "Backup ausführen und Einstellungen übernehmen",
    "run_only": "Nur Backup ausführen",
    "save_only": "Nur Einstellungen übernehmen",
}
"""What becomes of it at the end -> what the wizard calls it."""
_HOURS = {"h": 1, "d": 24, "w": 168}
_NAMED = {"hourly": 1, "daily": 24, "weekly": 168, "monthly": 720}
_MINUTES_OF_A_WEEK = 7 * 24 * 60


def _interval(value: Any) -> int:
    """Hours; 0 for manual. The vendor's text names no entry of the list but "Manuell"."""
    if value == MANUAL:
        return 0
    if isinstance(value, str) and value in _NAMED:
        return _NAMED[value]
    found = re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("manual, hourly, daily, weekly, monthly, or a number with h, d or w like 12h")
    return int(found[1]) * _HOURS[found[2]]


def moment(value: Any) -> datetime.datetime:
    """A date and time without a zone, as the appliance's own clock shows it."""
    found = None
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", value):
        try:
            found = datetime.datetime.fromisoformat(value)
        except ValueError:
            found = None
    if found is None:
        raise ValueError("a date and time like 2026-11-30 02:00")
    return found


def time_of_day(value: Any) -> int:
    """Minutes since midnight."""
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("a time of day like 03:30")
    return int(found[1]) * 60 + int(found[2])


def minutes(value: Any) -> int:
    """A length of time in minutes, a week at most."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MINUTES_OF_A_WEEK:
        raise ValueError(f"a number of minutes between 1 and {_MINUTES_OF_A_WEEK}")
    return value


@dataclass(frozen=True)
class Contents:
    """The three boxes of the second step: ``master_data`` (Stammdaten: users, groups, telephones, numbers, address
    books, chat history), ``cdr_and_voicemail`` (CDR und Voicemails), ``announcements`` (Ansagetexte)."""

    master_data: bool = option(flag, True)
    cdr_and_voicemail: bool = option(flag, True)
    announcements: bool = option(flag, True)


CONTENT_LABELS: Mapping[str, str] = {
    "master_data": "Stammdaten",
    "cdr_and_voicemail": "CDR und Voicemails",
    "announcements": "Ansagetexte",
}


def _contents(value: Any) -> Contents:
    if not isinstance(value, Mapping):
        raise ValueError("a dictionary of the three boxes")
    return parse_options(Contents, value)


def _target(value: Any) -> Target:
    if not isinstance(value, Mapping) or not value.get("kind"):
        raise ValueError("a list of dictionaries with a kind each")
    target = parse_options(Target, value)
    fields = ("kind", *FIELDS_OF[target.kind])
    foreign = sorted(name for name, given in value.items() if given and name not in fields)
    if foreign:
        raise OptionInvalid(
            f"The storage place {target.kind} has no field {', '.join(foreign)}",
            item="targets",
            hint=f"It has {', '.join(FIELDS_OF[target.kind]) or 'none'}.",
        )
    return target


@dataclass(frozen=True)
class ArchiveJob:
    """The job "STARFACE Archivierung", which never runs at the same time as a backup. ``start`` in minutes since
    midnight, ``duration`` in minutes. It is taken to run every day."""

    start: int = option(time_of_day, 0)
    duration: int = option(minutes, 60)


def _archive_job(value: Any) -> ArchiveJob:
    if not isinstance(value, Mapping) or "start" not in value:
        raise ValueError("a dictionary with start, a time of day")
    return parse_options(ArchiveJob, value)


@dataclass(frozen=True)
class BackupConfig:
    """One backup configuration.

    ``name``, ``error_report_to``, ``interval`` (hours, 0 when started by hand), ``start`` (the appliance's own time):
    step 1. ``contents``: step 2. ``targets``: step 3; the first one is entered in the wizard, the others are added
    later. ``finish``: step 4.

    ``duration``: minutes that a backup is expected to take. ``archive_job``: when the archive job runs,
    ``other_names``: other backup configurations of the same appliance. ``applied_at``, ``applied_by``: who entered it,
    and when.
    """

    name: str = option(text, "")
    error_report_to: str = option(text, "")
    interval: int = option(_interval, 0)
    start: datetime.datetime | None = option(moment, None)
    contents: Contents = option(_contents, Contents())
    targets: Sequence[Target] = option(list_of(_target), ())
    finish: str = option(choice(*FINISHES), "save_only")
    duration: int = option(minutes, 60)
    archive_job: ArchiveJob | None = option(_archive_job, None)
    other_names: Sequence[str] = option(list_of(text), ())
    applied_at: datetime.datetime | None = option(moment, None)
    applied_by: str = option(text, "")

    @property
    def is_manual(self) -> bool:
        """Whether nothing starts it but a person."""
        return self.interval == 0

    @property
    def interval_label(self) -> str:
        """The interval in words."""
        if self.is_manual:
            return "Manuell"
        for name, hours in (("week", 168), ("day", 24)):
            if self.interval % hours == 0:
                count = self.interval // hours
                return f"every {name}" if count == 1 else f"every {count} {name}s"
        return "every hour" if self.interval == 1 else f"every {self.interval} hours"

    def to_result(self) -> dict[str, Any]:
        """The configuration as a module returns it. Of a password only whether it was given."""
        return {
            "name": self.name,
            "error_report_to": self.error_report_to,
            "interval_hours": self.interval,
            "start": _text(self.start),
            "contents": {name: bool(getattr(self.contents, name)) for name in CONTENT_LABELS},
            "targets": [_target_result(target) for target in self.targets],
            "finish": self.finish,
            "applied_at": _text(self.applied_at),
            "applied_by": self.applied_by,
        }


def parse_config(raw: Mapping[str, Any]) -> BackupConfig:
    """A configuration from plain values. Raises OptionInvalid for what is no value of its field at all; what is one and
    unwise is for :mod:`starface_advice`."""
    config = parse_options(BackupConfig, raw)
    if not config.name:
        raise OptionInvalid("The backup configuration has no name", item="name", hint="Set the option name.")
    return config


def _text(value: datetime.datetime | None) -> str | None:
    return value.strftime("%Y-%m-%d %H:%M") if value is not None else None


def _target_result(target: Target) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": target.kind}
    for name in FIELDS_OF[target.kind]:
        value = getattr(target, name)
        if name == "password":
            shown["password_given"] = bool(value)
        else:
            shown[name] = list(value) if name == "addresses" else value
    return shown
