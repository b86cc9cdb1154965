# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(repository): the backup host's part, in stages that its action plugin asks for.

``inspect`` says what is there. ``writer_key`` makes the key that never leaves the backup host. ``apply`` carries out
plans that were made on the controller, then binds the writer key to what they made.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid, RepositoryExists
from .._libraries import require
from .._repository.keyring import ROLE_NAMESPACES
from .._repository.keys import WriterKey
from .._repository.owner import Plan, apply_plan, read_state
from .argspec import ArgumentSpec, repository, writer
from .opening import backend_at

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

STAGE_INSPECT = "inspect"
STAGE_WRITER_KEY = "writer_key"
STAGE_APPLY = "apply"

SECRET_OPTIONS = ("domain_master_secret", "previous_domain_master_secret")

SPEC = ArgumentSpec(
    {
        "writer_name": {"type": "str"},
        "domain_master_secret": {"type": "str", "no_log": True},
        "generate_domain_master_secret_file": {"type": "path", "no_log": False},
        "previous_domain_master_secret": {"type": "str", "no_log": True},
        "rotate_identity": {"type": "bool", "default": False},
        "recipients": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "recipient": {"type": "str", "required": True},
            },
        },
        "signers": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "public_key": {"type": "str", "required": True},
                "roles": {"type": "list", "elements": "str", "choices": list(ROLE_NAMESPACES), "required": True},
                "revoked": {"type": "str", "default": "false"},
            },
        },
        "recovery_card_file": {"type": "path"},
        "stage": {"type": "str", "choices": [STAGE_INSPECT, STAGE_WRITER_KEY, STAGE_APPLY]},
        "plans": {"type": "list", "elements": "dict"},
    },
    mutually_exclusive=[["domain_master_secret", "generate_domain_master_secret_file"]],
).merge(repository(), writer())


def keep_repository(module: AnsibleModule) -> dict[str, Any]:
    """What the module answers to its action plugin. Raises OptionInvalid without one."""
    params = module.params
    if any(params[name] for name in SECRET_OPTIONS) or params["stage"] is None:
        raise OptionInvalid(
            "This module was run without its action plugin, which keeps the Domain Master Secret on the controller",
            hint="Call it by its full name ucops.recovery.repository from a task.",
        )
    require("cryptography")
    if params["stage"] == STAGE_INSPECT:
        return {"inspection": inspect(params)}
    if module.check_mode:
        raise OptionInvalid("In check mode nothing is made")
    if params["stage"] == STAGE_WRITER_KEY:
        return {"changed": True, "writer": make_writer_key(params["writer_key_file"], params["writer_name"])}
    return {"changed": True, "writer": apply(params)}


def inspect(params: Mapping[str, Any]) -> dict[str, Any]:
    """The repository's public and sealed files, and the public side of the writer key, None when there is none."""
    path = params["writer_key_file"]
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise OptionInvalid("The folder of the writer key file does not exist", item=folder)
    if _is_below(path, params["repository"]):
        raise OptionInvalid(
            "The writer key file would lie in the repository",
            item=path,
            hint="Whoever copies the repository would copy the key. Keep it elsewhere, for example below /etc.",
        )
    return {
        "state": read_state(backend_at(params)).to_json(),
        "writer": describe_writer(WriterKey.load(path)) if os.path.lexists(path) else None,
    }


def make_writer_key(path: str, name: str) -> dict[str, Any]:
    """A new key, not bound to a repository yet. Raises AlreadyExists, OptionInvalid."""
    key = WriterKey.generate(name)
    key.save(path)
    return describe_writer(key)


def apply(params: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out the plans in their order, then bind the writer key to the last one's outcome."""
    backend = backend_at(params)
    plans = [Plan.from_json(plan) for plan in params["plans"] or ()]
    if not plans:
        raise OptionInvalid("There is nothing to apply")
    pins = plans[-1].facts["pins"]
    key = WriterKey.load(params["writer_key_file"])
    if key.repository_id and key.repository_id != pins["repository_id"]:
        raise RepositoryExists("The writer key belongs to another repository", item=params["writer_key_file"])
    for plan in plans:
        apply_plan(backend, plan)
    bound = key.with_pins(**pins)
    if bound != key:
        bound.save(params["writer_key_file"], replace=True)
    return describe_writer(bound)


def describe_writer(key: WriterKey) -> dict[str, Any]:
    """The public side of a writer key."""
    return {
        "name": key.name,
        "public_key": key.public,
        "pins": {
            "repository_id": key.repository_id,
            "owner": key.owner,
            "recipients_digest": key.recipients_digest,
        },
    }


def _is_below(path: str, folder: str) -> bool:
    real = os.path.realpath(folder)
    return os.path.commonpath([os.path.realpath(path), real]) == real
