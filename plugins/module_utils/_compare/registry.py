# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""Exports of the Windows registry (``.reg``, "Windows Registry Editor Version 5.00"): read, written, compared.

The syntax is the one of https://support.microsoft.com/help/310516, with what real exports add: strings over several
lines, any type as ``hex(n):``. Comments are lines of their own. Names of keys and values are compared as Windows does,
without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Callable

from .._errors import HostileContent, ItemTruncated, OptionInvalid, RecoveryError

REG_NONE, REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_MULTI_SZ, REG_QWORD = 0, 1, 2, 3, 4, 7, 11
TEXT_TYPES = (REG_SZ, REG_EXPAND_SZ, REG_MULTI_SZ)
LARGEST = 64 * 2**20
"""Bytes. A larger export is not taken: it stands in memory as a whole."""

HEADER = "Windows Registry Editor Version 5.00"
BOM = b"\xff\xfe"
_ROOTS = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKU": "HKEY_USERS",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKCC": "HKEY_CURRENT_CONFIG",
}


class RegistryFileMalformed(RecoveryError):
    """A content is no export of the registry, or not as one is written. ``at``: the character where the
    statement begins that is not understood."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


class RegistryFileTruncated(ItemTruncated):
    """An export ends before its end. ``at``: the character where the statement begins that is cut."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


# --- values and trees -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class RegistryValue:
    """One value: the number of its type, and its bytes as the registry holds them: text is UTF-16, NUL at its end."""

    type: int
    data: bytes = field(repr=False)

    @classmethod
    def of_text(cls, text: str, type: int = REG_SZ) -> RegistryValue:
        """A text value."""
        return cls(type, _utf16(text + "\0"))

    @classmethod
    def of_texts(cls, texts: Iterable[str]) -> RegistryValue:
        """A REG_MULTI_SZ."""
        return cls(REG_MULTI_SZ, _utf16("".join(text + "\0" for text in texts) + "\0"))

    @classmethod
    def of_number(cls, number: int, type: int = REG_DWORD) -> RegistryValue:
        """A REG_DWORD, or a REG_QWORD."""
        return cls(type, number.to_bytes(8 if type == REG_QWORD else 4, "little"))

    @property
    def text(self) -> str:
        """The text up to its NUL; empty when the value is none."""
        return _from_utf16(self.data).partition("\0")[0] if self.type in TEXT_TYPES else ""

    @property
    def texts(self) -> list[str]:
        """The texts of a REG_MULTI_SZ; of another text that one, unless it is empty."""
        if self.type != REG_MULTI_SZ:
            return [self.text] if self.text else []
        parts = _from_utf16(self.data).split("\0")
        while parts and not parts[-1]:
            parts.pop()
        return parts

    @property
    def number(self) -> int | None:
        """The number of a REG_DWORD or REG_QWORD, None when the value is none."""
        sizes = {REG_DWORD: 4, REG_QWORD: 8}
        return int.from_bytes(self.data, "little") if sizes.get(self.type) == len(self.data) else None


Values = Mapping[str, RegistryValue]
"""The values of one key by name; the default value has the empty name."""


@dataclass(frozen=True)
class RegistryTree:
    r"""Keys with their values, in the order and spelling of the file.

    ``removed_keys`` and ``removed_values`` are the file's ``[-KEY]`` and ``"name"=-``: an export has none. They take
    effect before ``keys``.
    """

    keys: Mapping[str, Values] = field(default_factory=dict)
    removed_keys: Sequence[str] = ()
    removed_values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def _spelling(self) -> dict[str, str]:
        return {fold(key): key for key in self.keys}

    def __contains__(self, key: str) -> bool:
        return fold(long_key(key)) in self._spelling

    def values(self, key: str) -> Values:
        """The values of a key; empty when there is no such key."""
        spelling = self._spelling.get(fold(long_key(key)))
        return self.keys[spelling] if spelling is not None else {}

    def value(self, key: str, name: str = "") -> RegistryValue | None:
        """One value, None when it is not there."""
        values = self.values(key)
        if name in values:
            return values[name]
        return next((value for other, value in values.items() if fold(other) == fold(name)), None)

    def text(self, key: str, name: str = "", default: str = "") -> str:
        """One text, the default when it is not there or none."""
        value = self.value(key, name)
        return value.text if value is not None and value.type in TEXT_TYPES else default

    def number(self, key: str, name: str = "") -> int | None:
        """One number, None when it is not there or none."""
        value = self.value(key, name)
        return None if value is None else value.number

    def subkeys(self, key: str) -> list[str]:
        """The names of the keys right below a key, in the order of the file."""
        start = long_key(key) + "\\"
        below = fold(start)
        found: dict[str, str] = {}
        for folded, spelling in self._spelling.items():
            if folded.startswith(below):
                name = spelling[len(start) :].partition("\\")[0]
                found.setdefault(fold(name), name)
        return list(found.values())

    def below(self, key: str) -> RegistryTree:
        """Only that key and what is below it."""
        top = long_key(key)
        return RegistryTree({one: values for one, values in self.keys.items() if is_below(one, top)})

    def moved(self, old: str, new: str) -> RegistryTree:
        """The same keys with another beginning. Raises OptionInvalid when one does not begin so."""

        def place(key: str) -> str:
            if not is_below(key, old):
                raise OptionInvalid("A key of the tree does not lie below the one that it is moved from", item=key)
            return new + key[len(old) :]

        return RegistryTree(
            {place(key): values for key, values in self.keys.items()},
            tuple(place(key) for key in self.removed_keys),
            {place(key): names for key, names in self.removed_values.items()},
        )

    def without(self, drop: Callable[[str, str | None], bool]) -> RegistryTree:
        """Without what ``drop(key, name of a value or None for the key itself)`` answers True to."""
        kept = {}
        for key, values in self.keys.items():
            if not drop(key, None):
                kept[key] = {name: value for name, value in values.items() if not drop(key, name)}
        return RegistryTree(kept)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing at all."""
        return not (self.keys or self.removed_keys or self.removed_values)

    def is_same(self, other: RegistryTree) -> bool:
        """Whether both mean the same, whatever their order and case."""
        return normalised(self) == normalised(other)


def long_key(key: str) -> str:
    r"""A key as exports name it: ``HKLM\x`` and ``Computer\HKEY_LOCAL_MACHINE\x\`` become ``HKEY_LOCAL_MACHINE\x``."""
    key = key.strip("\\")
    head, separator, rest = key.partition("\\")
    if fold(head) == "COMPUTER" and separator:
        return long_key(rest)
    head = _ROOTS.get(fold(head), head)
    return (fold(head) if fold(head) in _ROOTS.values() else head) + separator + rest


def is_below(key: str, top: str) -> bool:
    """Whether a key is another, or lies below it."""
    one, other = fold(key), fold(top)
    return one == other or one.startswith(other + "\\")


def fold(name: str) -> str:
    """A name as Windows compares it: single characters in upper case, none of them ever becoming two."""
    return name.upper() if name.isascii() else "".join(map(_upper, name))


@lru_cache(maxsize=4096)
def _upper(char: str) -> str:
    upper = char.upper()
    return upper if len(upper) == 1 and upper.lower() == char else char


# --- reading ----------------------------------------------------------------------------------------------------------
def parse_reg(content: bytes) -> RegistryTree:
    """Read a whole file.

    :raises ItemTruncated: it is empty, or ends in the middle of something
    :raises RegistryFileMalformed: it is no such file, or not as one is written
    """
    tree = _Building()
    for one in statements(reg_text(content)):
        if one.name is None:
            tree.key(one.key, removed=one.removed)
        else:
            tree.set(one.key, one.name, one.value)
    return tree.done()


def parse_export(content: bytes, key: str) -> RegistryTree:
    """Read what ``reg export`` wrote of a key.

    :raises ItemTruncated: it does not end as an export does
    :raises RegistryFileMalformed: it is no such file
    :raises HostileContent: it is not of this key alone, or removes something
    """
    tree = parse_reg(content)
    for removed in (*tree.removed_keys, *tree.removed_values):
        raise HostileContent(f"The file removes something of {removed}, an export does not")
    strange = next((one for one in tree.keys if not is_below(one, long_key(key))), None)
    if strange is not None:
        raise HostileContent(f"The file is to be of {long_key(key)} alone, and names {strange}")
    if key not in tree:
        raise ItemTruncated("The export does not name its own key")
    if not reg_text(content).replace("\r\n", "\n").endswith("\n\n"):
        raise ItemTruncated("The export does not end with an empty line")
    return tree


def reg_text(content: bytes) -> str:
    """The text of a file without its BOM. Raises ItemTruncated, RegistryFileMalformed."""
    if not content:
        raise RegistryFileTruncated("The export is empty")
    if len(content) > LARGEST:
        raise RegistryFileMalformed(f"The export is larger than {LARGEST} bytes")
    if not content.startswith(BOM):
        raise RegistryFileMalformed("This is no export of the registry: it does not begin with the mark of UTF-16")
    if len(content) % 2:
        raise RegistryFileTruncated("The export ends in the middle of a character", (len(content) - 2) // 2)
    return _from_utf16(content[2:])


@dataclass(frozen=True)
class Statement:
    """One thing that a file says of a key (``name`` None) or of one of its values. ``value`` None: it is removed.

    ``subject_span`` is where the name stands in the text, ``data_span`` where the data, both without quotes.
    """

    key: str
    name: str | None
    value: RegistryValue | None
    removed: bool
    subject_span: tuple[int, int]
    data_span: tuple[int, int]


def statements(text: str) -> Iterator[Statement]:
    """What a file says, one after the other. Raises like :func:`parse_reg`, with the character in ``at``."""
    yield from _Reader(text).statements()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._begin = 0
        """Where the statement that is being read begins."""

    def statements(self) -> Iterator[Statement]:
        self._header()
        key: str | None = None
        while self._skip_empty():
            self._begin = self._at
            if self._text[self._at] == "[":
                said = self._key()
                key = None if said.removed else said.key
                yield said
            elif key is None:
                raise self._error("A value stands below no key")
            else:
                yield self._value(key)

    def _header(self) -> None:
        end = self._text.find("\n")
        if end < 0:
            if HEADER.startswith(self._text.rstrip("\r")):
                raise RegistryFileTruncated("The export ends within its first line")
            raise self._error("The first line is not that of an export")
        if self._text[:end].rstrip("\r") != HEADER:
            raise self._error("The first line is not that of an export")
        self._at = end + 1

    def _skip_empty(self) -> bool:
        """Go to the next line that says something; False at the end."""
        text = self._text
        while self._at < len(text):
            start = self._at
            while start < len(text) and text[start] in " \t\r":
                start += 1
            if start < len(text) and text[start] not in "\n;":
                self._at = start
                return True
            end = text.find("\n", start)
            if end < 0:
                if start < len(text):
                    raise self._truncated()
                self._at = len(text)
                return False
            self._at = end + 1
        return False

    def _key(self) -> Statement:
        start, end = self._at, self._text.find("\n", self._at)
        if end < 0:
            raise self._truncated()
        line = self._text[start:end].rstrip("\r \t")
        removed = line.startswith("[-")
        begin = 2 if removed else 1
        key = line[begin:-1]
        if not line.endswith("]") or "\0" in key or fold(key.partition("\\")[0]) not in _ROOTS.values():
            raise self._error("The name of a key is not understood")
        if "\\\\" in key or key.endswith("\\"):
            raise self._error("The name of a key has an empty part")
        self._at = end + 1
        return Statement(key, None, None, removed, (start + begin, start + begin + len(key)), (end, end))

    def _value(self, key: str) -> Statement:
        if self._text[self._at] == "@":
            name, name_span = "", (self._at, self._at)
            self._at += 1
        elif self._text[self._at] == '"':
            name, name_span = self._string()
        else:
            raise self._error("A line is neither key nor value")
        self._blanks()
        self._expect("=")
        self._blanks()
        value, data_span = self._data()
        self._end_of_line()
        return Statement(key, name, value, value is None, name_span, data_span)

    def _data(self) -> tuple[RegistryValue | None, tuple[int, int]]:
        text, start = self._text, self._at
        if text.startswith("-", start):
            self._at += 1
            return None, (start, start)
        if text.startswith('"', start):
            string, span = self._string()
            return RegistryValue.of_text(string), span
        colon = text.find(":", start, start + 16)
        word = text[start:colon].lower() if colon >= 0 else ""
        if word == "dword":
            return self._dword(colon + 1)
        if word == "hex":
            return self._hex(colon + 1, REG_BINARY)
        if word.startswith("hex(") and word.endswith(")") and _is_hex(word[4:-1], 8):
            return self._hex(colon + 1, int(word[4:-1], 16))
        if "\n" not in text[start:]:
            raise self._truncated()
        raise self._error("The data of a value are not understood")

    def _dword(self, start: int) -> tuple[RegistryValue, tuple[int, int]]:
        end = start
        while end < len(self._text) and self._text[end] not in " \t\r\n":
            end += 1
        self._at = end
        digits = self._text[start:end]
        if end == len(self._text):
            raise self._truncated()
        if not _is_hex(digits, 8):
            raise self._error("A number is not understood")
        return RegistryValue.of_number(int(digits, 16)), (start, end)

    def _hex(self, start: int, type: int) -> tuple[RegistryValue, tuple[int, int]]:
        lines, at = [], start
        while True:
            end = self._text.find("\n", at)
            if end < 0:
                raise self._truncated()
            line = self._text[at:end].strip(" \t\r")
            at = end + 1
            lines.append(line.removesuffix("\\").rstrip(" \t") if line.endswith("\\") else line)
            if not line.endswith("\\"):
                break
        digits = "".join(lines).removesuffix(",")
        pairs = digits.split(",") if digits else []
        if not all(len(pair) == 2 for pair in pairs):
            raise self._error("Bytes are not understood")
        try:
            data = bytes.fromhex("".join(pairs))
        except ValueError:
            raise self._error("Bytes are not understood") from None
        self._at = end
        return RegistryValue(type, data), (start, max(start, end - (self._text[end - 1] == "\r")))

    def _string(self) -> tuple[str, tuple[int, int]]:
        """The string that begins here, over several lines where it does."""
        text, start = self._text, self._at + 1
        at, parts = start, []
        while True:
            mark = _QUOTE_OR_ESCAPE.search(text, at)
            if mark is None or mark.end() == len(text):
                raise self._truncated()
            parts.append(text[at : mark.start()])
            at = mark.end()
            if mark[0] == '"':
                self._at = at
                return "".join(parts), (start, at - 1)
            char = _ESCAPES.get(text[at])
            if char is None:
                raise self._error("A backslash stands before something that it does not stand before")
            parts.append(char)
            at += 1

    def _blanks(self) -> None:
        while self._text[self._at : self._at + 1] in (" ", "\t"):
            self._at += 1

    def _expect(self, char: str) -> None:
        if self._at >= len(self._text):
            raise self._truncated()
        if self._text[self._at] != char:
            raise self._error("A line is neither key nor value")
        self._at += 1

    def _end_of_line(self) -> None:
        end = self._text.find("\n", self._at)
        if end < 0:
            raise self._truncated()
        if self._text[self._at : end].strip(" \t\r"):
            raise self._error("Something stands behind the data of a value")
        self._at = end + 1

    def _error(self, message: str) -> RegistryFileMalformed:
        line = self._text.count("\n", 0, self._at) + 1
        return RegistryFileMalformed(f"{message} (line {line} of the export)", self._begin)

    def _truncated(self) -> RegistryFileTruncated:
        line = self._text.count("\n", 0, self._at) + 1
        return RegistryFileTruncated(f"The export ends in the middle of line {line}", self._begin)


_QUOTE_OR_ESCAPE = re.compile(r"[\"\\]")
# Windows writes line breaks as they are; Wine escapes them.
_ESCAPES = {"\\": "\\", '"': '"', "n": "\n", "r": "\r", "0": "\0"}
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


def _is_hex(text: str, most: int) -> bool:
    return 0 < len(text) <= most and _HEX_DIGITS.issuperset(text)


class _Building:
    """A tree while its file is read: what comes later wins."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._keys: dict[str, dict[str, tuple[str, RegistryValue]]] = {}
        self._removed_keys: dict[str, str] = {}
        self._removed_values: dict[str, dict[str, str]] = {}

    def key(self, key: str, *, removed: bool) -> None:
        folded = fold(key)
        if not removed:
            self._names.setdefault(folded, key)
            self._keys.setdefault(folded, {})
            return
        self._removed_keys.setdefault(folded, key)
        for gone in [one for one in self._names if is_below(one, folded)]:
            self._keys.pop(gone, None)
            self._removed_values.pop(gone, None)
            del self._names[gone]

    def set(self, key: str, name: str, value: RegistryValue | None) -> None:
        folded, folded_name = fold(key), fold(name)
        values = self._keys[folded]
        removed = self._removed_values.setdefault(folded, {})
        if value is None:
            values.pop(folded_name, None)
            removed[folded_name] = name
        else:
            removed.pop(folded_name, None)
            spelling = values[folded_name][0] if folded_name in values else name
            values[folded_name] = spelling, value

    def done(self) -> RegistryTree:
        keys = {self._names[key]: dict(values.values()) for key, values in self._keys.items()}
        removed = {self._names[key]: tuple(names.values()) for key, names in self._removed_values.items() if names}
        return RegistryTree(keys, tuple(self._removed_keys.values()), removed)


# --- writing ----------------------------------------------------------------------------------------------------------
def format_reg(tree: RegistryTree) -> bytes:
    """The file that says this tree, as the registry editor writes it: UTF-16 with BOM, CRLF, an empty line at the end.

    Raises OptionInvalid for a key whose name no such file can hold.
    """
    return BOM + _utf16(format_text(tree))


def format_text(tree: RegistryTree) -> str:
    """The same as text. Raises OptionInvalid."""
    lines = [HEADER, ""]
    for key in tree.removed_keys:
        lines += [f"[-{_writable(key)}]", ""]
    for key in {**tree.removed_values, **tree.keys}:
        lines.append(f"[{_writable(key)}]")
        lines += [f"{_name(name)}=-" for name in tree.removed_values.get(key, ())]
        lines += [_value_lines(name, value) for name, value in tree.keys.get(key, {}).items()]
        lines.append("")
    return "".join(line + "\r\n" for line in lines)


def _writable(key: str) -> str:
    if any(char in key for char in "\r\n\0"):
        raise OptionInvalid("No file can hold the name of this key", item=key)
    return key


def _name(name: str) -> str:
    return f'"{_escaped(name)}"' if name else "@"


def _value_lines(name: str, value: RegistryValue) -> str:
    begin = _name(name) + "="
    if value.type == REG_DWORD and len(value.data) == 4:
        return f"{begin}dword:{int.from_bytes(value.data, 'little'):08x}"
    if value.type == REG_SZ and _is_plain(value):
        return f'{begin}"{_escaped(value.text)}"'
    begin += "hex:" if value.type == REG_BINARY else f"hex({value.type:x}):"
    pairs = [f"{byte:02x}" for byte in value.data]
    first = max(1, (_WIDTH - len(begin)) // 3)
    rows = [",".join(pairs[:first])]
    rows += [",".join(pairs[at : at + _PER_ROW]) for at in range(first, len(pairs), _PER_ROW)]
    return begin + ",\\\r\n  ".join(rows)


_WIDTH = 77
_PER_ROW = 25


def _is_plain(value: RegistryValue) -> bool:
    """Whether a string says all of the value: one NUL, at the end, and no line break."""
    return value.data == _utf16(value.text + "\0") and not any(char in value.text for char in "\r\n")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _from_utf16(data: bytes) -> str:
    return data[: len(data) & ~1].decode("utf-16-le", "surrogatepass")


# --- comparing --------------------------------------------------------------------------------------------------------
def ordered(tree: RegistryTree) -> RegistryTree:
    """The same tree with keys and values in the order of their names."""
    keys = {
        key: dict(sorted(tree.keys[key].items(), key=lambda one: fold(one[0])))
        for key in sorted(tree.keys, key=lambda key: fold(key).split("\\"))
    }
    return RegistryTree(keys, tree.removed_keys, tree.removed_values)


def normalised(tree: RegistryTree) -> bytes:
    """A file that two exports have in common when they mean the same, whatever the order, the case of names, and where
    lines of bytes were broken."""
    folded = {fold(key): {fold(name): value for name, value in values.items()} for key, values in tree.keys.items()}
    return format_reg(ordered(RegistryTree(folded)))


class RegistryNormaliser:
    """Brings an export into its normal form before it is compared; what is no export passes as it is.

    :param volatile: takes out of the tree what changes by itself
    """

    def __init__(self, volatile: Callable[[RegistryTree], RegistryTree] = lambda tree: tree) -> None:
        self._volatile = volatile
        self._held = bytearray()
        self._passing = False

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes, return what is certain by now: nothing, before the end is known."""
        if self._passing:
            return data
        self._held += data
        if len(self._held) <= LARGEST:
            return b""
        self._passing = True
        return self._release()

    def finish(self) -> bytes:
        """The content is at its end: return its normal form."""
        held = self._release()
        if self._passing:
            return held
        try:
            tree = parse_reg(held)
            if tree.removed_keys or tree.removed_values:
                return held
            return normalised(self._volatile(tree))
        except (RecoveryError, UnicodeError):
            return held

    def _release(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held


def change_between(before: RegistryTree, after: RegistryTree) -> RegistryTree:
    """The smallest file that makes ``before`` mean the same as ``after`` when it is imported.

    A key that stays is not removed and made anew, so it keeps its permissions, and programs that have it open.
    """
    surplus = {fold(key): key for key in before.keys if key not in after}
    removed_keys = [key for folded, key in surplus.items() if surplus.keys().isdisjoint(_above(folded))]
    keys: dict[str, Values] = {}
    removed_values: dict[str, Sequence[str]] = {}
    for key, wanted in after.keys.items():
        # what goes takes with it what lies below
        stays = key in before and surplus.keys().isdisjoint(_above(fold(key)))
        there = before.values(key) if stays else {}
        have = {fold(name): value for name, value in there.items()}
        want = {fold(name) for name in wanted}
        gone = [name for name in there if fold(name) not in want]
        new = {name: value for name, value in wanted.items() if have.get(fold(name)) != value}
        if gone:
            removed_values[key] = tuple(gone)
        if new or not stays:
            keys[key] = new
    return RegistryTree(keys, tuple(removed_keys), removed_values)


def _above(key: str) -> Iterator[str]:
    """The keys that a key lies below."""
    while "\\" in key:
        key = key.rpartition("\\")[0]
        yield key


def applied(before: RegistryTree, change: RegistryTree) -> RegistryTree:
    """What an import of a file makes of a tree."""
    tree = _Building()
    for key, values in before.keys.items():
        tree.key(key, removed=False)
        for name, value in values.items():
            tree.set(key, name, value)
    for key in change.removed_keys:
        tree.key(key, removed=True)
    for key, names in change.removed_values.items():
        tree.key(key, removed=False)
        for name in names:
            tree.set(key, name, None)
    for key, values in change.keys.items():
        tree.key(key, removed=False)
        for name, value in values.items():
            tree.set(key, name, value)
    return RegistryTree(tree.done().keys)
