# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keyring: for whom is sealed, who may sign what, and what the slots and documents of the repository hash to.

It is clear and signed by the owner key. Two files change together, so a replacement goes through ``.next`` files, and a
reader who meets a keyring that does not fit its signature finds both of the new one there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._errors import (
    KeyringMismatch,
    NotAuthentic,
    OptionInvalid,
    RepositoryDamaged,
    RepositoryMissing,
    SignatureInvalid,
)
from . import sshsig
from .age import recipient_bytes
from .keys import WriterKey, recipients_digest

if TYPE_CHECKING:
    from .backends.base import Backend

KEYRING = "keys/keyring.json"
KEYRING_SIGNATURE = "keys/keyring.json.sig"
NEXT_KEYRING = "keys/keyring.json.next"
NEXT_KEYRING_SIGNATURE = "keys/keyring.json.next.sig"
SLOTS = "keys/slots/"
REPOSITORY_DOCUMENT = "REPOSITORY.json"
DOCUMENTS = (REPOSITORY_DOCUMENT, "FORMAT.md", "RECOVERY.md", "recover.py")

OWNER = "owner"
"""The principal that signs keyrings."""
KEYRING_NAMESPACE = "ucops-recovery-keyring"
OWNER_CHANGE_NAMESPACE = "ucops-recovery-owner"
ROLE_NAMESPACES: Mapping[str, tuple[str, ...]] = {
    "writer": ("ucops-recovery-commit", "ucops-recovery-journal"),
    "prune": ("ucops-recovery-prune",),
    "drill": ("ucops-recovery-drill",),
    "journal": ("ucops-recovery-journal",),
}
"""What a signer of a role may sign."""

KIND_RESTORE = "restore"
"""The recipient of the restore identity, which the slots hold; there is exactly one."""
KIND_FURTHER = "further"
"""A recipient whose identity is kept elsewhere."""

SMALL_FILE = 4 * 1024 * 1024
FORMAT = 1
_REPOSITORY_ID = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SLOT_ID = re.compile(r"[0-9a-f]{8,64}")
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def slot_name(slot: str) -> str:
    """The file of a slot."""
    return f"{SLOTS}{slot}.age"


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _check_name(name: str, what: str) -> None:
    if not _NAME.fullmatch(name):
        raise OptionInvalid(
            f"{name!r} cannot be the name of a {what}", hint="Use 1 to 64 letters, digits and . _ - @ only."
        )


@dataclass(frozen=True)
class Recipient:
    """For whom is sealed: the text ``age1...``, a name for people, and whether the slots hold its identity."""

    recipient: str
    name: str
    kind: str = KIND_FURTHER

    def __post_init__(self) -> None:
        recipient_bytes(self.recipient)
        _check_name(self.name, "recipient")
        if self.kind not in (KIND_RESTORE, KIND_FURTHER):
            raise OptionInvalid(f"{self.kind!r} is no kind of recipient")


@dataclass(frozen=True)
class Signer:
    """Who may sign. ``revoked`` is False, the UTC time from which on nothing that this key signs is believed, or True:
    nothing that it ever signed."""

    name: str
    public_key: str
    roles: tuple[str, ...] = ("writer",)
    revoked: bool | str = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "public_key", sshsig.parse_public(self.public_key))
        object.__setattr__(self, "roles", tuple(sorted(set(self.roles))))
        _check_name(self.name, "signer")
        if not isinstance(self.revoked, bool) and not _TIME.fullmatch(self.revoked):
            raise OptionInvalid(f"{self.revoked!r} is no time such as 2026-01-31T12:00:00Z")
        if self.name == OWNER:
            raise OptionInvalid(f"The name {OWNER} is kept for the owner key")
        unknown = [role for role in self.roles if role not in ROLE_NAMESPACES]
        if unknown or not self.roles:
            raise OptionInvalid(
                f"The signer {self.name} has the roles {list(self.roles)!r}",
                hint=f"Use at least one of {', '.join(ROLE_NAMESPACES)}.",
            )


@dataclass(frozen=True)
class OwnerChange:
    """The old owner key's word that ``new`` follows it: an armored signature over :func:`owner_change_text`."""

    old: str
    new: str
    signature: str


def owner_change_text(repository_id: str, old: str, new: str) -> bytes:
    """What an old owner key signs when the identity is rotated."""
    return f"ucops.recovery owner change\n{repository_id}\n{old}\n{new}\n".encode()


@dataclass(frozen=True)
class Keyring:
    """The content of a keyring. ``serial`` grows with each change; ``created`` is a UTC time; ``slots`` and
    ``documents`` map slot ids and file names to SHA-256; ``owner_changes`` lead from the first owner key to the present
    one."""

    repository_id: str
    created: str
    serial: int
    owner: str
    recipients: tuple[Recipient, ...]
    signers: tuple[Signer, ...]
    slots: Mapping[str, str]
    documents: Mapping[str, str]
    owner_changes: tuple[OwnerChange, ...] = field(default=())

    def to_bytes(self) -> bytes:
        """Canonical JSON, in which every member of a list or table stands on a line of its own."""
        content = {
            "created": self.created,
            "documents": dict(self.documents),
            "format": FORMAT,
            "owner": self.owner,
            "owner_changes": [vars(change) for change in self.owner_changes],
            "recipients": [vars(recipient) for recipient in self.recipients],
            "repository_id": self.repository_id,
            "serial": self.serial,
            "signers": [vars(signer) for signer in self.signers],
            "slots": dict(self.slots),
        }
        return ("{\n" + ",\n".join(_lines(key, value) for key, value in content.items()) + "\n}\n").encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes) -> Keyring:
        """The keyring of its exact bytes. Raises RepositoryDamaged on anything else than a keyring of format 1."""
        try:
            content = json.loads(data)
            if content["format"] != FORMAT:
                raise RepositoryDamaged(
                    f"The keyring has the unknown format {content['format']!r}",
                    item=KEYRING,
                    hint="It may need a newer release of ucops.recovery.",
                )
            keyring = cls(
                repository_id=content["repository_id"],
                created=content["created"],
                serial=content["serial"],
                owner=content["owner"],
                recipients=tuple(Recipient(**entry) for entry in content["recipients"]),
                signers=tuple(Signer(**entry) for entry in content["signers"]),
                slots=content["slots"],
                documents=content["documents"],
                owner_changes=tuple(OwnerChange(**entry) for entry in content["owner_changes"]),
            )
            keyring._check()
            canonical = keyring.to_bytes() == data
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OptionInvalid) as error:
            reason = error.message if isinstance(error, OptionInvalid) else type(error).__name__
            raise RepositoryDamaged(f"The keyring cannot be read ({reason})", item=KEYRING) from None
        if not canonical:
            raise RepositoryDamaged("The keyring holds something that format 1 does not know", item=KEYRING)
        return keyring

    def _check(self) -> None:
        """Raises ValueError, TypeError, OptionInvalid or RepositoryDamaged where the content contradicts itself."""
        if not _REPOSITORY_ID.fullmatch(self.repository_id) or not _TIME.fullmatch(self.created):
            raise ValueError
        if (
            not isinstance(self.serial, int)
            or isinstance(self.serial, bool)
            or self.serial < 1
            or sshsig.parse_public(self.owner) != self.owner
        ):
            raise ValueError
        if [recipient.kind for recipient in self.recipients].count(KIND_RESTORE) != 1:
            raise OptionInvalid("it does not name exactly one recipient of the restore identity")
        if len({recipient.recipient for recipient in self.recipients}) != len(self.recipients):
            raise OptionInvalid("a recipient stands in it twice")
        if len({signer.public_key for signer in self.signers}) != len(self.signers):
            raise OptionInvalid("a signer's key stands in it twice")
        if not self.slots or not all(_SLOT_ID.fullmatch(slot) for slot in self.slots):
            raise ValueError
        if set(self.documents) != set(DOCUMENTS):
            raise ValueError
        if not all(_SHA256.fullmatch(digest) for digest in (*self.slots.values(), *self.documents.values())):
            raise ValueError
        owner = self.owner
        for change in reversed(self.owner_changes):
            text = owner_change_text(self.repository_id, change.old, change.new)
            signed_by = sshsig.verify(text, change.signature.encode("utf-8"), OWNER_CHANGE_NAMESPACE)
            if change.new != owner or signed_by != change.old:
                raise NotAuthentic("The keyring's owner was not changed by its former owner", item=KEYRING)
            owner = change.old

    @property
    def recipient_texts(self) -> list[str]:
        """All recipients ``age1...`` in their order, ready for sealing."""
        return [recipient.recipient for recipient in self.recipients]

    @property
    def recipients_digest(self) -> str:
        """What writers pin: changing it starts a new epoch."""
        return recipients_digest(self.recipient_texts)

    @property
    def repository_document(self) -> bytes:
        """The content of REPOSITORY.json."""
        content = {"created": self.created, "format": FORMAT, "repository_id": self.repository_id}
        return (json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n").encode("ascii")

    def signer_of(self, public_key: str, role: str, at: str | None = None) -> Signer:
        """The signer with this key and role; ``at`` is the UTC time of what was signed. Raises NotAuthentic, by name,
        for strangers, other roles, and keys that were revoked before."""
        for signer in self.signers:
            if signer.public_key == public_key:
                if signer.revoked is True or (signer.revoked and (at is None or at > signer.revoked)):
                    raise NotAuthentic(f"It is signed by {signer.name}, whose key was revoked")
                if role not in signer.roles:
                    raise NotAuthentic(f"It is signed by {signer.name}, who is no signer of the role {role}")
                return signer
        raise NotAuthentic(f"It is signed by a stranger ({sshsig.fingerprint(public_key)})")


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _lines(key: str, value: Any) -> str:
    if isinstance(value, dict):
        body = ",\n".join(f"{_dump(name)}:{_dump(member)}" for name, member in sorted(value.items()))
        return f"{_dump(key)}:{{\n{body}\n}}" if body else f"{_dump(key)}:{{}}"
    if isinstance(value, list):
        body = ",\n".join(_dump(member) for member in value)
        return f"{_dump(key)}:[\n{body}\n]" if body else f"{_dump(key)}:[]"
    return f"{_dump(key)}:{_dump(value)}"


# --- reading ---------------------------------------------------------------------------------------------------------
def verify_keyring(data: bytes, signature: bytes) -> Keyring:
    """The keyring of its two files. It proves that the keyring is what its own owner signed; whether that owner is the
    right one is known to writers (:func:`check_pinned`), operators (:func:`check_trusted`) and whoever unlocks it.

    Raises RepositoryDamaged, SignatureInvalid or NotAuthentic.
    """
    keyring = Keyring.from_bytes(data)
    try:
        signed_by = sshsig.verify(data, signature, KEYRING_NAMESPACE)
    except SignatureInvalid as error:
        raise SignatureInvalid(error.message, item=KEYRING_SIGNATURE) from None
    if signed_by != keyring.owner:
        raise NotAuthentic(
            f"The keyring is signed by a stranger ({sshsig.fingerprint(signed_by)}) and not by its owner", item=KEYRING
        )
    return keyring


def _read(backend: Backend, name: str) -> bytes | None:
    return backend.read(name, SMALL_FILE) if backend.exists(name) else None


def read_keyring_files(backend: Backend) -> tuple[bytes, bytes]:
    """The bytes of the valid keyring and of its signature, also where a replacement was interrupted.

    Raises RepositoryMissing when there is none, or what :func:`verify_keyring` raises.
    """
    problem: RepositoryDamaged | None = None
    for name, signature_name in ((KEYRING, KEYRING_SIGNATURE), (NEXT_KEYRING, NEXT_KEYRING_SIGNATURE)):
        data, signature = _read(backend, name), _read(backend, signature_name)
        if data is None or signature is None:
            if name == KEYRING and (data is not None or signature is not None):
                missing = KEYRING if data is None else KEYRING_SIGNATURE
                problem = RepositoryDamaged("One of the two files of the keyring is missing", item=missing)
            continue
        try:
            verify_keyring(data, signature)
            return data, signature
        except RepositoryDamaged as error:
            problem = problem or error
    raise problem or RepositoryMissing("There is no keyring", item=KEYRING)


def load_keyring(backend: Backend) -> Keyring:
    """The valid keyring of a repository. Raises what :func:`read_keyring_files` raises."""
    return Keyring.from_bytes(read_keyring_files(backend)[0])


# --- judging ---------------------------------------------------------------------------------------------------------
def check_pinned(keyring: Keyring, writer_key: WriterKey) -> None:
    """Raises KeyringMismatch, naming what differs, unless this is the keyring that the writer's key is bound to."""
    if not writer_key.is_pinned:
        raise KeyringMismatch(
            "The writer key is not bound to a repository", hint="Run ucops.recovery.repository for this backup host."
        )
    if keyring.repository_id != writer_key.repository_id:
        raise KeyringMismatch("This is another repository than the one that the writer key is bound to", item=KEYRING)
    if keyring.owner != writer_key.owner:
        known = writer_key.owner in [change.old for change in keyring.owner_changes]
        raise KeyringMismatch(
            "The keyring's owner was changed" if known else "The keyring was swapped: it has a strange owner",
            item=KEYRING,
            hint=(
                "The former owner signed this change. If you rotated the identity, run ucops.recovery.repository for"
                " this backup host; otherwise treat the identity as stolen."
                if known
                else "Nothing was written. Find out who replaced it before you do anything else."
            ),
        )
    if keyring.recipients_digest != writer_key.recipients_digest:
        raise KeyringMismatch(
            "The keyring's recipients are not the ones that the writer key is bound to",
            item=KEYRING,
            hint="If you changed them, run ucops.recovery.repository for this backup host; if not, they were swapped.",
        )
    try:
        keyring.signer_of(writer_key.public, "writer")
    except NotAuthentic as error:
        raise KeyringMismatch(
            f"What this writer key signs is not believed: {error.message[:1].lower()}{error.message[1:]}", item=KEYRING
        ) from None


def check_trusted(keyring: Keyring, allowed_signers: sshsig.AllowedSigners) -> None:
    """Raises NotAuthentic unless the operator's allowed signers name the keyring's owner as such."""
    if OWNER not in allowed_signers.principals_of(keyring.owner, KEYRING_NAMESPACE):
        raise NotAuthentic(
            f"The keyring's owner ({sshsig.fingerprint(keyring.owner)}) is not among the allowed signers",
            item=KEYRING,
            hint="Compare it with the recovery card: this is another repository, or allowed_signers is another's.",
        )


def check_file(keyring: Keyring, name: str, data: bytes | None) -> None:
    """Compare one slot or document with the keyring. Raises RepositoryDamaged, naming the file, when it is missing
    (``data`` None), changed, or not listed."""
    slot = name[len(SLOTS) : -len(".age")] if name.startswith(SLOTS) and name.endswith(".age") else None
    wanted = keyring.documents.get(name) if slot is None else keyring.slots.get(slot)
    if wanted is None:
        raise RepositoryDamaged("The keyring does not list this file", item=name)
    if data is None:
        raise RepositoryDamaged("It is missing", item=name)
    if sha256_hex(data) != wanted:
        raise RepositoryDamaged("It was replaced or damaged: it is not what the keyring lists", item=name)


def listed_files(keyring: Keyring) -> list[str]:
    """The names of all slots and documents that the keyring lists."""
    return [slot_name(slot) for slot in sorted(keyring.slots)] + sorted(keyring.documents)


def damaged_files(backend: Backend, keyring: Keyring) -> list[RepositoryDamaged]:
    """What is wrong with the slots and documents that the keyring lists; each error names its file."""
    found = []
    for name in listed_files(keyring):
        try:
            check_file(keyring, name, _read(backend, name))
        except RepositoryDamaged as error:
            found.append(error)
    return found


def allowed_signers_text(keyring: Keyring) -> str:
    """The keyring's signers as an ``allowed_signers`` file for operators to keep and for ``ssh-keygen -Y verify``."""
    lines = [f'{OWNER} namespaces="{KEYRING_NAMESPACE}" {keyring.owner}']
    for signer in keyring.signers:
        if signer.revoked is True:
            continue
        namespaces = sorted({namespace for role in signer.roles for namespace in ROLE_NAMESPACES[role]})
        options = f'namespaces="{",".join(namespaces)}"'
        if signer.revoked:
            options += f',valid-before="{re.sub("[^0-9Z]", "", signer.revoked)}"'
        lines.append(f"{signer.name} {options} {signer.public_key}")
    return "\n".join(lines) + "\n"


def merge_signers(present: Sequence[Signer], wanted: Sequence[Signer]) -> tuple[Signer, ...]:
    """The present signers, changed and completed by the wanted ones (same key, same signer). None is ever left out, as
    what it signed would not be believed any more; that is what ``revoked`` is for."""
    merged = {signer.public_key: signer for signer in present}
    merged.update({signer.public_key: signer for signer in wanted})
    return tuple(merged.values())
