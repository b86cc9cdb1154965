# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ConnectionFailed, RestoreFailed
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import failure, run


class Ended(Exception):
    pass


class FakeModule:
    def __init__(self):
        self.failed = None
        self.result = None
        self.warnings = []

    def warn(self, warning):
        self.warnings.append(warning)

    def fail_json(self, **facts):
        self.failed = facts
        raise Ended

    def exit_json(self, **facts):
        self.result = facts
        raise Ended


def end(body):
    module = FakeModule()
    with pytest.raises(Ended):
        run(module, body)
    return module


def raising(error):
    def body():
        raise error

    return end(body).failed


def test_a_result_ends_the_module():
    module = end(lambda: {"changed": True, "head": "x"})
    assert module.failed is None and module.result == {"changed": True, "head": "x"}


def test_what_says_nothing_of_changes_changed_nothing():
    assert end(dict).result == {"changed": False}


def test_warnings_are_given_to_ansible_however_it_ends():
    ended = end(lambda: {"warnings": ["one", "two"]})
    assert ended.warnings == ["one", "two"] and ended.result == {"changed": False}

    def partial():
        raise RestoreFailed("It is not whole", result={"changed": True, "warnings": ["three"]})

    failed = end(partial)
    assert failed.warnings == ["three"] and "warnings" not in failed.failed and failed.failed["changed"] is True


def test_an_error_becomes_message_kind_and_details():
    error = ConnectionFailed("The host did not answer", host="pbx", hint="Is it up?", port=22)
    assert raising(error) == {
        "msg": "pbx: The host did not answer. Is it up?",
        "error": "ConnectionFailed",
        "details": {"port": 22},
    }


def test_a_partial_result_is_attached_and_cannot_hide_the_error():
    error = RestoreFailed("It broke", result={"changed": True, "generation": {"id": "a/b/1"}, "msg": "fine"}, step=3)
    assert raising(error) == {
        "changed": True,
        "generation": {"id": "a/b/1"},
        "msg": "It broke.",
        "error": "RestoreFailed",
        "details": {"step": 3},
    }


def test_an_error_of_the_system_names_the_file(tmp_path):
    with pytest.raises(OSError) as caught:
        (tmp_path / "nothing").read_bytes()
    assert failure(caught.value) == {
        "msg": f"{tmp_path}/nothing: No such file or directory.",
        "error": "OSError",
        "details": {"errno": 2},
    }


def test_an_error_of_the_system_without_a_file():
    assert failure(OSError(28, "No space left on device"))["msg"] == "No space left on device."


def test_a_mistake_is_called_one_and_tells_nothing_of_what_it_met():
    failed = raising(ValueError("could not parse 'hunter2-the-password'"))
    assert failed["error"] == "Unexpected"
    assert failed["msg"].startswith("Unexpected ValueError at test_run.py:")
    assert "body" in failed["exception"] and "hunter2" not in str(failed)


def test_an_error_of_the_system_without_a_text_is_a_mistake():
    assert failure(OSError("hunter2"))["error"] == "Unexpected"
    assert "hunter2" not in str(failure(OSError("hunter2")))
