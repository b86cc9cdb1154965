# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._repository.digests import Digester

from .conftest import entry

KEY = bytes(range(32))


class NoUptime:
    """Leaves out lines that begin with uptime; keeps what is not a whole line for later."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        *lines, self.rest = (self.rest + data).split(b"\n")
        return b"".join(line + b"\n" for line in lines if not line.startswith(b"uptime"))

    def finish(self) -> bytes:
        return b"" if self.rest.startswith(b"uptime") else self.rest


def digest(*entries: tuple[Entry, bytes], key: bytes = KEY, normalise: bool = False) -> str:
    digester = Digester(key)
    for one, content in entries:
        digester.add(one, [content[:3], content[3:]], NoUptime() if normalise else None)
    return str(digester.item_digests()["config"]["digest"])


A, B = entry("/a"), entry("/b")


def test_an_item_is_described_as_a_record_needs_it() -> None:
    digester = Digester(KEY)
    stored = digester.add(A, [b"one", b"two"])
    digester.add(entry("/link", kind="symlink", link_target=b"/a", item="links"), ())
    assert (stored.entry.size, stored.pieces) == (6, ())
    assert stored.sha256 is not None and stored.sha256 == stored.normalised_sha256
    items = digester.item_digests()
    assert {name: (item["bytes"], item["entries"], item["data_class"]) for name, item in items.items()} == {
        "config": (6, 1, "voip_config"),
        "links": (0, 1, "voip_config"),
    }
    assert digester.bytes_read == 6


@pytest.mark.parametrize(
    "changed",
    [
        (replace(A, mode=0o600), b"x"),
        (replace(A, owner="root"), b"x"),
        (replace(A, acl_access="user::rw-"), b"x"),
        (replace(A, xattrs={"user.a": b"1"}), b"x"),
        (replace(A, kind="output"), b"x"),
        (A, b"y"),
        (A, b""),
        (B, b"x"),
        (replace(A, extra={"rc": 1}), b"x"),
    ],
)
def test_what_matters_changes_the_digest(changed: tuple[Entry, bytes]) -> None:
    assert digest(changed) != digest((A, b"x"))


def test_times_order_and_announced_size_do_not_change_the_digest() -> None:
    plain = digest((A, b"x"), (B, b"y"))
    assert digest((B, b"y"), (A, b"x")) == plain
    assert digest((replace(A, mtime_ns=1), b"x"), (replace(B, size=77), b"y")) == plain
    assert digest((A, b"y"), (B, b"x")) != plain


def test_volatile_lines_do_not_change_the_digest_but_the_hash() -> None:
    one, other = b"a\nuptime 1\nb", b"a\nuptime 100\nb"
    assert digest((A, one), normalise=True) == digest((A, other), normalise=True)
    assert digest((A, one)) != digest((A, other))
    assert digest((A, one), normalise=True) != digest((A, b"a\nuptime 1\nc"), normalise=True)
    digester = Digester(KEY)
    first, second = (digester.add(A, [content], NoUptime()) for content in (one, other))
    assert first.normalised_sha256 == second.normalised_sha256 and first.sha256 != second.sha256


def test_digests_are_keyed() -> None:
    assert digest((A, b"x"), key=bytes(32)) != digest((A, b"x"))


def test_a_path_that_comes_again_replaces_the_first() -> None:
    digester = Digester(KEY)
    for content in (b"old content", b"new"):
        digester.add(A, [content])
    assert digester.item_digests()["config"] == {
        "digest": digest((A, b"new")),
        "bytes": 3,
        "entries": 1,
        "data_class": "voip_config",
    }


def test_what_passes_by_can_be_kept() -> None:
    kept: list[bytes] = []
    Digester(KEY).add(A, [b"one", b"two"], None, kept.append)
    assert b"".join(kept) == b"onetwo"


def test_an_item_has_one_data_class() -> None:
    digester = Digester(KEY)
    digester.add(A, [b"x"])
    with pytest.raises(OptionInvalid, match="mixes voip_config and logs"):
        digester.add(replace(B, data_class="logs"), [b"x"])
    with pytest.raises(OptionInvalid, match="unknown data class"):
        digester.add(replace(B, item="other", data_class="secret"), [b"x"])
