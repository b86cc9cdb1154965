# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a command is started on a host: as whom, in which environment, and how one sees that it really runs.

The started shell writes a random mark to both outputs right before it becomes the command (or runs its script, when the
command is a shell again). What comes before the mark is noise of login scripts, sudo's lecture or sudo's refusal; what
comes after belongs to the command. Nothing of the command's own input is sent before the mark was seen, so sudo can
never swallow a byte of it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from .._errors import OptionInvalid, PrivilegeFailed, RecoveryError
from .base import Argument, Become, CommandsRefused

_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?\Z")

_COMMAND = (
    "cd /; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL; "
    "echo {mark} >&2; echo {mark}\n"  # a line of its own, as a shell reads a line before it does anything of it
)
_STAY = (
    "\n) </dev/null\n"
    "c=$?; echo '{mark}-end' $c; echo '{mark}-end' >&2; set --\n"
    'while :; do IFS= read -r w || exit 0; case $w in =*) set -- "$@" "${{w#=}}" ;; *) break ;; esac; done\n'
    "echo {mark}-next >&2; echo {mark}-next\n"
)
_AS_OTHER_USER = (
    "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL; c=$1; shift; "
    'if [ "$(id -un)" = {user} ]; then exec /bin/sh -c "$c" sh "$@"; '
    'elif [ "$(id -u)" = 0 ]; then exec runuser -u {user} -- /bin/sh -c "$c" sh "$@"; '
    'else exec sudo -S -H -p {prompt} -u {user} -- /bin/sh -c "$c" sh "$@"; fi'
)


@dataclass(frozen=True)
class Launch:
    """A command together with what its start is recognised by; an empty ``mark``: it has begun at once.

    ``expected``: the script for whose words the shell waits when the command has ended.
    """

    argv: tuple[Argument, ...]
    mark: bytes
    prompt: bytes | None
    user: str | None
    become: Become = False
    expected: str | None = None

    @property
    def end_mark(self) -> bytes:
        """What both outputs of a command end with that another one is expected after; its exit status stands behind."""
        return self.mark.rstrip(b"\n") + b"-end"

    @property
    def next_mark(self) -> bytes:
        """What both outputs of the expected command begin with."""
        return self.mark.rstrip(b"\n") + b"-next\n"


BEGUN = Launch((), b"", None, None)
"""Of a command that has begun."""


def launch(argv: Sequence[Argument], become: Become, expected: str | None = None) -> Launch:
    """The words that start ``argv`` as the asked user. Raises OptionInvalid for a name that is none.

    :param expected: a script that the shell waits to be given the words of, when ``argv`` has ended
    """
    if not argv:
        raise OptionInvalid("A command without a word")
    nonce = secrets.token_hex(8)
    mark = f"ucops-{nonce}-start"
    script, words = 'exec "$@"', tuple(argv)
    if words[:2] == ("sh", "-c") and len(words) > 3 and isinstance(words[2], str):
        script, words = words[2], words[4:]  # the shell that is there runs it itself: one program less to start
    if expected is not None:
        script = "(\n" + script + _STAY.format(mark=mark) + expected
    command = _COMMAND.format(mark=mark) + script
    line = mark.encode() + b"\n"
    if become is False:
        return Launch(("/bin/sh", "-c", command, "sh", *words), line, None, None, become, expected)
    user = "root" if become is True else become
    if not _USER.match(user):
        raise OptionInvalid(f"{user!r} is no name of a user")
    prompt = f"ucops-{nonce}-password:"
    changing = _AS_OTHER_USER.format(user=user, prompt=prompt)
    argv = ("/bin/sh", "-c", changing, "sh", command, *words)
    return Launch(argv, line, prompt.encode(), user, become, expected)


def refusal(started: Launch, noise: bytes, rc: int, asked: int, have_password: bool, host: str) -> RecoveryError:
    """Why the command never began, told from what stood before the mark.

    :param noise: both outputs up to the end
    :param asked: how often sudo asked for the password
    """
    text = noise.decode("utf-8", "replace")
    if started.prompt is not None:
        text = text.replace(started.prompt.decode(), "")
        return _sudo_refusal(text, rc, asked, have_password, started.user or "root", host)
    said = _last_line(text)
    return CommandsRefused(
        "The login works, but the account runs no commands" + (f" (the host says: {said})" if said else ""),
        host=host,
        hint="Give the account a POSIX shell, or use one that has it.",
    )


def _sudo_refusal(text: str, rc: int, asked: int, have_password: bool, user: str, host: str) -> PrivilegeFailed:
    low = text.lower()
    hint: str | None = "Check become_password."
    if asked and not have_password:
        message = "sudo asks for a password, and none is given"
        hint = "Set become_password, or allow the login account NOPASSWD in sudoers."
    elif asked > 1:
        message = "sudo refused the password"
    elif "not in the sudoers" in low or "not allowed to" in low or "may not run sudo" in low:
        message = f"The login account may not become {user} by sudo"
        hint = "Allow it in sudoers to run /bin/sh, or use another account."
    elif "must have a tty" in low or "a terminal is required" in low or "askpass" in low:
        message = "sudo refuses to work without a terminal"
        hint = "Set 'Defaults:<account> !requiretty' in sudoers."
    elif "incorrect password" in low or "a password is required" in low or "authentication fail" in low:
        message = "sudo refused the password"
    elif "unknown user" in low or f"user {user} does not exist" in low:
        message = f"There is no user {user}"
        hint = None
    elif rc == 127 or "sudo: not found" in low or "sudo: command not found" in low:
        message = "sudo is not installed"
        hint = "Install it, or log in as the user that is needed."
    else:
        said = _last_line(text)
        message = f"Becoming {user} failed" + (f" (the host says: {said})" if said else f" (exit status {rc})")
        hint = "Try it by hand with the login account: sudo -S true."
    return PrivilegeFailed(message, host=host, hint=hint)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    last = next((line for line in reversed(lines) if line), "")
    return "".join(char if char.isprintable() else "?" for char in last)[:200]
