# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._compare.unix_accounts import administrator_changes

BEFORE = {
    b"/etc/passwd": b"root:x:0:0::/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n",
    b"/etc/group": b"root:x:0:\nsudo:x:27:anna\naudio:x:29:anna\n",
    b"/etc/sudoers": b"# comment\nroot ALL=(ALL) ALL\n",
    b"/root/.ssh/authorized_keys": b"ssh-ed25519 AAAA anna@desk\n",
}


def told(**files):
    after = {**BEFORE, **{name.encode(): content for name, content in files.items()}}
    return [str(change) for change in administrator_changes(BEFORE, after)]


def test_nothing_changed():
    assert told() == []
    assert told(**{"/etc/passwd": BEFORE[b"/etc/passwd"] + b"ben:x:1001:1001::/:/bin/sh\n"}) == []


def test_who_came():
    assert told(**{"/etc/passwd": BEFORE[b"/etc/passwd"] + b"toor:x:00:0::/:/bin/sh\nodd:x::0::/:/bin/sh\n"}) == [
        "administrator account toor added: is root"
    ]
    assert told(**{"/etc/group": b"root:x:0:\nsudo:x:27:anna,mallory\naudio:x:29:eve\n"}) == [
        "administrator member of sudo mallory added"
    ]
    assert told(**{"/etc/sudoers.d/x": b"mallory ALL=(ALL) NOPASSWD: ALL\n"}) == [
        "administrator /etc/sudoers.d/x: mallory ALL=(ALL) NOPASSWD: ALL added"
    ]


def test_a_key_of_root_that_was_exchanged_under_the_same_name():
    changes = told(**{"/root/.ssh/authorized_keys": b"ssh-ed25519 BBBB anna@desk\n"})
    assert len(changes) == 2 and all("anna@desk" in change for change in changes)


def test_a_first_key_of_root():
    before = {path: content for path, content in BEFORE.items() if b"ssh" not in path}
    assert len(administrator_changes(before, BEFORE)) == 1


def test_a_host_whose_users_were_not_gathered_says_nothing():
    assert administrator_changes({}, BEFORE) == administrator_changes(BEFORE, {}) == []


def test_names_that_would_draw_in_a_terminal():
    (change,) = told(**{"/etc/group": b"sudo:x:27:anna,\x1b[2Jx\n"})
    assert "\x1b" not in change
