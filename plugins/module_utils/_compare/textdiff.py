# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator sees of changed contents: a masked unified diff, of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from .._entries import path_to_text
from .json_document import legible
from .linediff import Block, blocks
from .mask import Masker, decoded, readable
from .mask_rules import Rules, is_binary, wholly_secret
from .registry_secrets import registry_text

CONTEXT = 3
MOST_LINES = 400
"""Lines that one content may take, unless told otherwise."""
LONGEST_LINE = 500
LARGEST_TEXT = 16 * 2**20
"""Bytes. A larger content is described, not compared line by line."""
REGISTRY_PATHS = (b"/@registry/", b"/@service/")
JSON_PATHS = (b"/@ejbca/",)


@dataclass(frozen=True)
class ContentChange:
    """One content before and after, None where there was none. ``sensitive``: it is never shown, not even masked."""

    path: bytes
    before: bytes | None
    after: bytes | None
    sensitive: bool = False


@dataclass(frozen=True)
class ContentDiff:
    """A text fit to be shown, and how many secrets were masked on both sides."""

    path: bytes
    text: str
    masked: int


def content_diff(
    change: ContentChange,
    masker: Masker,
    rules: Rules,
    *,
    before_label: str = "before",
    after_label: str = "after",
    most_lines: int = MOST_LINES,
) -> ContentDiff:
    """The masked difference of one content; an empty text when nothing differs."""
    name = readable(path_to_text(change.path))
    if not change.sensitive:
        change = _legible(change)
    if change.before == change.after:
        return ContentDiff(change.path, "", 0)
    header = [
        f"--- {'/dev/null' if change.before is None else name} ({before_label})",
        f"+++ {'/dev/null' if change.after is None else name} ({after_label})",
    ]
    present = [content for content in (change.before, change.after) if content is not None]
    if change.sensitive or wholly_secret(change.path):
        return ContentDiff(change.path, _lines([*header, *_facts(change, masker, "secret")]), 0)
    if any(is_binary(content) for content in present):
        return ContentDiff(change.path, _lines([*header, *_facts(change, masker, "binary")]), 0)
    if any(len(content) > LARGEST_TEXT for content in present):
        return ContentDiff(change.path, _lines([*header, *_facts(change, masker, "large text")]), 0)
    old, old_hits = masker.mask_text(decoded(change.before or b""), rules)
    new, new_hits = masker.mask_text(decoded(change.after or b""), rules)
    if old == new:
        return ContentDiff(change.path, _lines([*header, *_facts(change, masker, "text")]), old_hits + new_hits)
    shown = _bounded(_unified(_split(old), _split(new)), most_lines)
    return ContentDiff(change.path, _lines([*header, *shown]), old_hits + new_hits)


def _legible(change: ContentChange) -> ContentChange:
    """An export of the Windows registry, which is UTF-16 in an order of its own, or JSON in one long line, as a text
    that can be compared."""
    sides = (change.before, change.after)
    if any(len(side or b"") > 2 * LARGEST_TEXT for side in sides):
        return change
    if change.path.startswith(JSON_PATHS):
        before, after = (None if side is None else legible(side) for side in sides)
        return replace(change, before=before, after=after)
    if not change.path.startswith(REGISTRY_PATHS):
        return change
    before, after = (None if side is None else registry_text(side).encode("utf-8", "surrogatepass") for side in sides)
    return replace(change, before=before, after=after)


def ansible_diff(diffs: Iterable[ContentDiff], *, most_lines: int = 5 * MOST_LINES) -> list[dict[str, str]]:
    """The differences as a module returns them in ``diff``, all together of bounded size."""
    out, room, left = [], most_lines, 0
    for diff in diffs:
        if not diff.text:
            continue
        lines = diff.text.count("\n")
        if lines > room:
            left += 1
            continue
        room -= lines
        name = readable(path_to_text(diff.path))
        out.append({"before_header": name, "after_header": name, "prepared": diff.text})
    if left:
        out.append({"before_header": "", "after_header": "", "prepared": f"… {left} more contents differ\n"})
    return out


def _lines(lines: Iterable[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _facts(change: ContentChange, masker: Masker, kind: str) -> Iterator[str]:
    for mark, content in (("-", change.before), ("+", change.after)):
        if content is not None:
            yield f"{mark}{kind}, {len(content)} bytes, digest {masker.digest(content)}"


def _split(text: str) -> list[str]:
    """Lines without their ends; what the last line lacks is said in a line of its own, as diff does."""
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += "\n\\ No newline at end of file"
    else:
        lines.pop()
    return lines


def _unified(old: list[str], new: list[str]) -> Iterator[str]:
    for group in _grouped(blocks(old, new)):
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first.a1, last.a2)} +{_range(first.b1, last.b2)} @@"
        for block in group:
            if block.equal:
                yield from (_shown(" ", line) for line in old[block.a1 : block.a2])
            else:
                yield from (_shown("-", line) for line in old[block.a1 : block.a2])
                yield from (_shown("+", line) for line in new[block.b1 : block.b2])


def _grouped(all_blocks: list[Block]) -> Iterator[list[Block]]:
    """Changed stretches with the context around them; stretches whose contexts touch stay together."""
    group: list[Block] = []
    for at, block in enumerate(all_blocks):
        if not block.equal:
            group.append(block)
            continue
        length, is_last = block.a2 - block.a1, at == len(all_blocks) - 1
        if group and not is_last and length <= 2 * CONTEXT:
            group.append(block)
            continue
        if group:
            tail = min(CONTEXT, length)
            yield [*group, Block(True, block.a1, block.a1 + tail, block.b1, block.b1 + tail)]
        head = min(CONTEXT, length)
        group = [] if is_last else [Block(True, block.a2 - head, block.a2, block.b2 - head, block.b2)]
    if any(not block.equal for block in group):
        yield group


def _range(begin: int, end: int) -> str:
    length = end - begin
    return f"{begin + 1 if length else begin},{length}"


def _shown(mark: str, line: str) -> str:
    line, newline, note = line.partition("\n")
    text = readable(line)
    if len(text) > LONGEST_LINE:
        text = f"{text[:LONGEST_LINE]} … {len(text) - LONGEST_LINE} more characters"
    return f"{mark}{text}{newline}{note}"


def _bounded(lines: Iterator[str], most: int) -> Iterator[str]:
    more = 0
    for at, line in enumerate(lines):
        if at < most:
            yield line
        else:
            more += 1
    if more:
        yield f"… {more} more lines"
