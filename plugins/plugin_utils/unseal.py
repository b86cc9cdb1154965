# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's side of unsealing: the Domain Master Secret is used here and goes nowhere else.

In front of a module that opens sealed content: ask it for the headers of what it needs, unwrap their file keys here,
run it again with just these keys.
"""

from __future__ import annotations

import base64
import gc
import getpass
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    OptionInvalid,
    RepositoryDamaged,
    WrongKey,
)
from ansible_collections.ucops.recovery.plugins.module_utils._libraries import require
from ansible_collections.ucops.recovery.plugins.module_utils._module.argspec import (
    INTERNAL_OPTIONS,
    TRUST_OPTIONS,
    UNLOCK_OPTIONS,
    UNSEAL_STAGE_OPEN,
    UNSEAL_STAGE_REQUEST,
    ArgumentSpec,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import failure
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import object_name
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import check_trusted, verify_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.owner import RepositoryState, unlock
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import AllowedSigners
from ansible_collections.ucops.recovery.plugins.plugin_utils.controller_files import (
    ControllerFiles,
    allowed_signers,
    as_text,
    expected_heads,
)

GROUP_WIDE_OPTIONS = frozenset(UNLOCK_OPTIONS + TRUST_OPTIONS)
"""What fits into the defaults of the action group: modules that need none of it do not get it."""


class RecoveryAction(ActionBase):  # type: ignore[misc]
    """What all actions of the collection share: errors as results, and options that are the controller's business."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    spec: ArgumentSpec
    """The options of the module."""

    internal_options = INTERNAL_OPTIONS

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module with what the controller adds."""
        # Ansible's worker lives for this task alone: what it inherited is no garbage.
        gc.freeze()
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            options = self._own_options()
            result.update(self.serve(options, task_vars or {}))
        except AnsibleError:
            raise
        except Exception as error:
            result.update(failed=True, changed=False, **failure(error))
        return result

    @abstractmethod
    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The task's result. Subclasses say how."""

    def _own_options(self) -> dict[str, Any]:
        """The task's options, without what the defaults of the action group have for other modules.

        A module would complain of an option that it does not know, but the option would have been sent by then.
        """
        options = dict(self._task.args)
        for name in self.internal_options:
            if options.get(name) is not None:
                raise OptionInvalid(f"The option {name} is set by the action plugin; it is not for playbooks")
        for name in GROUP_WIDE_OPTIONS - self.spec.options.keys():
            options.pop(name, None)
        unknown = options.keys() - self.spec.options.keys()
        if unknown:
            raise OptionInvalid(
                f"Unsupported parameters: {', '.join(sorted(map(str, unknown)))}",
                hint=f"Supported are {', '.join(sorted(self.spec.options.keys() - set(self.internal_options)))}.",
            )
        return options

    @property
    def files(self) -> ControllerFiles:
        """The controller's files."""
        return ControllerFiles(self._loader)

    def module(self, options: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run the module of the same name where the task runs."""
        # To look for garbage while a payload is made takes half as long again as to make it, and there is hardly any.
        gc.disable()
        try:
            answer: dict[str, Any] = self._execute_module(module_args=dict(options), task_vars=task_vars)
        finally:
            gc.enable()
        shown = (answer.get("invocation") or {}).get("module_args") or {}
        for name in self.internal_options:
            shown.pop(name, None)
        return answer

    def require_pipelining(self) -> None:
        """Raises OptionInvalid unless what is sent to the module stays in memory."""
        if not self._is_pipelining_enabled("new"):
            raise OptionInvalid(
                "Nothing was unsealed: pipelining is off, so Ansible would write keys to a file on the backup host",
                hint="Set ansible_pipelining: true for the backup host. Keeping remote files, or su, turn it off.",
            )


class KeylessAction(RecoveryAction):
    """In front of a module that needs nothing that unlocks."""

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The module's answer."""
        return self.module(options, task_vars)


class ReceivingAction(KeylessAction):
    """In front of modules that open nothing and leave a record, which names who ran them."""

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The module's answer."""
        name_actor(options, task_vars)
        return super().serve(options, task_vars)


class UnsealingAction(RecoveryAction):
    """In front of a module that unseals."""

    only_in_diff_mode = False
    """The keys serve nothing but the difference: without C(--diff) they are not asked for."""

    keys_are_needed = True
    """Whether the module is of no use when everything that it asked for is damaged."""

    names_actor = False
    """The module records who does it, and in which job."""

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Without anything to unlock the module runs once, else in two stages."""
        secret = take_unlock_options(options, self.files)
        resolve_trust(options, self.files)
        if self.names_actor:
            name_actor(options, task_vars)
        if secret is None or (self.only_in_diff_mode and not self._task.diff):
            return self.module(options, task_vars)
        self.require_pipelining()
        require("cryptography")
        answer = self.module({**options, "unseal_stage": UNSEAL_STAGE_REQUEST}, task_vars)
        if "unseal" not in answer:
            return answer
        keys = open_request(
            answer["unseal"], secret, options.get("allowed_signers"), none_needed=not self.keys_are_needed
        )
        sent = {name: base64.b64encode(key).decode("ascii") for name, key in keys.items()}
        return self.module({**options, "unseal_stage": UNSEAL_STAGE_OPEN, "file_keys": sent}, task_vars)


class BackupAction(UnsealingAction):
    """In front of the modules that back up: the keys show the difference to the previous generation, and where that is
    damaged a backup is needed more than ever."""

    only_in_diff_mode = True
    keys_are_needed = False
    names_actor = True


class RestoreAction(UnsealingAction):
    """In front of the modules that restore."""

    names_actor = True


# --- what opens a repository -----------------------------------------------------------------------------------------
def take_unlock_options(options: dict[str, Any], files: ControllerFiles) -> str | list[age.X25519Identity] | None:
    """Remove the options that unlock, and give what they name: the Domain Master Secret, identities, or None.

    Raises OptionInvalid.
    """
    given = {name: options.pop(name) for name in UNLOCK_OPTIONS if name in options}
    given = {name: value for name, value in given.items() if value is not None and value != ""}
    if len(given) > 1:
        raise OptionInvalid(f"Only one of {', '.join(given)} can be given")
    if "domain_master_secret" in given:
        return as_text("domain_master_secret", given["domain_master_secret"])
    for name in given:
        text = as_text(name, given[name])
        if name == "identity_file":
            text = files.read(name, text)
        identities = age.identities_from_text(text)
        if not identities:
            raise OptionInvalid(f"{name} holds no age identity (AGE-SECRET-KEY-1...)")
        return identities
    return None


def resolve_trust(options: dict[str, Any], files: ControllerFiles) -> None:
    """Replace paths on the controller by what the files say. Raises OptionInvalid."""
    if options.get("allowed_signers"):
        options["allowed_signers"] = allowed_signers(files, options["allowed_signers"])
    if options.get("expected_heads"):
        options["expected_heads"] = expected_heads(files, options["expected_heads"])


def name_actor(options: dict[str, Any], task_vars: Mapping[str, Any]) -> None:
    """Fill in who runs this and in which job, unless the task says so."""
    if not options.get("actor"):
        options["actor"] = str(task_vars.get("awx_user_name") or task_vars.get("tower_user_name") or _user())
    job = task_vars.get("awx_job_id") or task_vars.get("tower_job_id")
    if job and not options.get("job"):
        options["job"] = str(job)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


# --- opening ---------------------------------------------------------------------------------------------------------
def open_request(
    request: Mapping[str, Any],
    secret: str | list[age.X25519Identity],
    signers: str | None,
    *,
    none_needed: bool = False,
) -> dict[str, bytes]:
    """The file keys of a module's request, object by object. Of the useful headers the damaged ones are left to the
    module, unless nothing opens at all. ``none_needed``: also then.

    Which object a header belongs to is the backup host's word, see docs/security.md.

    Raises NotAuthentic when the keyring's owner is not among the allowed signers, WrongKey when the secret does not
    open the repository, RepositoryDamaged when the repository's files do not fit together.
    """
    state = RepositoryState.from_json(request["state"])
    if signers:
        check_trusted(
            verify_keyring(state.keyring or b"", state.keyring_signature or b""), AllowedSigners.parse(signers)
        )
    identities = unlock(state, secret)
    keys: dict[str, bytes] = {}
    for name, header in request["headers"].items():
        keys[str(name)] = _file_key(str(name), header, identities)
    problem: RepositoryDamaged | WrongKey | None = None
    for name, header in request["useful_headers"].items():
        try:
            keys[str(name)] = _file_key(str(name), header, identities)
        except (RepositoryDamaged, WrongKey) as error:
            problem = error
    if problem is not None and not keys and not (none_needed and isinstance(problem, RepositoryDamaged)):
        raise problem
    return keys


def _file_key(name: str, header: str, identities: list[age.X25519Identity]) -> bytes:
    try:
        return age.unwrap(age.parse_header(base64.b64decode(header)), identities)
    except (RepositoryDamaged, WrongKey) as error:
        raise type(error)(error.message, item=object_name(name)) from None
