# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tar format, POSIX flavour (PAX), as a stream both ways: bounded memory, names as bytes, nanoseconds, ACLs,
xattrs.

The standard library's tarfile reads whole extended headers of any size and loses what is not text in them; a host that
we read from must not be able to fill our memory, and a restore must be exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .._errors import HostileContent, ItemTruncated

BLOCK = 512
END = bytes(2 * BLOCK)
LARGEST_HEADER = 8 * 2**20
"""Bytes of one member's extended header: xattrs and ACLs of any real file fit in many times."""
PIECE = 64 * 1024

_KINDS = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"1": "hardlink",
    b"2": "symlink",
    b"3": "char",
    b"4": "block",
    b"5": "directory",
    b"6": "fifo",
}
_FLAGS = {"file": b"0", "hardlink": b"1", "symlink": b"2", "directory": b"5", "fifo": b"6"}
_XATTR = b"SCHILY.xattr."
_ACL_ACCESS = b"SCHILY.acl.access"
_ACL_DEFAULT = b"SCHILY.acl.default"


@dataclass(frozen=True)
class TarMember:
    """What one member's header says."""

    name: bytes
    kind: str
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    owner: bytes = b""
    group: bytes = b""
    mtime_ns: int = 0
    size: int = 0
    link: bytes = b""
    device: tuple[int, int] | None = None
    acl_access: bytes | None = None
    acl_default: bytes | None = None
    xattrs: Mapping[bytes, bytes] = field(default_factory=dict)


class TarReader:
    """Takes an archive apart while it arrives.

    Iterate the reader for the members; read :meth:`content` before the next one, what is left of it is skipped.
    ``complete`` is True once the archive's end was seen: only then nothing is missing.

    :raises ItemTruncated: the stream ends or breaks in the middle
    :raises HostileContent: a header that no honest archive has
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = bytearray()
        self._left = 0
        self._padding = 0
        self.complete = False

    def __iter__(self) -> Iterator[TarMember]:
        while True:
            for _piece in self.content():
                pass
            member = self._member()
            if member is None:
                self.complete = True
                return
            yield member

    def content(self) -> Iterator[bytes]:
        """The content of the member at hand, or what is left of it."""
        while self._left:
            if not self._buffer:
                self._fill(1)
            piece = bytes(self._buffer[: min(self._left, PIECE)])
            del self._buffer[: len(piece)]
            self._left -= len(piece)
            yield piece
        self._take(self._padding)
        self._padding = 0

    def _member(self) -> TarMember | None:
        extended: dict[bytes, bytes] = {}
        while True:
            block = self._take(BLOCK)
            if block == bytes(BLOCK):
                return None
            if _number(block[148:156]) != sum(block) - sum(block[148:156]) + 8 * 32:
                raise ItemTruncated("The archive that the host sends is broken: a header's checksum is wrong")
            flag = block[156:157]
            size = _number(block[124:136])
            if flag not in (b"x", b"g"):
                return self._finish(block, flag, size, extended)
            if size > LARGEST_HEADER:
                raise HostileContent(f"The archive that the host sends has a header of {size} bytes")
            records = self._take(size)
            self._take(-size % BLOCK)
            if flag == b"x":
                extended = _records(records)

    def _finish(self, block: bytes, flag: bytes, size: int, extended: dict[bytes, bytes]) -> TarMember:
        name, prefix = _text(block[0:100]), _text(block[345:500])
        try:
            size = int(extended.get(b"size", size))
            member = TarMember(
                name=extended.get(b"path", prefix + b"/" + name if prefix else name),
                kind=_KINDS.get(flag, f"type {flag!r}"),
                mode=_number(block[100:108]) & 0o7777,
                uid=int(extended.get(b"uid", _number(block[108:116]))),
                gid=int(extended.get(b"gid", _number(block[116:124]))),
                owner=extended.get(b"uname", _text(block[265:297])),
                group=extended.get(b"gname", _text(block[297:329])),
                mtime_ns=_nanoseconds(extended.get(b"mtime", b"%d" % _number(block[136:148]))),
                size=size,
                link=extended.get(b"linkpath", _text(block[157:257])),
                device=(_number(block[329:337]), _number(block[337:345])) if flag in (b"3", b"4") else None,
                acl_access=extended.get(_ACL_ACCESS),
                acl_default=extended.get(_ACL_DEFAULT),
                xattrs={
                    _unquote(key[len(_XATTR) :]): value for key, value in extended.items() if key.startswith(_XATTR)
                },
            )
        except ValueError:
            raise ItemTruncated("The archive that the host sends is broken: a header holds no number") from None
        if size < 0 or (size and member.kind != "file"):
            raise HostileContent(f"The archive that the host sends has a {member.kind} of {size} bytes")
        self._left, self._padding = size, -size % BLOCK
        return member

    def _take(self, count: int) -> bytes:
        if len(self._buffer) < count:
            self._fill(count)
        head = bytes(self._buffer[:count])
        del self._buffer[:count]
        return head

    def _fill(self, count: int) -> None:
        while len(self._buffer) < count:
            data = next(self._chunks, None)
            if data is None:
                raise ItemTruncated("The archive that the host sends ends before its end")
            self._buffer += data


def archive(members: Iterable[tuple[TarMember, Iterable[bytes]]]) -> Iterator[bytes]:
    """An archive as a stream. Raises ItemTruncated when a content is not as long as its member says."""
    for member, content in members:
        yield header(member)
        left = member.size
        for data in content if member.kind == "file" else ():
            left -= len(data)
            if left < 0:
                break
            yield data
        if left and member.kind == "file":
            raise ItemTruncated(
                f"The content is {'longer' if left < 0 else 'shorter'} than the {member.size} bytes that are promised",
                item=member.name.decode("utf-8", "replace"),
            )
        yield bytes(-member.size % BLOCK)
    yield END


def header(member: TarMember) -> bytes:
    """The header blocks of one member. Raises HostileContent for a kind that is never written."""
    flag = _FLAGS.get(member.kind)
    if flag is None:
        raise HostileContent(f"A {member.kind} is never written", item=member.name.decode("utf-8", "replace"))
    size = member.size if member.kind == "file" else 0
    extended: dict[bytes, bytes] = {b"mtime": _seconds(member.mtime_ns)}
    fields = (
        (b"path", member.name, 100),
        (b"linkpath", member.link, 100),
        (b"uname", member.owner, 31),
        (b"gname", member.group, 31),
    )
    extended.update({key: value for key, value, room in fields if len(value) > room})
    numbers = ((b"uid", member.uid, 8), (b"gid", member.gid, 8), (b"size", size, 12))
    extended.update({key: b"%d" % value for key, value, room in numbers if not 0 <= value < 8 ** (room - 1)})
    if member.acl_access is not None:
        extended[_ACL_ACCESS] = member.acl_access
    if member.acl_default is not None:
        extended[_ACL_DEFAULT] = member.acl_default
    extended.update({_XATTR + _quote(key): value for key, value in member.xattrs.items()})
    records = b"".join(_record(key, value) for key, value in extended.items())
    seconds = member.mtime_ns // 10**9
    own = _block(
        member.name[:100],
        flag,
        size,
        mode=member.mode,
        uid=member.uid,
        gid=member.gid,
        mtime=seconds if 0 <= seconds < 8**11 else 0,
        link=member.link[:100],
        owner=member.owner[:31],
        group=member.group[:31],
    )
    return _block(b"././@PaxHeader", b"x", len(records)) + records + bytes(-len(records) % BLOCK) + own


def _block(
    name: bytes,
    flag: bytes,
    size: int,
    *,
    mode: int = 0o644,
    uid: int = 0,
    gid: int = 0,
    mtime: int = 0,
    link: bytes = b"",
    owner: bytes = b"",
    group: bytes = b"",
) -> bytes:
    def octal(value: int, room: int) -> bytes:
        return b"%0*o\0" % (room - 1, value if 0 <= value < 8 ** (room - 1) else 0)

    front = name.ljust(100, b"\0") + octal(mode, 8) + octal(uid, 8) + octal(gid, 8) + octal(size, 12) + octal(mtime, 12)
    back = flag + link.ljust(100, b"\0") + b"ustar\x0000" + owner.ljust(32, b"\0") + group.ljust(32, b"\0")
    back = (back + octal(0, 8) + octal(0, 8)).ljust(BLOCK - len(front) - 8, b"\0")
    return front + b"%06o\0 " % (sum(front) + sum(back) + 8 * 32) + back


def _record(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest


def _records(data: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        try:
            length = int(data[at:space]) if space > 0 else 0
        except ValueError:
            length = 0
        record = data[space + 1 : at + length]
        key, equals, value = record.partition(b"=")
        if at + length > len(data) or not equals or not value.endswith(b"\n"):
            raise ItemTruncated("The archive that the host sends is broken: an extended header is none")
        found[key] = value[:-1]
        at += length
    return found


def _number(raw: bytes) -> int:
    if raw[0] & 0x80:
        value = int.from_bytes(raw, "big") & ((1 << (8 * len(raw) - 1)) - 1)
        return value - (1 << (8 * len(raw) - 1)) if raw[0] & 0x40 else value
    text = raw.strip(b" \0")
    try:
        return int(text, 8) if text else 0
    except ValueError:
        raise ItemTruncated("The archive that the host sends is broken: a header holds no number") from None


def _text(raw: bytes) -> bytes:
    return raw.split(b"\0", 1)[0]


def _nanoseconds(text: bytes) -> int:
    whole, _dot, part = text.partition(b".")
    fraction = int(part[:9].ljust(9, b"0")) if part else 0
    return int(whole) * 10**9 + (-fraction if whole.startswith(b"-") else fraction)


def _seconds(nanoseconds: int) -> bytes:
    sign, value = (b"-", -nanoseconds) if nanoseconds < 0 else (b"", nanoseconds)
    return sign + b"%d.%09d" % divmod(value, 10**9)


def _quote(key: bytes) -> bytes:
    return key.replace(b"%", b"%25").replace(b"=", b"%3D")


def _unquote(key: bytes) -> bytes:
    return key.replace(b"%3D", b"=").replace(b"%25", b"%")
