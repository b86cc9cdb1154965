# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for a Windows file server at the level of single SMB messages: what Samba has not, junctions above all.

It stands where the encrypted channel stands, and its disk is one in memory. As Windows does, it follows a junction that
stands in the way of a path by itself, and stops at a symlink (MS-SMB2 3.3.5.9, MS-FSCC 2.1.2).
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.ucops.recovery.plugins.module_utils._transport import smb_messages as smb
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb import SmbFiles, SmbOptions
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb_channel import Answer, Ticket
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb_login import Login
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb_messages import Message
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_files import FileInUse
from support.windows_files import DIRECTORY, READ_ONLY, REPARSE, MemoryWindowsFiles, Node

JUNCTION, SYMLINK, DEDUPLICATED = 0xA0000003, 0xA000000C, 0x80000013
NOT_FOUND, PATH_NOT_FOUND, COLLISION = 0xC0000034, 0xC000003A, 0xC0000035
DENIED, IN_USE, FULL, NOT_EMPTY = 0xC0000022, 0xC0000043, 0xC000007F, 0xC0000101
CANNOT_DELETE, STOPPED, NO_MORE, END = 0xC0000121, 0x8000002D, 0x80000006, 0xC0000011


def junction(target: str) -> bytes:
    """The reparse data of a junction to an absolute path."""
    raw = (r"\??" + "\\" + target).encode("utf-16-le")
    rest = struct.pack("<HHHH", 0, len(raw), len(raw) + 2, 0) + raw + bytes(4)
    return struct.pack("<IHH", JUNCTION, len(rest), 0) + rest


def symlink(target: str) -> bytes:
    """The reparse data of a symlink."""
    raw = target.encode("utf-16-le")
    rest = struct.pack("<HHHHI", 0, len(raw), 0, len(raw), 0) + raw
    return struct.pack("<IHH", SYMLINK, len(rest), 0) + rest


class Refused(Exception):
    """A request that fails with an NTSTATUS."""

    def __init__(self, status: int) -> None:
        super().__init__(hex(status))
        self.status = status


@dataclass
class Handle:
    """Something that is open."""

    path: str
    doomed: bool = False
    listed: bool = False


class SmbPeer:
    """What the file client sees as its channel. ``refuse``: asked before every request; returns an NTSTATUS or 0."""

    host = "windows.example"

    def __init__(self, disk: MemoryWindowsFiles) -> None:
        self.disk = disk
        self.broken = False
        self.handles: dict[bytes, Handle] = {}
        self.refuse: Callable[[Message, str], int] = lambda message, path: 0
        self.streams: dict[str, list[str]] = {}
        """Path in capitals -> streams beside the content."""
        self.extra_names: list[str] = []
        """Names that a listing has beside the true ones."""
        self._next = 1
        self._previous = b""

    def files(self) -> SmbFiles:
        """A client of it."""
        files = SmbFiles(SmbOptions(self.host, username="x", password="y"))
        files._session._channel = self  # type: ignore[assignment]
        files._session._login = Login(1, "GCM", b"", b"", 0, 0, 2**20, 2**20, 2**20, None, b"")
        return files

    # --- what a channel does -----------------------------------------------------------------------------------------
    def submit(self, tree: int, messages: Sequence[Message], *, related: bool = True) -> Ticket:
        ticket = Ticket(list(range(len(messages))))
        failed = 0
        for number, message in enumerate(messages):
            try:
                if failed and message.command != smb.CREATE and related:
                    raise Refused(failed)
                ticket.answers[number] = _answer(0, self._do(message))
            except Refused as refused:
                failed = refused.status if message.command == smb.CREATE else failed
                ticket.answers[number] = _answer(refused.status, b"\x09\0\0\0\0\0\0\0")
        return ticket

    def collect(self, ticket: Ticket, deadline: float | None = None) -> list[Answer]:
        return [ticket.answers[number] for number in ticket.numbers]

    def exchange(
        self, tree: int, messages: Sequence[Message], *, related: bool = True, deadline: float | None = None
    ) -> list[Answer]:
        return self.collect(self.submit(tree, messages, related=related))

    def forget(self, ticket: Ticket) -> None:
        pass

    def gone(self) -> bool:
        return False

    def close(self) -> None:
        self.broken = True

    # --- what a server does ------------------------------------------------------------------------------------------
    def _do(self, message: Message) -> bytes:
        body = message.body
        action = {
            smb.CREATE: self._create,
            smb.CLOSE: self._close,
            smb.READ: self._read,
            smb.WRITE: self._write,
            smb.FLUSH: lambda body: b"\4\0\0\0",
            smb.QUERY_INFO: self._query,
            smb.SET_INFO: self._set,
            smb.QUERY_DIRECTORY: self._list,
            smb.IOCTL: self._control,
            smb.TREE_CONNECT: lambda body: struct.pack("<HBBIII", 16, 1, 0, 0, 0, 0),
            smb.LOGOFF: lambda body: b"\4\0\0\0",
        }[message.command]
        name = self._named(body) if message.command == smb.CREATE else self._path_of(message)
        status = self.refuse(message, name)
        if status:
            raise Refused(status)
        return action(body)

    @staticmethod
    def _named(body: bytes) -> str:
        length = int.from_bytes(body[46:48], "little")
        return ("C:\\" + body[56 : 56 + length].decode("utf-16-le")).rstrip("\\")

    def _path_of(self, message: Message) -> str:
        at = {smb.CLOSE: 8, smb.READ: 16, smb.WRITE: 16, smb.FLUSH: 8, smb.QUERY_INFO: 24, smb.SET_INFO: 16}
        place = at.get(message.command, 8)
        handle = self.handles.get(self._handle(message.body, place)) if message.command in at else None
        return handle.path if handle is not None else ""

    def _create(self, body: bytes) -> bytes:
        access, _bits, _share, disposition, options = struct.unpack_from("<IIIII", body, 24)
        path = self._resolve(self._named(body), follow=not options & smb.OPEN_REPARSE_POINT)
        node = self.disk.nodes.get(path.upper())
        if disposition == smb.OPEN:
            if node is None:
                raise Refused(NOT_FOUND)
            self._share(path, access)
            if options & smb.DIRECTORY_FILE and not node.file.attributes & DIRECTORY:
                raise Refused(0xC0000103)
        elif node is not None:
            raise Refused(COLLISION)
        else:
            security = _context(body, b"SecD")
            kinds = {"security": security} if security else {}
            self.disk.add(path, None if options & smb.DIRECTORY_FILE else b"", **kinds)  # type: ignore[arg-type]
            node = self.disk.nodes[path.upper()]
        self._previous = self._next.to_bytes(16, "little")
        self._next += 1
        self.handles[self._previous] = Handle(path)
        return struct.pack("<HBBI", 89, 0, 0, 1) + _facts(node, "<QQQQQQII") + self._previous + bytes(8)

    def _share(self, path: str, access: int) -> None:
        if not access & (smb.READ_DATA | smb.WRITE_DATA | smb.DELETE):
            return
        try:
            self.disk._allowed(path)
        except FileInUse:
            raise Refused(IN_USE) from None
        except PermissionError:
            raise Refused(DENIED) from None

    def _resolve(self, path: str, *, follow: bool) -> str:
        names = path.split("\\")
        for count in range(2, len(names) + 1):
            here = "\\".join(names[:count])
            node = self.disk.nodes.get(here.upper())
            last = count == len(names)
            if node is None:
                if not last:
                    raise Refused(PATH_NOT_FOUND)
                return path
            if node.file.kind == "link" and (follow or not last):
                tag = int.from_bytes(node.link[:4], "little")
                if tag == SYMLINK:
                    raise Refused(STOPPED)
                length = int.from_bytes(node.link[10:12], "little")
                target = node.link[16 : 16 + length].decode("utf-16-le")[4:]
                return self._resolve("\\".join([target.rstrip("\\"), *names[count:]]), follow=follow)
        return path

    def _close(self, body: bytes) -> bytes:
        key = self._handle(body, 8)
        handle = self.handles.pop(key, None)
        if handle is None:
            raise Refused(0xC0000128)
        node = self.disk.nodes.get(handle.path.upper())
        if handle.doomed and node is not None:
            self.disk.nodes.pop(handle.path.upper())
        told = _facts(node, "<QQQQQQI") if node is not None else bytes(52)
        return struct.pack("<HHI", 60, 1 if node is not None else 0, 0) + told

    def _read(self, body: bytes) -> bytes:
        length, offset = struct.unpack_from("<IQ", body, 4)
        data = self._node(body, 16).content[offset : offset + length]
        if not data:
            raise Refused(END)
        return struct.pack("<HBBIII", 17, 80, 0, len(data), 0, 0) + data

    def _write(self, body: bytes) -> bytes:
        length, offset = struct.unpack_from("<IQ", body, 4)
        node = self._node(body, 16)
        if length > self.disk.room:
            raise Refused(FULL)
        self.disk.room -= length
        node.content = node.content[:offset] + body[48 : 48 + length]
        node.file = dataclasses.replace(node.file, size=len(node.content))
        return struct.pack("<HHIIHH", 17, 0, length, 0, 0, 0)

    def _query(self, body: bytes) -> bytes:
        kind = body[2]
        if body[3] == smb.STREAMS:
            names = self.streams.get(self.handles[self._handle(body, 24)].path.upper(), [])
            return _output(b"".join(_streams(["::$DATA", *(f":{name}:$DATA" for name in names)])))
        if kind == smb.SECURITY:
            return _output(self._node(body, 24).security)
        return _output(struct.pack("<QQQII", 2**30, self.disk.room // 4096, self.disk.room // 4096, 8, 512))

    def _set(self, body: bytes) -> bytes:
        kind, info, length = struct.unpack_from("<BBI", body, 2)
        data, handle = body[32 : 32 + length], self.handles[self._handle(body, 16)]
        node = self.disk.nodes[handle.path.upper()]
        if kind == smb.SECURITY:
            bits = int.from_bytes(data[2:4], "little") & ~0x100
            node.security = data[:2] + bits.to_bytes(2, "little") + data[4:]
        elif info == smb.BASIC:
            made, _accessed, written, _changed, bits = struct.unpack_from("<QQQQI", data)
            kept = node.file.attributes & (DIRECTORY | REPARSE)
            node.file = dataclasses.replace(
                node.file,
                created=made or node.file.created,
                written=written or node.file.written,
                attributes=bits & ~0x80 | kept,
            )
        elif info == smb.DISPOSITION:
            if data[0] and node.file.attributes & READ_ONLY:
                raise Refused(CANNOT_DELETE)
            below = handle.path.upper() + "\\"
            if data[0] and any(key.startswith(below) for key in self.disk.nodes):
                raise Refused(NOT_EMPTY)
            handle.doomed = bool(data[0])
        elif info == smb.RENAME:
            self._rename(handle, "C:\\" + data[20:].decode("utf-16-le"))
        return b"\2\0"

    def _rename(self, handle: Handle, target: str) -> None:
        old = self.disk.nodes.get(target.upper())
        opened = any(other.path.upper() == target.upper() for other in self.handles.values())
        if old is not None and (old.file.attributes & READ_ONLY or opened):
            raise Refused(DENIED)
        node = self.disk.nodes.pop(handle.path.upper())
        self.disk._put(
            target, dataclasses.replace(node.file, name=target.rpartition("\\")[2]), node.content, node.security
        )
        handle.path = target

    def _list(self, body: bytes) -> bytes:
        handle = self.handles[self._handle(body, 8)]
        if handle.listed:
            raise Refused(NO_MORE)
        handle.listed = True
        below = handle.path.upper() + "\\"
        nodes = [n for key, n in self.disk.nodes.items() if key.startswith(below) and "\\" not in key[len(below) :]]
        names = [(".", nodes[0] if nodes else self.disk.nodes[handle.path.upper()])]
        names += [(node.file.name, node) for node in nodes] + [(name, nodes[0]) for name in self.extra_names]
        return _output(b"".join(_listed(names)))

    def _control(self, body: bytes) -> bytes:
        code = int.from_bytes(body[4:8], "little")
        offset, length = struct.unpack_from("<II", body, 24)
        data = body[offset - 64 : offset - 64 + length]
        if code == smb.GET_REPARSE_POINT:
            node = self._node(body, 8)
            if not node.link:
                raise Refused(0xC0000275)
            return _controlled(code, node.link)
        if code == smb.SET_REPARSE_POINT:
            node = self._node(body, 8)
            node.link = data
            bits = node.file.attributes | REPARSE
            node.file = dataclasses.replace(node.file, kind="link", attributes=bits)
            return _controlled(code, b"")
        tokens = "\0".join(sorted(self.disk.shadow_copies)) + "\0\0"
        raw = tokens.encode("utf-16-le")
        return _controlled(code, struct.pack("<III", len(self.disk.shadow_copies), 0, len(raw)) + raw)

    def _node(self, body: bytes, at: int) -> Node:
        return self.disk.nodes[self.handles[self._handle(body, at)].path.upper()]

    def _handle(self, body: bytes, at: int) -> bytes:
        handle = body[at : at + 16]
        return self._previous if handle == smb.PREVIOUS else handle


def _answer(status: int, body: bytes) -> Answer:
    header = smb.HEADER.pack(b"\xfeSMB", 64, 1, status, 0, 1, 1, 0, 0, 0, 1, 1, bytes(16))
    return Answer(status, memoryview(header + body))


def _facts(node: Node, layout: str) -> bytes:
    file = node.file
    numbers = [file.created, 0, file.written, 0, 0, file.size, file.attributes]
    return struct.pack(layout, *numbers, *([0] if layout.endswith("II") else []))


def _output(data: bytes) -> bytes:
    return struct.pack("<HHI", 9, 72, len(data)) + data


def _controlled(code: int, data: bytes) -> bytes:
    return struct.pack("<HHI16sIIIIII", 49, 0, code, bytes(16), 112, 0, 112, len(data), 0, 0) + data


def _listed(names: Sequence[tuple[str, Node]]) -> Iterator[bytes]:
    for number, (name, node) in enumerate(names, 1):
        raw, file = name.encode("utf-16-le"), node.file
        tag = int.from_bytes(node.link[:4], "little")
        length = 68 + len(raw)
        following = length + -length % 8 if number < len(names) else 0
        numbers = (file.created, 0, file.written, 0, file.size, 0, file.attributes, len(raw), tag)
        yield struct.pack("<IIQQQQQQIII", following, 0, *numbers) + raw + bytes(max(0, following - length))


def _streams(names: Sequence[str]) -> Iterator[bytes]:
    for number, name in enumerate(names, 1):
        raw = name.encode("utf-16-le")
        length = 24 + len(raw)
        following = length + -length % 8 if number < len(names) else 0
        yield (struct.pack("<IIQQ", following, len(raw), 1, 1) + raw).ljust(following, b"\0")


def _context(body: bytes, tag: bytes) -> bytes | None:
    offset, length = struct.unpack_from("<II", body, 48)
    if not length or body[offset - 64 + 16 : offset - 64 + 20] != tag:
        return None
    place = offset - 64
    size = int.from_bytes(body[place + 12 : place + 16], "little")
    return body[place + 24 : place + 24 + size]
