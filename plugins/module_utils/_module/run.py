# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place where an error becomes a failed task."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .._errors import RecoveryError

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def failure(error: Exception) -> dict[str, Any]:
    """The arguments of ``fail_json`` for an error: C(msg), C(error) with its kind, small C(details).

    ``details["result"]`` of a RecoveryError is a partial result: its keys become keys of the task's result.
    The text of an error that is nobody's message to the user is left out: it may quote options or gathered content.
    """
    if isinstance(error, RecoveryError):
        details = dict(error.details)
        partial = details.pop("result", None) or {}
        facts: dict[str, Any] = {"msg": str(error), "error": type(error).__name__}
        if details:
            facts["details"] = details
        return {**partial, **facts}
    if isinstance(error, OSError) and error.strerror:
        place = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
        text = f"{place}: {error.strerror}." if place else f"{error.strerror}."
        return {"msg": text, "error": "OSError", "details": {"errno": error.errno}}
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return {
        "msg": f"Unexpected {type(error).__name__}{where}. This is a mistake in the collection: please report it.",
        "error": "Unexpected",
        "exception": "".join(traceback.format_list(frames)),
    }


def run(module: AnsibleModule, body: Callable[[], Mapping[str, Any]]) -> None:
    """End the module with what ``body`` returns, or with the error that it raises. Never returns.

    Sentences under C(warnings) are given to Ansible's own.
    """
    try:
        result, end = {"changed": False, **body()}, module.exit_json
    except Exception as error:
        result, end = failure(error), module.fail_json
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    end(**result)
