# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small signed records about one generation: what they have in common, reading, and who is believed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import NotAuthentic, OptionInvalid, RepositoryDamaged
from . import sshsig
from .backends.base import Backend
from .format import (
    COMMITS_FOLDER,
    FORMAT,
    SMALL_FILE_LIMIT,
    ChainId,
    GenerationId,
    canonical_json,
    parse_json,
)
from .keyring import Keyring, Signer


@dataclass(frozen=True)
class SignedRecord:
    """A record that was believed: what it says, its place, its hash, and who signed it."""

    name: str
    facts: Mapping[str, Any]
    hash: str
    signer: str
    public_key: str

    def text(self, member: str) -> str:
        """A text of it, empty when it has none."""
        return str(self.facts.get(member) or "")


def encode_record(keyring: Keyring, generation: GenerationId, signer: str, facts: Mapping[str, Any]) -> bytes:
    """A record about one generation in its one form. What is None or empty is left out."""
    told = {name: value for name, value in facts.items() if value not in (None, "", [], {})}
    content: dict[str, Any] = {
        "format": FORMAT,
        "repository_id": keyring.repository_id,
        "source": generation.source,
        "product": generation.product,
        "sequence": generation.sequence,
        "signer": signer,
        **told,
    }
    if generation.instance:
        content["instance"] = generation.instance
    return canonical_json(content)


def hash_of(data: bytes) -> str:
    """SHA-256 (hex) of a record's bytes."""
    return hashlib.sha256(data).hexdigest()


def write_signed(backend: Backend, name: str, data: bytes, signature: bytes) -> str:
    """Write a record and its signature, durably. Gives its name: another where that one has somebody else's signature.

    Who was killed behind his signature would keep a name for ever that nobody could use, and two who write at the same
    time would sign each other's record.
    """
    if backend.create_many([(f"{name}.sig", signature)]):
        name = f"{name[: -len('.json')]}-{os.urandom(4).hex()}.json"
        backend.create_many([(f"{name}.sig", signature)])
    backend.create(name, data)
    return name


def place_of(name: str, pattern: re.Pattern[str], others: str) -> tuple[GenerationId, re.Match[str]]:
    """The generation that a small record is about, by its file; ``pattern`` is that of its own name, and begins with
    the generation's number.

    :param others: what else lies there, for a message
    :raises RepositoryDamaged: no such file has a place there
    """
    folder, _slash, own_name = name.rpartition("/")
    match = pattern.fullmatch(own_name)
    try:
        chain = ChainId.of_folder(f"{COMMITS_FOLDER}/{folder.partition('/')[2]}")
    except ValueError:
        match = None
    if match is None:
        raise RepositoryDamaged(f"It does not belong among {others}", item=name)
    return chain.generation(int(match.group(1))), match


def read_signed(
    backend: Backend,
    keyring: Keyring,
    generation: GenerationId,
    name: str,
    namespace: str,
    roles: Sequence[str],
    signature_of: str | None = None,
    never: str = "",
) -> SignedRecord:
    """A record about ``generation``, signed by somebody of one of the roles, who has not the role ``never`` as well.

    ``signature_of`` is the pattern of the signature's name with ``{}`` for the record's hash; by default the signature
    lies beside the record as ``<name>.sig``. Raises RepositoryDamaged and its kinds, by the record's name.
    """
    try:
        data = backend.read(name, SMALL_FILE_LIMIT)
        try:
            facts = parse_json(data)
            if canonical_json(facts) != data:
                raise ValueError("it is not in its one form")
            told = GenerationId(facts["source"], facts["product"], facts.get("instance", ""), facts["sequence"])
            moment = facts["at"]
            is_mine = facts["repository_id"] == keyring.repository_id and facts["format"] == FORMAT
            if not isinstance(moment, str):
                raise ValueError("its time is no text")
        except (KeyError, TypeError, ValueError, OptionInvalid) as error:
            raise RepositoryDamaged(f"The record cannot be read ({error})") from None
        if not is_mine or told != generation:
            raise NotAuthentic("This record belongs to another place")
        digest = hash_of(data)
        signature_name = signature_of.format(digest) if signature_of else f"{name}.sig"
        public_key = sshsig.verify(data, backend.read(signature_name, SMALL_FILE_LIMIT), namespace)
        signer = _believed(keyring, public_key, roles, moment)
        if never in signer.roles:
            raise NotAuthentic(f"It is signed by {signer.name}, who is also a signer of the role {never}")
    except RepositoryDamaged as error:
        error.item = name
        raise
    return SignedRecord(name, facts, digest, signer.name, public_key)


def _believed(keyring: Keyring, public_key: str, roles: Sequence[str], at: str) -> Signer:
    problem = NotAuthentic("It is signed by nobody")
    for role in roles:
        try:
            return keyring.signer_of(public_key, role, at)
        except NotAuthentic as error:
            problem = error
    raise problem
