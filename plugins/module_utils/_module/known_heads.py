# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(known_heads): a small file outside of the repository that many runs write to.

Who wants to write locks the file, reads what is in it by then, and puts a new one in its place. A reader sees one or
the other. Who waited for the lock may find that his file is no more the one of that name, and begins again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid
from .argspec import ArgumentSpec

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SPEC = ArgumentSpec({"path": {"type": "path", "required": True}, "heads": {"type": "dict", "required": True}})


def keep_heads(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises OptionInvalid when option or file has no heads, and OSError."""
    # what a link leads to is replaced, and not the link
    path = os.path.realpath(module.params["path"])
    heads = _heads(module.params["heads"], "The option heads")
    if module.check_mode:
        return _result(module, path, _read(path), heads)
    with _locked(path) as handle:
        text = _read(path)
        result = _result(module, path, text, heads)
        if result["changed"]:
            _replace(path, os.fstat(handle), _text(result["heads"]))
    return result


def _result(module: AnsibleModule, path: str, text: str, heads: Mapping[str, str]) -> dict[str, Any]:
    known = _parse(text, path)
    merged = {**known, **heads}
    result: dict[str, Any] = {"changed": merged != known or not text, "heads": merged}
    if module._diff:
        result["diff"] = {"before": text, "after": _text(merged), "before_header": path, "after_header": path}
    return result


def _parse(text: str, path: str) -> dict[str, str]:
    """The heads that a file has; one that was just made has none."""
    try:
        return _heads(json.loads(text or "{}"), f"What is in {path}")
    except ValueError:
        raise OptionInvalid(
            f"What is in {path} is not JSON", hint="Nothing was written. Look at it, or take it from your own backup."
        ) from None


def _heads(value: object, what: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for one in value.items() for text in one):
        raise OptionInvalid(
            f"{what} is not a dictionary of heads", hint='It looks like {"pbx-berlin/kamailio": "<head>"}.'
        )
    return dict(value)


def _text(heads: Mapping[str, str]) -> str:
    return json.dumps(heads, indent=4, sort_keys=True) + "\n"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


@contextmanager
def _locked(path: str) -> Iterator[int]:
    """An open file, the one of this name, which nobody else who does the same replaces. Made when there is none."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_there(handle, path):
                yield handle
                return
        finally:
            os.close(handle)


def _is_there(handle: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _replace(path: str, status: os.stat_result, text: str) -> None:
    """Put a text in the place of a file, at once and durably. Only who has the lock may, so one name is enough."""
    folder, name = os.path.split(path)
    new = os.path.join(folder, f".{name}.new")
    with suppress(FileNotFoundError):
        # of a run that was killed
        os.unlink(new)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as stream:
        with suppress(PermissionError):
            os.fchown(stream.fileno(), status.st_uid, status.st_gid)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(new, path)
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
