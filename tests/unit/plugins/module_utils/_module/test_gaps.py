# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._module.gaps import Gaps


def gaps(*problems: str, **contract: Any) -> Gaps:
    told = [{"item": "voip", "path": path, "message": "Input/output error"} for path in problems]
    return Gaps.of({"problems": told, **contract})


@pytest.mark.parametrize(
    ("path", "may_have"),
    [
        (b"/etc/voip/sub", True),
        (b"/etc/voip/sub/deep/file", True),
        (b"/etc/voip", True),
        (b"/", True),
        (b"/etc/voip/sub2", False),
        (b"/etc/voip/other", False),
    ],
)
def test_what_lies_at_or_below_or_leads_to_what_could_not_be_read_may_have_been_there(
    path: bytes, may_have: bool
) -> None:
    assert gaps("/etc/voip/sub").may_have_held("voip", path) is may_have
    assert not gaps("/etc/voip/sub").may_have_held("records", path)


@pytest.mark.parametrize("unknown", [gaps(""), gaps("voip"), gaps("/%zz"), gaps(not_read=["voip"])])
def test_where_nobody_knows_what_is_lacking_all_may_have_been_there(unknown: Gaps) -> None:
    assert unknown.are_in("voip") and unknown.may_have_held("voip", b"/etc/voip/any")
    assert unknown.explain({"item": "voip", "path": ""}) and not unknown.explain({"item": "records", "path": ""})
    assert unknown.in_words("voip") == "does not say all that there was, so nothing is removed"


def test_only_a_problem_within_the_same_gap_is_explained() -> None:
    known = gaps("/etc/voip/sub")
    assert known.explain({"item": "voip", "path": "/etc/voip/sub/file"})
    for item, path in (("voip", "/etc/voip"), ("voip", ""), ("records", "/etc/voip/sub")):
        assert not known.explain({"item": item, "path": path})


def test_bytes_of_a_path_are_read_from_its_text_and_many_paths_are_counted() -> None:
    assert gaps("/etc/a%FF").may_have_held("voip", b"/etc/a\xff")
    assert gaps(*(f"/{number}" for number in range(7))).in_words("voip") == (
        "could not read /0, /1, /2, /3, /4 and 2 more; what the host has there is not removed"
    )


def test_a_whole_generation_and_one_without_a_contract_have_no_gaps() -> None:
    for whole in (gaps(not_read=[]), Gaps.of({})):
        assert not whole.are_in("voip") and not whole.may_have_held("voip", b"/etc")
