# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's side of unsealing: ask for keys, then use them.

A module that unseals runs twice. In stage ``request`` it answers with the sealed headers of what it needs; the action
plugin opens them on the controller, where the Domain Master Secret stays. In stage ``open`` it gets the keys of what
these headers belong to.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import KeyRequired, OptionInvalid
from .._repository.backends.base import Backend
from .._repository.format import CommitRecord
from .._repository.keyring import SLOTS, SMALL_FILE, read_keyring_files
from .._repository.owner import RepositoryState
from .._repository.reader import readable_headers, sealed_headers
from .argspec import UNLOCK_OPTIONS, UNSEAL_STAGE_OPEN, UNSEAL_STAGE_REQUEST
from .opening import open_backend

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

FileKeys = Mapping[str, bytes]
"""Object name (sha256, hex) -> age file key."""

Wanted = Callable[[Mapping[str, Any], Backend], Sequence[CommitRecord]]
"""From a module's options to the generations whose objects it will open."""


Headers = Callable[[Mapping[str, Any], Backend], Mapping[str, bytes]]
"""From a module's options to sealed headers by object name."""


def nothing(params: Mapping[str, Any], backend: Backend) -> Sequence[CommitRecord]:
    """No generation."""
    return []


def no_headers(params: Mapping[str, Any], backend: Backend) -> Mapping[str, bytes]:
    """Of no generation."""
    return {}


def readable(wanted: Wanted) -> Headers:
    """The headers of these generations, as far as they can be read."""
    return lambda params, backend: readable_headers(backend, wanted(params, backend))


def serve(
    module: AnsibleModule,
    wanted: Wanted,
    body: Callable[[Backend, FileKeys | None], Mapping[str, Any]],
    *,
    useful: Headers = no_headers,
) -> Mapping[str, Any]:
    """What the module returns: the request for keys in the first stage, else ``body(backend, file_keys)``.

    ``file_keys`` is None when nothing was given that unlocks; a body that cannot do without calls :func:`required`.
    Every object of what is ``wanted`` must have a readable header. What is ``useful`` beside it may lack some: the body
    does without their keys, or names them.
    """
    params = module.params
    refuse_secrets(params)
    backend = open_backend(params)
    if params["unseal_stage"] == UNSEAL_STAGE_REQUEST:
        return {"changed": False, "unseal": request(backend, wanted(params, backend), useful(params, backend))}
    return body(backend, file_keys_of(params))


def refuse_secrets(params: Mapping[str, Any]) -> None:
    """Raises OptionInvalid when a secret reached the backup host, which happens only without the action plugin."""
    for name in UNLOCK_OPTIONS:
        if params.get(name):
            raise OptionInvalid(
                f"The option {name} reached the backup host, where it never belongs",
                hint="Call the module by its full name: its action plugin keeps the secret on the controller.",
            )


def request(backend: Backend, wanted: Sequence[CommitRecord], useful: Mapping[str, bytes]) -> dict[str, Any]:
    """What the controller needs to find the file keys of all objects of these generations. Holds no secret.

    Raises RepositoryDamaged by the object's name, and GenerationPruned, for what is ``wanted``.
    """
    headers = sealed_headers(backend, wanted)
    others = {sha: raw for sha, raw in useful.items() if sha not in headers}
    keyring, signature = read_keyring_files(backend)
    slots = {
        name[len(SLOTS) : -len(".age")]: backend.read(name, SMALL_FILE)
        for name, _unused in backend.list(SLOTS)
        if name.endswith(".age")
    }
    return {
        "state": RepositoryState(keyring, signature, slots).to_json(),
        "headers": _as_text(headers),
        "useful_headers": _as_text(others),
    }


def _as_text(headers: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(header).decode("ascii") for name, header in headers.items()}


def file_keys_of(params: Mapping[str, Any]) -> dict[str, bytes] | None:
    """The keys that the action plugin sent; None when it had nothing to unlock with. Raises OptionInvalid."""
    if params["unseal_stage"] != UNSEAL_STAGE_OPEN:
        if params["file_keys"]:
            raise OptionInvalid("The option file_keys is set by the action plugin; it is not for playbooks")
        return None
    try:
        return {str(name): base64.b64decode(key, validate=True) for name, key in (params["file_keys"] or {}).items()}
    except (binascii.Error, TypeError, ValueError):
        raise OptionInvalid("The option file_keys is not what the action plugin sends") from None


def required(file_keys: FileKeys | None, purpose: str) -> FileKeys:
    """The keys. Raises KeyRequired with the names of the options; ``purpose`` is like "To extract a generation"."""
    if file_keys is None:
        raise KeyRequired(
            f"{purpose} something that opens it is needed",
            hint=f"Give one of {', '.join(UNLOCK_OPTIONS)}; it stays on the controller.",
        )
    return file_keys
