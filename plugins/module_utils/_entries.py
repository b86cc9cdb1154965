# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values that items, products and the repository share: entries, data classes, phases, states."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

DATA_CLASSES = ("voip_config", "system_config", "logs", "user_data")
"""The four kinds of data that BSI M 6.101 names; bundles never mix them."""

PHASE_PRE_RESTORE = "pre_restore"
PHASES = ("scheduled", "manual", "pre_change", "post_change", PHASE_PRE_RESTORE)
STATUS_COMPLETE = "complete"
STATUS_PARTIAL = "partial"

KINDS = ("file", "directory", "symlink", "hardlink", "fifo", "char", "block", "output", "dump")


def path_to_text(path: bytes) -> str:
    """Bytes of a path as text that survives JSON.

    UTF-8 stays readable; what is not UTF-8, control characters and ``%`` are percent-encoded.
    """
    text = path.decode("utf-8", "surrogateescape")
    if text.isprintable() and "%" not in text:
        return text  # nearly every path
    out = []
    for char in text:
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:
            out.append(f"%{code - 0xDC00:02X}")
        elif code < 0x20 or code == 0x7F or char == "%":
            out.append(f"%{code:02X}")
        elif code in (0x2028, 0x2029, 0x85):
            out.append("".join(f"%{byte:02X}" for byte in char.encode("utf-8")))
        else:
            out.append(char)
    return "".join(out)


def path_from_text(text: str) -> bytes:
    """The reverse of :func:`path_to_text`. Raises ValueError on a broken escape."""
    raw = text.encode("utf-8")
    first, *rest = raw.split(b"%")
    out = [first]
    for part in rest:
        out.append(bytes((int(part[:2].decode("ascii"), 16),)))
        out.append(part[2:])
    return b"".join(out)


@dataclass(frozen=True)
class Entry:
    """One thing that an item is made of.

    ``path`` is absolute on the target, raw bytes. ``mtime_ns`` is nanoseconds since the epoch. ``link_target`` is the
    text of a symlink, or the path of the entry that a hardlink shares its content with. ``xattrs`` are raw extended
    attributes, POSIX ACLs stand in ``acl_access`` and ``acl_default`` in their long text form. ``size`` is known after
    the content was read. ``version`` is what the host says of a file that would be another if it had been written to
    since, empty when it says nothing; it is no part of the entry and is not stored with it.
    """

    item: str
    data_class: str
    kind: str
    path: bytes
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    owner: str | None = None
    group: str | None = None
    mtime_ns: int | None = None
    size: int = 0
    link_target: bytes | None = None
    device: tuple[int, int] | None = None
    acl_access: str | None = None
    acl_default: str | None = None
    xattrs: Mapping[str, bytes] = field(default_factory=dict)
    sensitive: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    version: bytes = field(default=b"", compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The entry as a JSON object; what is not known is left out."""
        path = path_to_text(self.path)
        out: dict[str, Any] = {"item": self.item, "class": self.data_class, "kind": self.kind, "path": path}
        if self.mode is not None:
            out["mode"] = f"{self.mode:04o}"
        for name in ("uid", "gid", "owner", "group", "mtime_ns", "acl_access", "acl_default"):
            value = getattr(self, name)
            if value is not None:
                out[name] = value
        if self.size:
            out["size"] = self.size
        if self.link_target is not None:
            out["link_target"] = path_to_text(self.link_target)
        if self.device is not None:
            out["device"] = list(self.device)
        if self.xattrs:
            out["xattrs"] = {key: base64.b64encode(value).decode("ascii") for key, value in sorted(self.xattrs.items())}
        if self.sensitive:
            out["sensitive"] = True
        if self.extra:
            out["extra"] = dict(self.extra)
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """The reverse of :meth:`to_json`. Raises KeyError, TypeError or ValueError on data that is none."""
        link = data.get("link_target")
        device = data.get("device")
        return cls(
            item=data["item"],
            data_class=data["class"],
            kind=data["kind"],
            path=path_from_text(data["path"]),
            mode=int(data["mode"], 8) if "mode" in data else None,
            uid=data.get("uid"),
            gid=data.get("gid"),
            owner=data.get("owner"),
            group=data.get("group"),
            mtime_ns=data.get("mtime_ns"),
            size=data.get("size", 0),
            link_target=path_from_text(link) if link is not None else None,
            device=(int(device[0]), int(device[1])) if device is not None else None,
            acl_access=data.get("acl_access"),
            acl_default=data.get("acl_default"),
            xattrs={key: base64.b64decode(value) for key, value in data.get("xattrs", {}).items()},
            sensitive=bool(data.get("sensitive", False)),
            extra=data.get("extra", {}),
        )


Gathered = tuple[Entry, Iterable[bytes]]
"""An entry with its content; the content must be read before the next entry is asked for."""


@dataclass(frozen=True)
class KnownContent:
    """Stands in the place of a content that is stored already and was not read: its bytes, its SHA-256, and of each of
    its pieces the fingerprint and, when there are several, the digest. ``read_at``: when it was, in seconds since the
    epoch."""

    size: int
    sha256: bytes
    fingerprints: tuple[bytes, ...]
    digests: tuple[bytes, ...]
    read_at: int

    def __iter__(self) -> NoReturn:
        raise ValueError("a content that was not read cannot be handed out")


class KnownFiles(Protocol):
    """What is stored of files that need not be read again."""

    def find(self, entry: Entry) -> tuple[Entry, KnownContent] | None:
        """The file of this item, path and version as it was read before, None when it has to be read."""


@dataclass
class Problem:
    """Something that is wrong with one item: which path, and what. ``absent``: there is nothing at the path, so nothing
    was left unread."""

    path: str
    message: str
    absent: bool = False


@dataclass
class ItemReport:
    """What an item says of its own gathering. ``found`` False: nothing of it is on the host. ``holding``: folders among
    its entries that hold something which it leaves out, so that they are not empty without the others. ``known`` tells
    the item which large files it need not read; None: it reads everything."""

    name: str
    found: bool = True
    problems: list[Problem] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    holding: set[bytes] = field(default_factory=set)
    known: KnownFiles | None = None

    def problem(self, path: bytes | str, message: str) -> None:
        """Record that one path could not be taken as it is on the host."""
        self.problems.append(Problem(path_to_text(path) if isinstance(path, bytes) else path, message))

    def absent(self, path: bytes | str, message: str) -> None:
        """Record that one path is demanded and not there."""
        self.problems.append(Problem(path_to_text(path) if isinstance(path, bytes) else path, message, absent=True))
