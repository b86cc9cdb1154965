# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's side of the module C(repository): what only the holder of the Domain Master Secret can do."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._libraries import require
from ansible_collections.ucops.recovery.plugins.module_utils._module.keyring_facts import revoked_text
from ansible_collections.ucops.recovery.plugins.module_utils._module.repository import (
    SECRET_OPTIONS,
    SPEC,
    STAGE_APPLY,
    STAGE_INSPECT,
    STAGE_WRITER_KEY,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import (
    DOCUMENTS,
    REPOSITORY_DOCUMENT,
    Keyring,
    Recipient,
    Signer,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import generate_secret, judge_secret
from ansible_collections.ucops.recovery.plugins.module_utils._repository.owner import Plan, RepositoryState
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey
from ansible_collections.ucops.recovery.plugins.plugin_utils.controller_files import ControllerFiles, as_text
from ansible_collections.ucops.recovery.plugins.plugin_utils.owner_plans import (
    Wishes,
    check_writer,
    is_there,
    plan_wishes,
    unused_name,
)
from ansible_collections.ucops.recovery.plugins.plugin_utils.recovery_card import recovery_card
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import RecoveryAction

_DOCUMENTS_FOLDER = pathlib.Path(__file__).parent / "repository_documents"
_SENT = ("repository", "writer_key_file")


class _Failed(Exception):
    """The module failed; its answer is the task's result."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self.answer = answer


class OwnerAction(RecoveryAction):
    """Inspect the repository, plan here, have the plans carried out there."""

    internal_options = ("stage", "plans")

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The task's result: what is true of the repository now, or would be in check mode."""
        require("cryptography")
        try:
            return self._keep(validated(options), task_vars)
        except _Failed as failed:
            return failed.answer

    def _keep(self, params: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        wishes = wishes_of(params)
        check_mode = bool(self._task.check_mode)

        def ask(stage: str, key: str, **more: Any) -> dict[str, Any]:
            sent = {**{name: params[name] for name in _SENT}, "stage": stage, **more}
            answer = self.module(sent, task_vars)
            if key not in answer:
                raise _Failed(answer)
            return dict(answer[key])

        inspection = ask(STAGE_INSPECT, "inspection")
        state = RepositoryState.from_json(inspection["state"])
        writer = inspection["writer"]
        check_writer(state, writer, params["writer_key_file"])
        wishes = replace(wishes, secret=SecretSource(params, self.files).secret(is_there(state), check_mode))
        warnings = judge_secret(wishes.secret)

        actions = []
        if writer is None:
            actions.append("made a writer key")
            writer = self._new_writer(state, params, task_vars)
            # nothing is made before it is known that all the rest will do
            plan_wishes(state, wishes, Signer(writer["name"], writer["public_key"]), documents())
            if not check_mode:
                writer = ask(STAGE_WRITER_KEY, "writer", writer_name=writer["name"])
        plans, facts = plan_wishes(state, wishes, Signer(writer["name"], writer["public_key"]), documents())
        actions += describe(plans)
        bind = writer["pins"] != facts["pins"]
        if bind:
            actions.append("bound the writer key to the repository")
        if (plans or bind) and not check_mode:
            # a plan without steps carries what the writer key is to be bound to
            carried = plans or [Plan((), facts, "")]
            ask(STAGE_APPLY, "writer", plans=[plan.to_json() for plan in carried])

        known = is_there(state) or not check_mode
        if params["recovery_card_file"] and known:
            actions += self._write_card(params, facts, task_vars)
        nothing_yet = {"writer": {"name": writer["name"], "public_key": ""}}
        result: dict[str, Any] = facts_result(facts, writer) if known else nothing_yet
        result.update(changed=bool(actions), actions=actions, secret_warnings=warnings)
        if warnings:
            result["warnings"] = [f"The Domain Master Secret is weak. {' '.join(warnings)}"]
        if self._task.diff:
            result["diff"] = {"before": shown(state.keyring), "after": shown_facts(facts) if known else {}}
        return result

    def _new_writer(
        self, state: RepositoryState, params: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What a writer key that the backup host is going to make will look like."""
        name = unused_name(state, params["writer_name"] or self._backup_host(task_vars))
        return {"name": name, "public_key": SigningKey.generate().public, "pins": {}}

    def _backup_host(self, task_vars: Mapping[str, Any]) -> str:
        return str(self._task.delegate_to or task_vars.get("inventory_hostname") or "writer")

    def _write_card(
        self, params: Mapping[str, Any], facts: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> list[str]:
        given = params["recovery_card_file"]
        host = self._backup_host(task_vars)
        text = recovery_card(given, facts, backup_host=host, repository=str(params["repository"]))
        path = self.files.path(given)
        if os.path.exists(path) and self.files.read("recovery_card_file", given) == text:
            return []
        if not self._task.check_mode:
            self.files.replace("recovery_card_file", given, text)
        return ["wrote the recovery card"]


# --- options ---------------------------------------------------------------------------------------------------------
def validated(options: Mapping[str, Any]) -> dict[str, Any]:
    """The task's options as the specification types them. Raises OptionInvalid."""
    texts = {name: as_text(name, options[name]) for name in SECRET_OPTIONS if options.get(name) is not None}
    result = ArgumentSpecValidator(**SPEC.to_kwargs()).validate({**options, **texts})
    if result.error_messages:
        raise OptionInvalid("; ".join(result.error_messages))
    params: dict[str, Any] = result.validated_parameters
    card = params["recovery_card_file"]
    if card and not card.endswith((".html", ".txt")):
        raise OptionInvalid("recovery_card_file ends neither with .html nor with .txt", item=card)
    return params


class SecretSource:
    """Where the Domain Master Secret comes from: an option, a file of the controller, or chance."""

    def __init__(self, params: Mapping[str, Any], files: ControllerFiles) -> None:
        self._params = params
        self._files = files

    def secret(self, repository_exists: bool, check_mode: bool) -> str:
        """The Domain Master Secret; a generated one is in its file before it is used. Raises OptionInvalid."""
        given = self._params["domain_master_secret"]
        if given:
            return str(given)
        file = self._params["generate_domain_master_secret_file"]
        if not file:
            raise OptionInvalid(
                "The Domain Master Secret is missing",
                hint="Give domain_master_secret."
                if repository_exists
                else "Give domain_master_secret, or a path on the controller as generate_domain_master_secret_file:"
                " a strong one is generated and written there.",
            )
        if os.path.exists(self._files.path(file)):
            secret = self._files.read("generate_domain_master_secret_file", file).rstrip("\r\n")
            if not secret:
                raise OptionInvalid("The file of the Domain Master Secret is empty", item=self._files.path(file))
            return secret
        if repository_exists and self._params["previous_domain_master_secret"] is None:
            raise OptionInvalid(
                "There is a repository already, and the file of its Domain Master Secret is missing",
                item=self._files.path(file),
                hint="Give domain_master_secret. To have a new one generated, give the present one as"
                " previous_domain_master_secret.",
            )
        secret = generate_secret()
        if not check_mode:
            self._files.write_new("generate_domain_master_secret_file", file, secret + "\n")
        return secret


def wishes_of(params: Mapping[str, Any]) -> Wishes:
    """The validated options as wishes, but for the secret. Raises OptionInvalid."""
    recipients = params["recipients"]
    return Wishes(
        previous=params["previous_domain_master_secret"],
        rotate_identity=params["rotate_identity"],
        recipients=None if recipients is None else [Recipient(item["recipient"], item["name"]) for item in recipients],
        signers=[
            Signer(item["name"], item["public_key"], tuple(item["roles"]), _revoked(item["revoked"]))
            for item in params["signers"] or ()
        ],
    )


def _revoked(text: str) -> bool | str:
    try:
        return bool(boolean(text))
    except TypeError:
        return text


def documents() -> dict[str, bytes]:
    """The documents that lie in every repository, by name."""
    return {name: (_DOCUMENTS_FOLDER / name).read_bytes() for name in DOCUMENTS if name != REPOSITORY_DOCUMENT}


# --- results ---------------------------------------------------------------------------------------------------------
_CHANGES = {
    "created": "created the repository",
    "recipients": "changed the recipients",
    "signers": "changed the signers",
    "documents": "renewed the documents",
    "domain_master_secret": "replaced the Domain Master Secret",
    "identity": "made a new identity and owner key",
}


def describe(plans: list[Plan]) -> list[str]:
    """What plans do, in words."""
    actions = []
    for plan in plans:
        changes = plan.facts["changes"]
        actions += [_CHANGES[change] for change in changes] or ["finished an interrupted change"]
    return actions


def facts_result(facts: Mapping[str, Any], writer: Mapping[str, Any]) -> dict[str, Any]:
    """What is true of the repository, as the task's result."""
    names = ("repository_id", "owner", "owner_fingerprint", "recipients", "slots", "allowed_signers")
    return {
        **{name: facts[name] for name in names},
        "signers": [{**signer, "revoked": revoked_text(signer["revoked"])} for signer in facts["signers"]],
        "writer": {"name": writer["name"], "public_key": writer["public_key"]},
    }


def shown(keyring: bytes | None) -> dict[str, Any]:
    """A keyring as the task's difference shows it."""
    if keyring is None:
        return {}
    content = Keyring.from_bytes(keyring)
    return shown_facts(
        {
            "owner": content.owner,
            "recipients": [vars(recipient) for recipient in content.recipients],
            "signers": [{**vars(signer), "roles": list(signer.roles)} for signer in content.signers],
            "slots": sorted(content.slots),
            "documents": dict(content.documents),
        }
    )


def shown_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the task's difference shows."""
    return {
        "owner": facts["owner"],
        "recipients": {item["name"]: item["recipient"] for item in facts["recipients"]},
        "signers": {
            item["name"]: f"{item['public_key']} ({', '.join(item['roles'])}), revoked: {revoked_text(item['revoked'])}"
            for item in facts["signers"]
        },
        "slots": facts["slots"],
        "documents": facts["documents"],
    }
