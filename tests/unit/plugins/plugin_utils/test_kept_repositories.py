# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.filter import kept_repositories as filter_file
from ansible_collections.ucops.recovery.plugins.plugin_utils.kept_repositories import kept_repositories

A, B = "/srv/a", "/srv/b"


def host(name: str, repository: str = "", backup_host: str = "backup1", **settings: Any) -> dict[str, Any]:
    said = {f"recovery_{key}": value for key, value in settings.items()}
    return {"host": name, "backup_host": backup_host, "repository": repository, "settings": said}


def line(source: str, repository: str, instance: str = "") -> dict[str, str]:
    place = {"backup_host": "backup1", "repository": repository}
    return {"source": source, "product": "mssql" if instance else "linux", "instance": instance, **place}


def kept(*arguments: Any) -> dict[str, dict[str, Any]]:
    """By repository what is known of it, of the only backup host."""
    return {one["repository"]: one for one in kept_repositories(*arguments)["backup1"]}


def heads(known: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    return known["expected_heads"], known["unclear_heads"]


def test_every_repository_that_any_host_declares_is_kept() -> None:
    hosts = [host("pbx1", A), host("pbx2", B), host("pbx3", A), host("pbx4", A, "backup2"), host("backup1"), host("x")]
    found = kept_repositories(hosts, [], {})
    assert {name: [one["repository"] for one in those] for name, those in found.items()} == {
        "backup1": [A, B],
        "backup2": [A],
    }
    assert kept_repositories([host("pbx1", ""), host("pbx2", A, "")], [], {}) == {}


def test_whose_variables_count() -> None:
    hosts = [
        host("pbx1", A, retention={"last": 1}, verify_level=0),
        host("pbx2", B, retention={"last": 2}),
        host("backup1", A, "backup1", retention={"last": 3}, prune_key_file="/key"),
    ]
    found = kept(hosts, [], {})
    assert found[A]["settings"] == {
        "recovery_retention": {"last": 3},
        "recovery_verify_level": 0,
        "recovery_prune_key_file": "/key",
    }
    assert found[B]["settings"] == {"recovery_retention": {"last": 2}, "recovery_prune_key_file": "/key"}
    assert found[A]["conflicts"] == found[B]["conflicts"] == []


def test_hosts_of_one_repository_must_not_differ() -> None:
    hosts = [host("pbx1", A, retention={"last": 1}), host("pbx2", A, retention={"last": 2}), host("backup1")]
    assert kept(hosts, [], {})[A]["conflicts"] == ["recovery_retention"]
    hosts[-1] = host("backup1", B, retention={"last": 1})
    assert kept(hosts, [], {})[A]["conflicts"] == ["recovery_retention"]
    hosts[-1] = host("backup1", A, retention={"last": 1})
    assert kept(hosts, [], {})[A]["conflicts"] == []
    # heads go to a file for each group
    assert kept([host("p", A, heads_file="1"), host("q", A, heads_file="2")], [], {})[A]["conflicts"] == []


def test_of_a_file_that_repositories_share_each_has_its_own_lines() -> None:
    hosts = [host("pbx1", A, heads_file="shared"), host("sql", B, heads_file="shared")]
    lines = [line("pbx1", A), line("sql", B, "CHAT")]
    found = kept(hosts, lines, {"shared": {"pbx1/linux": "1", "sql/mssql@CHAT": "2", "gone/linux": "3"}})
    assert heads(found[A]) == ({"pbx1/linux": "1"}, {"gone/linux": "3"})
    assert heads(found[B]) == ({"sql/mssql@CHAT": "2"}, {"gone/linux": "3"})


def test_a_line_that_nobody_declares_any_more_belongs_to_the_only_repository_of_its_file() -> None:
    hosts = [host("pbx1", A, heads_file="a"), host("pbx2", A, heads_file="a2"), host("pbx3", B, heads_file="b")]
    lines = [line("pbx1", A), line("pbx2", A), line("pbx3", B)]
    known = {
        # pbx3 moved from there to the other repository
        "a": {"pbx1/linux": "1", "gone/linux": "2", "pbx3/linux": "3"},
        "a2": {"pbx2/linux": "4", "pbx1/linux": "1"},
        "b": {"pbx3/linux": "5"},
    }
    found = kept(hosts, lines, known)
    assert heads(found[A]) == ({"pbx1/linux": "1", "gone/linux": "2", "pbx2/linux": "4"}, {"pbx3/linux": "3"})
    assert heads(found[B]) == ({"pbx3/linux": "5"}, {})


def test_what_is_no_list_of_hosts_is_told() -> None:
    with pytest.raises(AnsibleFilterError, match="no list of hosts"):
        filter_file.kept_repositories([{}], [], {})
    assert filter_file.FilterModule().filters()["kept_repositories"]([host("pbx1", A)], [], {})["backup1"]
