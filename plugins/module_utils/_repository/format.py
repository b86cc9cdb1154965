# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Format 1: names of files, and what stands in commit records, piece indexes and manifests.

Pure: bytes in, values out. Whatever is not exactly as this format says raises RepositoryDamaged; a record has one form
only, so that its hash is the hash of its meaning.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

from .._entries import DATA_CLASSES, KINDS, PHASES, STATUS_COMPLETE, STATUS_PARTIAL, Entry
from .._errors import OptionInvalid, RepositoryDamaged

FORMAT = 1

REPOSITORY_FILE = "REPOSITORY.json"
KEYRING_FILE = "keys/keyring.json"
SLOTS_FOLDER = "keys/slots"
OBJECTS_FOLDER = "objects"
COMMITS_FOLDER = "commits"
JOURNAL_FOLDER = "journal"
EXPIRED_FOLDER = "expired"
HOLDS_FOLDER = "holds"
DRILLS_FOLDER = "drills"
INCOMING_FOLDER = "incoming"
KNOWN_FOLDER = "known"

COMMIT_NAMESPACE = "ucops-recovery-commit"
JOURNAL_NAMESPACE = "ucops-recovery-journal"
PRUNE_NAMESPACE = "ucops-recovery-prune"
WRITER_ROLE = "writer"
PRUNE_ROLE = "prune"
DRILL_NAMESPACE = "ucops-recovery-drill"
DRILL_ROLE = "drill"

FINGERPRINT_SIZE = 16
"""Bytes of a piece's keyed fingerprint and of an item's keyed digest."""

SMALL_FILE_LIMIT = 1024 * 1024
"""No commit record, signature, keyring or journal record is longer, in bytes."""

_HEX64 = re.compile(r"[0-9a-f]{64}")
_PRODUCT = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SEQUENCE = re.compile(r"[1-9][0-9]{0,8}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_COMMIT_FILE = re.compile(r"([1-9][0-9]{0,8})(?:\.json|\.([0-9a-f]{64})\.sig)")
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_NAME_LIMIT = 200


# --- names -----------------------------------------------------------------------------------------------------------
def encode_name(text: str) -> str:
    """A source or instance as the name of a folder on any file system: what is not plain is percent-encoded.

    Raises OptionInvalid on a name that is empty, too long or holds control characters.
    """
    if not text or any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        raise OptionInvalid(f"{text[:80]!r} cannot be the name of a source or instance")
    raw = text.encode("utf-8")
    out = [chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw]
    if raw[:1] == b"." or _RESERVED.fullmatch(text):
        out[0] = f"%{raw[0]:02X}"
    if raw[-1:] == b".":
        out[-1] = "%2E"
    name = "".join(out)
    if len(name) > _NAME_LIMIT:
        raise OptionInvalid(f"{text[:80]!r} is too long for the name of a source or instance")
    return name


def decode_name(name: str) -> str:
    """The reverse of :func:`encode_name`. Raises ValueError on a name that it would not have made."""
    first, *rest = name.encode("ascii").split(b"%")
    raw = first + b"".join(bytes((int(part[:2], 16),)) + part[2:] for part in rest)
    text = raw.decode("utf-8")
    try:
        canonical = encode_name(text)
    except OptionInvalid:
        canonical = ""
    if canonical != name:
        raise ValueError(f"{name!r} is not an encoded name")
    return text


def collision_key(text: str) -> str:
    """Equal for names that a file system without case or with composed letters would take for one."""
    return unicodedata.normalize("NFKC", text).casefold()


@dataclass(frozen=True, order=True)
class ChainId:
    """The line of generations of one product (and instance) of one source: ``pbx-berlin/mssql@CHAT``."""

    source: str
    product: str
    instance: str = ""

    def __post_init__(self) -> None:
        encode_name(self.source)
        if not _PRODUCT.fullmatch(self.product):
            raise OptionInvalid(f"{self.product[:80]!r} cannot be the name of a product")
        if self.instance:
            encode_name(self.instance)
            if "/" in self.instance:
                raise OptionInvalid(f"{self.instance!r} cannot be the name of an instance: it holds a slash")

    def __str__(self) -> str:
        return f"{self.source}/{self.product}{'@' if self.instance else ''}{self.instance}"

    @classmethod
    def parse(cls, text: str) -> ChainId:
        """The reverse of ``str()``. Raises OptionInvalid."""
        source, slash, rest = text.rpartition("/")
        product, at, instance = rest.partition("@")
        if not slash or (at and not instance):
            raise OptionInvalid(f"{text[:80]!r} is not of the form source/product[@instance]")
        return cls(source, product, instance)

    @cached_property
    def folder(self) -> str:
        """Where its commit records stand."""
        instance = f"@{encode_name(self.instance)}" if self.instance else ""
        return f"{COMMITS_FOLDER}/{encode_name(self.source)}/{self.product}{instance}"

    @property
    def known_file(self) -> str:
        """Where it is noted which files need not be read again."""
        return f"{KNOWN_FOLDER}{self.folder[len(COMMITS_FOLDER) :]}.json"

    @classmethod
    def of_folder(cls, folder: str) -> ChainId:
        """The reverse of :attr:`folder`. Raises ValueError on a folder that is none."""
        top, source, last = folder.split("/")
        product, at, instance = last.partition("@")
        if top != COMMITS_FOLDER or (at and not instance):
            raise ValueError(f"{folder!r} holds no commit records")
        try:
            return cls(decode_name(source), product, decode_name(instance) if at else "")
        except OptionInvalid as error:
            raise ValueError(error.message) from None

    def generation(self, sequence: int) -> GenerationId:
        """The id of one of its generations."""
        return GenerationId(self.source, self.product, self.instance, sequence)


@dataclass(frozen=True, order=True)
class GenerationId:
    """One generation: ``pbx-berlin/kamailio/7`` or ``pbx-berlin/mssql@CHAT/3``."""

    source: str
    product: str
    instance: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.chain}/{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> GenerationId:
        """The reverse of ``str()``. Raises OptionInvalid."""
        chain, slash, sequence = text.rpartition("/")
        if not slash or not _SEQUENCE.fullmatch(sequence):
            raise OptionInvalid(f"{text[:80]!r} is not of the form source/product[@instance]/number")
        return ChainId.parse(chain).generation(int(sequence))

    @classmethod
    def of(cls, record: CommitRecord) -> GenerationId:
        """The id of a record's generation."""
        return cls(record.source, record.product, record.instance, record.sequence)

    @property
    def chain(self) -> ChainId:
        """The line that it belongs to."""
        return ChainId(self.source, self.product, self.instance)


def object_name(sha: str) -> str:
    """Where the object with this SHA-256 (hex) of its bytes stands."""
    return f"{OBJECTS_FOLDER}/{sha[:2]}/{sha}"


def object_sha(name: str) -> str:
    """The reverse of :func:`object_name`. Raises ValueError on a name that is none."""
    sha = name.rpartition("/")[2]
    if not _HEX64.fullmatch(sha) or object_name(sha) != name:
        raise ValueError(f"{name!r} is not the name of an object")
    return sha


def record_name(generation: GenerationId) -> str:
    """Where a generation's commit record stands."""
    return f"{generation.chain.folder}/{generation.sequence}.json"


def signature_name(generation: GenerationId, record_hash: str) -> str:
    """Where the signature of the record with this SHA-256 (hex) stands."""
    return f"{generation.chain.folder}/{generation.sequence}.{record_hash}.sig"


def parse_commit_file(name: str) -> tuple[int, str | None]:
    """Sequence, and the record's hash for a signature or None for a record, of a file's own name. Raises ValueError."""
    match = _COMMIT_FILE.fullmatch(name)
    if not match:
        raise ValueError(f"{name!r} is neither a commit record nor a signature")
    return int(match.group(1)), match.group(2)


def slot_name(slot: str) -> str:
    """Where a slot stands."""
    return f"{SLOTS_FOLDER}/{slot}.age"


def parse_moment(text: str) -> datetime:
    """A time of a record, to the second and in UTC. Raises ValueError."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a time in UTC such as 2026-11-30T23:15:00Z")
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=timezone.utc)


def format_moment(moment: datetime) -> str:
    """The reverse of :func:`parse_moment`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- JSON ------------------------------------------------------------------------------------------------------------
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_json(value: Any) -> bytes:
    """The one way in which this format writes a value: sorted, without blanks, UTF-8, a line feed at the end."""
    return _encode(value).encode("utf-8") + b"\n"


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a name stands twice")
    return out


_decode = json.JSONDecoder(object_pairs_hook=_no_duplicates).decode


def parse_json(data: bytes) -> dict[str, Any]:
    """A JSON object without doubled names. Raises ValueError."""
    try:
        value = _decode(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _damaged(what: str, error: Exception) -> RepositoryDamaged:
    reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) and error.args else str(error)
    return RepositoryDamaged(f"This is not a {what} of format {FORMAT}: {reason[:200]}")


def _check_format(data: Mapping[str, Any]) -> None:
    if data["format"] != FORMAT or isinstance(data["format"], bool):
        raise ValueError(f"its format is {str(data['format'])[:20]}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is expected")
    return value


def _optional_text(value: Any) -> str | None:
    return None if value is None else _text(value)


def _sha(value: Any) -> str:
    if not isinstance(value, str) or not _HEX64.fullmatch(value):
        raise ValueError("a SHA-256 is expected")
    return value


def _sized(value: Any) -> tuple[str, int]:
    sha, size = value
    return _sha(sha), _number(size)


def _fingerprint(value: Any) -> bytes:
    raw = bytes.fromhex(_text(value))
    if len(raw) != FINGERPRINT_SIZE or raw.hex() != value:
        raise ValueError("a fingerprint is expected")
    return raw


def _number(value: Any, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError("a number is expected")
    return value


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{str(value)[:40]!r} is none of {', '.join(allowed)}")
    return str(value)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an object is expected")
    return value


# --- commit record ---------------------------------------------------------------------------------------------------
_RECORD_OPTIONAL = ("change_id", "run_id", "reason", "actor", "job", "release")
_ITEM_FIELDS = {"digest", "bytes", "entries", "data_class"}


@dataclass(frozen=True)
class CommitRecord:
    """What is known of a generation without any key. Its exclusive creation is the commit; its signature seals it.

    ``manifest`` and ``piece_index`` are (SHA-256, size), ``objects`` gives the size of every bundle that the generation
    needs. ``items`` says of each item its keyed digest (normalised content, without times), bytes, entries and data
    class. ``facts_digest`` is the keyed digest of what the manifest says beside the entries. ``parent`` is the hash of
    the record before, empty in the first. ``received_at`` is the backup host's clock, UTC. ``counts``: how many of what
    the product counts (users, servers), so that a jump is seen without a key.
    """

    repository_id: str
    source: str
    product: str
    instance: str
    sequence: int
    parent: str
    received_at: str
    status: str
    phase: str
    items: Mapping[str, Mapping[str, Any]]
    manifest: tuple[str, int]
    piece_index: tuple[str, int]
    objects: Mapping[str, int]
    recipients_digest: str
    fingerprint_key: str
    facts_digest: str
    signer: str
    missing: tuple[str, ...] = ()
    change_id: str | None = None
    attempt: int = 1
    run_id: str | None = None
    reason: str | None = None
    actor: str | None = None
    job: str | None = None
    release: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def chain(self) -> ChainId:
        """The line that it belongs to."""
        return ChainId(self.source, self.product, self.instance)

    @property
    def is_complete(self) -> bool:
        """Whether everything that the product demands is in it."""
        return self.status == STATUS_COMPLETE

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the record's bytes; the newest one's is the head."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def needed_objects(self) -> Iterator[tuple[str, int]]:
        """SHA-256 and size of every object that the generation needs."""
        yield self.manifest
        yield self.piece_index
        yield from self.objects.items()

    def to_bytes(self) -> bytes:
        """The record's file."""
        return self._bytes

    @cached_property
    def _bytes(self) -> bytes:
        out: dict[str, Any] = {
            "format": FORMAT,
            "repository_id": self.repository_id,
            "source": self.source,
            "product": self.product,
            "sequence": self.sequence,
            "parent": self.parent,
            "received_at": self.received_at,
            "status": self.status,
            "phase": self.phase,
            "items": self.items,
            "manifest": self.manifest,
            "piece_index": self.piece_index,
            "objects": self.objects,
            "recipients_digest": self.recipients_digest,
            "fingerprint_key": self.fingerprint_key,
            "facts_digest": self.facts_digest,
            "signer": self.signer,
        }
        if self.instance:
            out["instance"] = self.instance
        if self.missing:
            out["missing"] = self.missing
        if self.attempt != 1:
            out["attempt"] = self.attempt
        if self.counts:
            out["counts"] = self.counts
        for name in _RECORD_OPTIONAL:
            value = getattr(self, name)
            if value is not None:
                out[name] = value
        return canonical_json(out)

    @classmethod
    def from_bytes(cls, data: bytes) -> CommitRecord:
        """Read a record's file. Raises RepositoryDamaged on anything that :meth:`to_bytes` would not have written."""
        try:
            record = cls._from_json(parse_json(data))
            if record.to_bytes() != data:
                raise ValueError("it is not in its one form")
        except (KeyError, TypeError, ValueError, OptionInvalid) as error:
            raise _damaged("commit record", error) from None
        return record

    @classmethod
    def _from_json(cls, data: Mapping[str, Any]) -> CommitRecord:
        _check_format(data)
        items = {name: _object(item) for name, item in _object(data["items"]).items()}
        for item in items.values():
            if set(item) != _ITEM_FIELDS:
                raise ValueError("an item does not have its four fields")
            _fingerprint(item["digest"])
            _number(item["bytes"])
            _number(item["entries"])
            _one_of(item["data_class"], DATA_CLASSES)
        sequence = _number(data["sequence"], 1)
        parent = _text(data["parent"])
        if sequence > 1 or parent:
            _sha(parent)
        parse_moment(_text(data["received_at"]))
        record = cls(
            repository_id=_text(data["repository_id"]),
            source=_text(data["source"]),
            product=_text(data["product"]),
            instance=_text(data.get("instance", "")),
            sequence=sequence,
            parent=parent,
            received_at=data["received_at"],
            status=_one_of(data["status"], (STATUS_COMPLETE, STATUS_PARTIAL)),
            phase=_one_of(data["phase"], PHASES),
            items=items,
            manifest=_sized(data["manifest"]),
            piece_index=_sized(data["piece_index"]),
            objects={_sha(sha): _number(size) for sha, size in _object(data["objects"]).items()},
            recipients_digest=_sha(data["recipients_digest"]),
            fingerprint_key=_text(data["fingerprint_key"]),
            facts_digest=_fingerprint(data["facts_digest"]).hex(),
            signer=_text(data["signer"]),
            missing=tuple(_text(name) for name in data.get("missing", ())),
            attempt=_number(data.get("attempt", 1), 1),
            counts={name: _number(count) for name, count in _object(data.get("counts", {})).items()},
            **{name: _optional_text(data.get(name)) for name in _RECORD_OPTIONAL},
        )
        # what cannot be a source or a product is refused here and not first where a path is made of it
        ChainId(record.source, record.product, record.instance)
        return record


# --- piece index -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class BundleFacts:
    """A bundle as an index names it: SHA-256, stored bytes, data class, number of members."""

    sha: str
    size: int
    data_class: str
    members: int


@dataclass(frozen=True)
class PieceIndex:
    """Which pieces a generation needs and where they are, in clear, so that the writer can use them again.

    ``pieces`` has one list for each bundle: the fingerprint of every member, None for one that is not needed any more.
    """

    repository_id: str
    source: str
    recipients_digest: str
    fingerprint_key: str
    bundles: tuple[BundleFacts, ...]
    pieces: tuple[tuple[bytes | None, ...], ...]

    def to_bytes(self) -> bytes:
        """The index as an object."""
        return canonical_json(
            {
                "format": FORMAT,
                "repository_id": self.repository_id,
                "source": self.source,
                "recipients_digest": self.recipients_digest,
                "fingerprint_key": self.fingerprint_key,
                "bundles": [[item.sha, item.size, item.data_class, item.members] for item in self.bundles],
                "pieces": [[None if piece is None else piece.hex() for piece in pieces] for pieces in self.pieces],
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> PieceIndex:
        """Read an index. Raises RepositoryDamaged."""
        try:
            content = parse_json(data)
            _check_format(content)
            bundles = tuple(
                BundleFacts(_sha(sha), _number(size), _one_of(data_class, DATA_CLASSES), _number(members, 1))
                for sha, size, data_class, members in content["bundles"]
            )
            pieces = tuple(
                tuple(None if piece is None else _fingerprint(piece) for piece in pieces)
                for pieces in content["pieces"]
            )
            if [len(members) for members in pieces] != [bundle.members for bundle in bundles]:
                raise ValueError("its pieces do not fit its bundles")
            return cls(
                repository_id=_text(content["repository_id"]),
                source=_text(content["source"]),
                recipients_digest=_sha(content["recipients_digest"]),
                fingerprint_key=_text(content["fingerprint_key"]),
                bundles=bundles,
                pieces=pieces,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged("piece index", error) from None


# --- manifest --------------------------------------------------------------------------------------------------------
_encode_entry = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


PIECE_DIGEST_SIZE = 16
"""Bytes of a piece's SHA-256 that a manifest keeps."""


@dataclass(frozen=True)
class Content:
    """What was read and where it was put: bytes, SHA-256, and the pieces, (bundle, member), that it consists of.

    ``digests``: the first half of the SHA-256 of each piece, when there are several; a single one has the content's.
    """

    size: int
    sha256: bytes
    pieces: tuple[tuple[int, int], ...] = ()
    digests: tuple[bytes, ...] = ()


def entry_lines(
    entry: Entry, sha256: str | None, pieces: Sequence[tuple[int, int]], digests: Sequence[bytes] = ()
) -> tuple[bytes, bytes]:
    """What an entry is, without its content, time and size, and its whole line of the manifest."""
    data = entry.to_json()
    mtime_ns, size = data.pop("mtime_ns", None), data.pop("size", None)
    what = _encode_entry(data)
    tail = ""
    if mtime_ns is not None:
        tail += f',"mtime_ns":{mtime_ns}'
    if size is not None:
        tail += f',"size":{size}'
    if sha256 is not None:
        places = ",".join([f"[{bundle},{member}]" for bundle, member in pieces])
        tail += f',"sha256":"{sha256}"'
        if digests:
            tail += f',"digests":"{b"".join(digests).hex()}"'
        tail += f',"pieces":[{places}]'
    return what.encode("utf-8"), f"{what[:-1]}{tail}}}\n".encode()


@dataclass(frozen=True)
class StoredEntry:
    """An entry with the SHA-256 (hex) of its content and what :class:`Content` says of its pieces.

    ``sha256`` is None for what has no content: folders, links, devices. ``normalised_sha256`` is known only of an entry
    that was just read: the digest of its content without what always differs.
    """

    entry: Entry
    sha256: str | None = None
    pieces: tuple[tuple[int, int], ...] = ()
    digests: tuple[bytes, ...] = ()
    normalised_sha256: str | None = field(default=None, compare=False)

    def to_line(self) -> bytes:
        """The entry as a line of the manifest."""
        return entry_lines(self.entry, self.sha256, self.pieces, self.digests)[1]

    @classmethod
    def from_line(cls, line: bytes) -> StoredEntry:
        """The reverse of :meth:`to_line`. Raises RepositoryDamaged."""
        try:
            data = parse_json(line)
            sha256 = data.get("sha256")
            pieces = data["pieces"] if sha256 is not None else ()
            entry = Entry.from_json(data)
            _text(entry.item)
            _one_of(entry.data_class, DATA_CLASSES)
            _one_of(entry.kind, KINDS)
            places = tuple((_number(bundle), _number(member)) for bundle, member in pieces)
            return cls(
                entry,
                None if sha256 is None else _sha(sha256),
                places,
                _piece_digests(data.get("digests"), len(places)),
            )
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise _damaged("line of a manifest", error) from None


def _piece_digests(value: Any, pieces: int) -> tuple[bytes, ...]:
    """Every piece of a content that has several has its digest."""
    if pieces < 2 and value is None:
        return ()
    raw = bytes.fromhex(_text(value))
    if pieces < 2 or len(raw) != pieces * PIECE_DIGEST_SIZE or raw.hex() != value:
        raise ValueError("a digest of each piece is expected")
    return tuple(raw[at : at + PIECE_DIGEST_SIZE] for at in range(0, len(raw), PIECE_DIGEST_SIZE))


@dataclass(frozen=True)
class Manifest:
    """The first line of a manifest: everything beside the entries. The others are one :class:`StoredEntry` each.

    ``bundles`` are the SHA-256 of the bundles that the entries' pieces count; ``entries`` is the number of lines that
    follow. A later line replaces an earlier one of the same item and path; ``replaced`` are the numbers of those that
    do not count, from 0. ``items`` says of each item how it was taken, ``contract`` what was demanded, found, missing.
    """

    repository_id: str
    source: str
    product: str
    instance: str
    bundles: tuple[str, ...]
    entries: int
    status: str
    replaced: tuple[int, ...] = ()
    release: str | None = None
    version: Mapping[str, Any] = field(default_factory=dict)
    identity: Mapping[str, Any] = field(default_factory=dict)
    contract: Mapping[str, Any] = field(default_factory=dict)
    items: Mapping[str, Any] = field(default_factory=dict)
    restore_order: tuple[str, ...] = ()
    tools: Mapping[str, Any] = field(default_factory=dict)

    def to_line(self) -> bytes:
        """The manifest's first line."""
        out: dict[str, Any] = {"format": FORMAT}
        out.update({name: getattr(self, name) for name in self.__dataclass_fields__})
        return canonical_json(out)

    @classmethod
    def from_line(cls, line: bytes) -> Manifest:
        """The reverse of :meth:`to_line`. Raises RepositoryDamaged."""
        try:
            data = parse_json(line)
            _check_format(data)
            return cls(
                repository_id=_text(data["repository_id"]),
                source=_text(data["source"]),
                product=_text(data["product"]),
                instance=_text(data["instance"]),
                bundles=tuple(_sha(sha) for sha in data["bundles"]),
                entries=_number(data["entries"]),
                status=_one_of(data["status"], (STATUS_COMPLETE, STATUS_PARTIAL)),
                replaced=tuple(_number(line) for line in data["replaced"]),
                release=_optional_text(data["release"]),
                version=_object(data["version"]),
                identity=_object(data["identity"]),
                contract=_object(data["contract"]),
                items=_object(data["items"]),
                restore_order=tuple(_text(name) for name in data["restore_order"]),
                tools=_object(data["tools"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged("manifest", error) from None
