# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security descriptors as text, as ``sc sdset`` takes it (MS-DTYP 2.4.6 and 2.5.1).

Numbers and full SIDs are written where Windows would write letters: both say the same.
"""

from __future__ import annotations

import struct

_DACL, _SACL = 0x0004, 0x0010
_SELF_RELATIVE = 0x8000
_ACL_FLAGS = {
    "D": ((0x1000, "P"), (0x0100, "AR"), (0x0400, "AI")),
    "S": ((0x2000, "P"), (0x0200, "AR"), (0x0800, "AI")),
}
_ACE_TYPES = {0: "A", 1: "D", 2: "AU", 3: "AL", 0x11: "ML"}
_ACE_FLAGS = ((0x01, "OI"), (0x02, "CI"), (0x04, "NP"), (0x08, "IO"), (0x10, "ID"), (0x40, "SA"), (0x80, "FA"))


def to_sddl(descriptor: bytes) -> str | None:
    """The lists of a self-relative descriptor (who may do what, what is recorded); owner and group are left out.

    None for what is no such descriptor, or holds entries that have no place in the descriptor of a service.
    """
    try:
        _revision, _zero, control, _owner, _group, sacl, dacl = struct.unpack_from("<BBHIIII", descriptor)
        if not control & _SELF_RELATIVE:
            return None
        text = ""
        if control & _DACL and dacl:
            text += _acl("D", control, descriptor, dacl)
        if control & _SACL and sacl:
            text += _acl("S", control, descriptor, sacl)
        return text or None
    except (struct.error, KeyError, IndexError, ValueError):
        return None


def _acl(letter: str, control: int, descriptor: bytes, at: int) -> str:
    _revision, _zero, size, count, _zero2 = struct.unpack_from("<BBHHH", descriptor, at)
    flags = "".join(name for bit, name in _ACL_FLAGS[letter] if control & bit)
    entries, end = "", at + size
    at += 8
    for _entry in range(count):
        kind, bits, length, mask = struct.unpack_from("<BBHI", descriptor, at)
        if length < 16 or at + length > end:
            raise ValueError("an entry is longer than its list")
        names = "".join(name for bit, name in _ACE_FLAGS if bits & bit)
        entries += f"({_ACE_TYPES[kind]};{names};0x{mask:x};;;{_sid(descriptor[at + 8 : at + length])})"
        at += length
    return f"{letter}:{flags}{entries}"


def _sid(data: bytes) -> str:
    count = data[1]
    if data[0] != 1 or len(data) < 8 + 4 * count:
        raise ValueError("no SID")
    authority = int.from_bytes(data[2:8], "big")
    return "-".join(["S-1", str(authority), *(str(part) for part in struct.unpack_from(f"<{count}I", data, 8))])
