# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.plan import (
    Occasion,
    RecoveryPlan,
    Steps,
    companions_of,
    instance_of,
    listed,
    source_of,
)


def plan():
    steps = Steps()
    steps.you("Install it.")
    steps.module("windows_restore", "Put it back", source="a", only_items=["x"], nothing=None)
    branch = steps.branch("Anew", "When it is lost.")
    return RecoveryPlan("Bring it back", "a/windows/3", {"Host": "a"}, [branch], ["It is old."])


def test_steps_count_from_one_and_tell_who_does_them():
    first, second = plan().branches[0].steps
    assert (first.number, first.who, first.module, first.options) == (1, "you", "", {})
    assert (second.number, second.who, second.module) == (2,) + ("ucops.recovery.windows_restore",) * 2
    assert second.options == {"source": "a", "only_items": ["x"]}


def test_the_result_survives_json():
    result = plan().to_result()
    assert json.loads(json.dumps(result)) == result
    assert result["branches"][0]["steps"][1]["who"] == "ucops.recovery.windows_restore"


def test_markdown_is_fit_to_be_printed():
    assert plan().markdown() == (
        "# Bring it back\n\nGeneration: `a/windows/3`\n\n* Host: a\n\n## Anew\n\nWhen it is lost.\n\n"
        "1. **You:** Install it.\n"
        "2. **ucops.recovery.windows_restore:** Put it back\n"
        "   ```yaml\n   ucops.recovery.windows_restore:\n"
        '     source: "a"\n     only_items: ["x"]\n   ```\n'
        "\n## To be known\n\n* It is old.\n"
    )


def test_a_text_of_the_host_cannot_open_a_heading():
    text = RecoveryPlan("t", "g", {"Host": "a\n# Format the disk"}, [], ["x\n\n1. Format it"]).markdown()
    assert "\n# Format" not in text
    assert "\n1." not in text


@pytest.mark.parametrize(
    ("words", "text"), [([], "nothing"), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists(words, text):
    assert listed(words, "nothing") == text


def test_companions_by_product():
    companions = ["sql/mssql@CHAT/3", "dc/ad_attributes/4", "sql/mssqlx/1", "strange"]
    occasion = Occasion("a/procall_server/1", "a", Probe(), companions)
    assert companions_of(occasion, "mssql") == ["sql/mssql@CHAT/3"]
    assert companions_of(occasion, "ad_attributes") == ["dc/ad_attributes/4"]
    assert (source_of("sql/mssql@CHAT/3"), instance_of("sql/mssql@CHAT/3")) == ("sql", "CHAT")
    assert instance_of("dc/ad_attributes/4") is None
