# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Windows knows of a file beside its content, as extended attributes in the way of ntfs-3g, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .._entries import Entry
from .._transport.windows_files import SETTABLE, Taken, WindowsFile, filetime

ACL, ATTRIBUTES, CREATED, REPARSE_DATA = (
    "system.ntfs_acl",
    "system.ntfs_attrib",
    "system.ntfs_crtime",
    "system.ntfs_reparse_data",
)
DIRECTORY, REPARSE = 0x10, 0x400
UNRESTORED = {0x200: "sparse", 0x800: "compressed", 0x4000: "encrypted"}

LARGEST_SECURITY = 65536
LARGEST_REPARSE = 16384
"""Bytes (MS-FSCC 2.1.2)."""
SURROGATE = 0x20000000
_MOUNT_POINT, _SYMLINK = 0xA0000003, 0xA000000C
_UNKNOWN_TIME = 0


@dataclass(frozen=True)
class Metadata:
    """What is put back beside the content."""

    security: bytes
    attributes: int
    created: int
    written: int


def xattrs_of(taken: Taken, file: WindowsFile) -> dict[str, bytes]:
    """The extended attributes of an entry."""
    kept = file.attributes & (SETTABLE | DIRECTORY | REPARSE)
    found = {
        ACL: taken.security,
        ATTRIBUTES: kept.to_bytes(4, "little"),
        CREATED: file.created.to_bytes(8, "little"),
    }
    if file.kind == "link":
        found[REPARSE_DATA] = taken.link
    return found


def metadata_of(entry: Entry) -> Metadata:
    """What an entry says; times and attributes that it does not know are left as they come."""
    xattrs = entry.xattrs
    return Metadata(
        security=xattrs.get(ACL, b""),
        attributes=int.from_bytes(xattrs.get(ATTRIBUTES, b""), "little") & SETTABLE,
        created=int.from_bytes(xattrs.get(CREATED, b""), "little"),
        written=filetime(entry.mtime_ns) if entry.mtime_ns is not None else _UNKNOWN_TIME,
    )


def what_is_wrong_with(kind: str, xattrs: Mapping[str, bytes]) -> str:
    """Why extended attributes cannot be those of a Windows file; empty when they can."""
    security, link = xattrs.get(ACL, b""), xattrs.get(REPARSE_DATA)
    if security and not 20 <= len(security) <= LARGEST_SECURITY:
        return "has a security descriptor that is none"
    if len(xattrs.get(ATTRIBUTES, bytes(4))) != 4 or len(xattrs.get(CREATED, bytes(8))) != 8:
        return "has Windows attributes or a creation time that are none"
    if (kind == "symlink") != (link is not None):
        return "is a link without what it leads to, or leads somewhere without being a link"
    if link is not None and not (8 <= len(link) <= LARGEST_REPARSE and _tag(link) & SURROGATE):
        return "is a link whose data is none"
    return ""


def link_target(link: bytes) -> str:
    r"""Where a junction or symlink leads to, as Windows writes it, C(\??\D:\Data); for others their tag."""
    tag = _tag(link)
    start = 20 if tag == _SYMLINK else 16
    if tag in (_SYMLINK, _MOUNT_POINT) and len(link) >= start:
        offset, length = int.from_bytes(link[8:10], "little"), int.from_bytes(link[10:12], "little")
        return link[start + offset : start + offset + length].decode("utf-16-le", "replace")
    return f"reparse point 0x{tag:08X}"


def _tag(link: bytes) -> int:
    return int.from_bytes(link[:4], "little")
