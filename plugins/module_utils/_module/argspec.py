# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Option groups: one builder for every documentation fragment of the same name.

A module's specification is the sum of its groups and of its own options. The fragments in ``plugins/doc_fragments`` say
the same in words; a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._entries import PHASES

UNLOCK_OPTIONS = ("domain_master_secret", "identity", "identity_file")
"""What opens a repository. The action plugins consume these; they never reach a module."""

TRUST_OPTIONS = ("allowed_signers", "expected_heads")

LATEST = "latest"
PRE_RESTORE_MODES = ("required", "best_effort", "skip")
STEP_RESTORE, STEP_PLAN, STEP_STOP, STEP_START = RESTORE_STEPS = ("restore", "plan", "stop", "start")
COMPANION_KINDS = ("vm_snapshot", "disk_image", "disk_mirror", "other")

UNSEAL_STAGE_REQUEST = "request"
UNSEAL_STAGE_OPEN = "open"
INTERNAL_OPTIONS = ("unseal_stage", "file_keys")
"""What the action plugins say to their modules, and nobody else."""


class ArgumentSpec:
    """The keyword arguments of an AnsibleModule, as a value that can be added up."""

    def __init__(
        self,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        mutually_exclusive: Sequence[Sequence[str]] = (),
        required_together: Sequence[Sequence[str]] = (),
        required_one_of: Sequence[Sequence[str]] = (),
        required_if: Sequence[Sequence[Any]] = (),
        required_by: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.options = {name: dict(option) for name, option in (options or {}).items()}
        self.mutually_exclusive = [list(names) for names in mutually_exclusive]
        self.required_together = [list(names) for names in required_together]
        self.required_one_of = [list(names) for names in required_one_of]
        self.required_if = [list(rule) for rule in required_if]
        self.required_by = {name: list(others) for name, others in (required_by or {}).items()}

    def merge(self, *others: ArgumentSpec) -> ArgumentSpec:
        """A new specification with the options and rules of all. Raises ValueError when two name the same option."""
        merged = ArgumentSpec(
            self.options,
            mutually_exclusive=self.mutually_exclusive,
            required_together=self.required_together,
            required_one_of=self.required_one_of,
            required_if=self.required_if,
            required_by=self.required_by,
        )
        for other in others:
            twice = merged.options.keys() & other.options.keys()
            if twice:
                raise ValueError(f"options defined twice: {', '.join(sorted(twice))}")
            merged.options.update({name: dict(option) for name, option in other.options.items()})
            merged.mutually_exclusive += other.mutually_exclusive
            merged.required_together += other.required_together
            merged.required_one_of += other.required_one_of
            merged.required_if += other.required_if
            merged.required_by.update(other.required_by)
        return merged

    def to_kwargs(self) -> dict[str, Any]:
        """Ready for ``AnsibleModule(**spec.to_kwargs())``."""
        return {
            "argument_spec": self.options,
            "mutually_exclusive": self.mutually_exclusive,
            "required_together": self.required_together,
            "required_one_of": self.required_one_of,
            "required_if": self.required_if,
            "required_by": self.required_by,
        }


def repository() -> ArgumentSpec:
    """Where the repository is."""
    return ArgumentSpec({"repository": {"type": "path", "required": True}})


def writer() -> ArgumentSpec:
    """The key file of those who add generations."""
    return ArgumentSpec({"writer_key_file": {"type": "path", "required": True}})


def unlock() -> ArgumentSpec:
    """What opens sealed content, and the two options by which the action plugin talks to its module."""
    return ArgumentSpec(
        {
            "domain_master_secret": {"type": "str", "no_log": True},
            "identity": {"type": "str", "no_log": True},
            "identity_file": {"type": "path", "no_log": True},
            "unseal_stage": {"type": "str", "choices": [UNSEAL_STAGE_REQUEST, UNSEAL_STAGE_OPEN]},
            "file_keys": {"type": "dict", "no_log": True},
        },
        mutually_exclusive=[UNLOCK_OPTIONS],
    )


def trust() -> ArgumentSpec:
    """What the operator knows of the repository from elsewhere."""
    return ArgumentSpec({"allowed_signers": {"type": "str"}, "expected_heads": {"type": "raw"}})


def source() -> ArgumentSpec:
    """Under which name a host is kept, and where it is today."""
    return ArgumentSpec(
        {
            "source": {"type": "str", "required": True},
            "host": {"type": "str"},
            "instance": {"type": "str", "default": ""},
        }
    )


def change() -> ArgumentSpec:
    """Why something is done, for the record."""
    return ArgumentSpec(
        {
            "change_id": {"type": "str"},
            "reason": {"type": "str"},
            "actor": {"type": "str"},
            "job": {"type": "str"},
            "run_id": {"type": "str"},
        }
    )


def phase() -> ArgumentSpec:
    """On which side of a change a backup stands."""
    choices = [name for name in PHASES if name != "pre_restore"]
    reviewed = {name: {"type": "str", "required": True} for name in ("where", "by", "at")}
    return ArgumentSpec(
        {
            "phase": {"type": "str", "choices": choices, "default": "manual"},
            "target_release": {"type": "str"},
            "release_notes_reviewed": {"type": "dict", "options": reviewed},
        },
        required_if=[("phase", "pre_change", ["change_id"]), ("phase", "post_change", ["change_id"])],
        required_together=[["target_release", "release_notes_reviewed"]],
    )


def backup() -> ArgumentSpec:
    """What is said of the backup itself: whether an earlier one will do, what shrank on purpose, what belongs to it and
    is kept elsewhere, and where it may go."""
    return ArgumentSpec(
        {
            "max_age": {"type": "str"},
            "force": {"type": "bool", "default": False},
            "accept_shrunken": {"type": "list", "elements": "str", "default": []},
            "companions": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "kind": {"type": "str", "required": True, "choices": list(COMPANION_KINDS)},
                    "reference": {"type": "str", "required": True},
                    "taken_at": {"type": "str"},
                },
            },
            "companions_elsewhere": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "companion": {"type": "str", "required": True},
                    "reason": {"type": "str", "required": True},
                },
            },
            "reserve": {"type": "int"},
            "allow_same_host": {"type": "bool"},
        }
    )


def counting() -> ArgumentSpec:
    """To look again at how much of its work a host does."""
    return ArgumentSpec({"only_counters": {"type": "bool", "default": False}})


def arrival() -> ArgumentSpec:
    """Since when what arrives is what was asked for."""
    return ArgumentSpec({"received_after": {"type": "str"}})


def restore() -> ArgumentSpec:
    """What is put back, and under which conditions."""
    return ArgumentSpec(
        {
            "generation": {"type": "str", "default": LATEST},
            "only_items": {"type": "list", "elements": "str", "default": []},
            "only_paths": {"type": "list", "elements": "str"},
            "pre_restore": {"type": "str", "choices": list(PRE_RESTORE_MODES), "default": "required"},
            "allow_different_host": {"type": "bool", "default": False},
            "allow_version_mismatch": {"type": "bool", "default": False},
            "step": {"type": "str", "choices": list(RESTORE_STEPS), "default": STEP_RESTORE},
            "expected": {"type": "str"},
            "confirm_losses": {"type": "bool", "default": False},
            "drill": {
                "type": "dict",
                "options": {
                    "production_host": {"type": "str", "required": True},
                    "production_port": {"type": "int", "default": 22},
                    "production_host_key": {"type": "str", "no_log": False},
                    "production_known_hosts_file": {"type": "path", "no_log": False},
                    "unreachable": {"type": "list", "elements": "str", "default": []},
                    "accept_reachable": {"type": "str"},
                    "shares_hardware": {"type": "bool", "default": False},
                },
            },
        }
    )


GROUPS: dict[str, Callable[[], ArgumentSpec]] = {
    "repository": repository,
    "repository.writer": writer,
    "unlock": unlock,
    "trust": trust,
    "source": source,
    "change": change,
    "backup": backup,
    "backup.counting": counting,
    "landing.arrival": arrival,
    "restore": restore,
    "change.phase": phase,
}
"""Documentation fragment -> builder. Those of the ways to a host are in C(connections), that of mails is in
C(error_report)."""
