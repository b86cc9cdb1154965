# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another release of a product (BSI M 6.101): the vendor's notes are read before it, and both releases are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._compare.findings import RELEASE_CHANGED, Finding
from .._compare.semantic import MEDIUM
from .._errors import OptionInvalid
from .._repository.format import CommitRecord, GenerationId
from .event_rule import PRE_CHANGE

LONGEST = 500
"""Characters of each of the words about it: they stand in a commit record."""


@dataclass(frozen=True)
class ReleaseChange:
    """The release that is going to be installed, and the proof that somebody read what the vendor says of it."""

    target: str
    where: str
    by: str
    at: str

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> ReleaseChange | None:
        """From the options C(target_release) and C(release_notes_reviewed); None when no other release is announced.

        Raises OptionInvalid.
        """
        target, reviewed = params.get("target_release"), params.get("release_notes_reviewed") or {}
        if target is None and not reviewed:
            return None
        if params["phase"] != PRE_CHANGE:
            raise OptionInvalid(
                "target_release announces a change, and this backup is none before a change",
                hint="Say phase: pre_change, or leave target_release and release_notes_reviewed out.",
            )
        texts = {"target_release": target or "", **{name: reviewed.get(name) or "" for name in ("where", "by", "at")}}
        for name, text in texts.items():
            if not text.strip() or len(text) > LONGEST or not text.isprintable():
                raise OptionInvalid(
                    f"{name} is empty, longer than {LONGEST} characters, or no line of text",
                    hint="release_notes_reviewed says where the vendor's notes are, who read them, and when.",
                )
        return cls(*(text.strip() for text in texts.values()))

    def words(self) -> str:
        """For the reason in the commit record, where it can be read without any key."""
        return f"change of release to {self.target}; release notes {self.where}, reviewed by {self.by} at {self.at}"

    def to_json(self, release: str) -> dict[str, Any]:
        """For the sealed manifest. ``release``: what runs now."""
        reviewed = {"where": self.where, "by": self.by, "at": self.at}
        return {"from": release, "to": self.target, "release_notes_reviewed": reviewed}


def with_words(reason: str | None, change: ReleaseChange | None) -> str | None:
    """The reason of a backup with what is said of the release."""
    if change is None:
        return reason
    return f"{reason} ({change.words()})" if reason else change.words()


def another_release(release: str, before: Sequence[CommitRecord]) -> list[Finding]:
    """That the product's release is not that of the last complete generation, and what that means.

    :param before: what :func:`event_rule.back_to_complete` gives
    """
    last = before[-1] if before else None
    if last is None or not last.is_complete or not release or not last.release or last.release == release:
        return []
    return [
        Finding(
            MEDIUM,
            RELEASE_CHANGED,
            f"The release changed from {last.release} to {release}: {GenerationId.of(last)} may not be accepted by it."
            " Generations of both stay where retention has per_release, as the role maintenance has by default",
        )
    ]
