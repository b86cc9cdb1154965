# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import socket

import pytest
from support import specifications
from support.modules import run_module

from ansible_collections.ucops.recovery.plugins.module_utils._module.all_parts import PARTS
from ansible_collections.ucops.recovery.plugins.module_utils._module.backup_specs import spec_of_backup
from ansible_collections.ucops.recovery.plugins.module_utils._module.product_parts import ProductParts
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

PASSWORD = "planted-password"
APP = {"system_config": False}


@pytest.fixture
def options(repository):
    return {"repository": str(repository.path), "writer_key_file": str(repository.writer_key_file), "source": "pbx"}


def look(product, **options):
    result = run_module("preflight_info", {"product": product, "options": options})
    assert not result.get("failed"), result
    assert result["changed"] is False and "\n" not in result["problem"]
    return result


@pytest.fixture
def here(monkeypatch, tmp_path):
    """A host that is a folder of this machine, and proves nothing."""
    monkeypatch.setattr(ProductParts, "shown", lambda self, params: [])
    monkeypatch.setattr(ProductParts, "transport", lambda self, params: LocalTransport("pbx"))
    root = tmp_path / "host"
    (root / "etc/app").mkdir(parents=True)
    (root / "etc/os-release").write_text('ID=debian\nPRETTY_NAME="Debian 12"\n')
    (root / "etc/app/a.conf").write_text("port = 5060\n")
    os.symlink("a.conf", root / "etc/app/link")
    return root


@pytest.mark.parametrize("product", sorted(PARTS))
def test_options_are_judged_as_the_backup_judges_them(product):
    assert spec_of_backup(product).options == specifications.arguments(f"{product}_backup")["argument_spec"]


def test_a_host_that_is_ready(options, here, repository):
    before = sorted(repository.backend.list())
    state = sorted((str(path), path.lstat().st_mtime_ns) for path in here.rglob("*"))
    result = look(
        "linux", **options, root=str(here), paths=[{"path": ["/etc/app"]}], commands=[{"argv": ["echo", "x"]}], **APP
    )
    assert (result["ready"], result["problem"], result["release"]) == (True, "", "Debian 12")
    assert (result["entries"], result["bytes"], result["missing"], result["not_measured"]) == (4, 14, [], [])
    assert [check["name"] for check in result["checks"] if check["ok"]] == [
        *("repository", "identity", "login", "product", "independence", "contents", "options")
    ]
    assert sorted(repository.backend.list()) == before
    assert sorted((str(path), path.lstat().st_mtime_ns) for path in here.rglob("*")) == state


def test_what_the_contract_would_miss(options, here):
    result = look("linux", **options, root=str(here), paths=[{"path": ["/etc/app"]}, {"path": ["/etc/gone"]}], **APP)
    assert (result["ready"], result["missing"], result["bytes"]) == (False, ["etc-gone"], 12)
    assert result["problem"].startswith("contents: etc-gone: demanded, but not found. The generation would be partial.")


def test_a_repository_that_is_not_there_keeps_nobody_from_looking(options, here, tmp_path):
    result = look(
        "linux",
        **{**options, "repository": str(tmp_path / "none")},
        root=str(here),
        paths=[{"path": ["/etc/app"]}],
        **APP,
    )
    assert result["problem"].startswith("repository: ") and "There is no repository" in result["problem"]
    assert result["release"] == "Debian 12" and result["bytes"] == 12


def test_a_repository_below_its_reserve(options, here):
    result = look("linux", **options, root=str(here), paths=[{"path": ["/etc/app"]}], reserve=2**62, **APP)
    assert "are to stay free" in result["problem"] and result["bytes"] == 12


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"banana": 1}, "options: Unsupported parameters: banana"),
        ({"port": "many"}, "options: argument 'port' is of type"),
        ({"phase": "pre_change"}, "options: phase is pre_change but all of the following are missing: change_id"),
    ],
)
def test_options_that_the_backup_would_refuse(options, wrong, said):
    result = look("linux", **options, password=PASSWORD, **wrong)
    assert result["problem"].startswith(said), result["problem"]
    assert result["checks"][-1]["name"] == "options" and PASSWORD not in json.dumps(result)


def test_paths_that_the_product_refuses(options, here):
    result = look("linux", **options, paths=[{"path": ["etc/relative"]}], **APP)
    assert result["problem"].startswith("options: ") and "must be an absolute path" in result["problem"]


def test_nobody_listens(options, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (tmp_path / "known").write_text("")
    known = {"known_hosts_file": str(tmp_path / "known")}
    result = look("linux", **options, host="127.0.0.1", port=port, password=PASSWORD, **known)
    assert result["problem"].startswith(f"identity: Port {port} cannot be reached: Connection refused")
    assert [check["name"] for check in result["checks"]] == ["repository", "identity"]
    # only what is secret is masked
    assert (result["host"], result["source"]) == ("127.0.0.1", "pbx") and PASSWORD not in json.dumps(result)


def test_secrets_are_masked_wherever_they_stand(options):
    jump = {"host": "jump", "password": "planted-inside"}
    result = look("linux", **options, password=PASSWORD, jump_host=jump, known_hosts_file=f"/{PASSWORD}")
    assert PASSWORD not in json.dumps(result) and "planted-inside" not in json.dumps(result)


def test_what_opens_the_repository_never_belongs_here(options):
    result = run_module(
        "preflight_info", {"product": "linux", "options": {**options, "domain_master_secret": "planted-secret"}}
    )
    assert result["failed"] is True and "never belongs" in result["msg"] and "planted-secret" not in json.dumps(result)


def test_what_is_pushed_needs_its_landing_zone(options, tmp_path):
    landing = tmp_path / "landing"
    result = look("pushed", **options, landing=str(landing))
    assert result["problem"].startswith("landing zone: ") and "cannot be looked at" in result["problem"]
    for name in ("incoming", "taken"):
        (landing / "pbx" / name).mkdir(parents=True, mode=0o700)
    (landing / "pbx/incoming/backup.zip").write_bytes(b"x")
    result = look("pushed", **options, landing=str(landing))
    assert result["ready"] is True and result["checks"][-1]["detail"].startswith("1 names in ")


@pytest.mark.parametrize(("mode", "ready"), [(0o600, True), (None, False)])
def test_a_file_that_a_person_downloaded(options, tmp_path, mode, ready):
    if mode is not None:
        (tmp_path / "backup").write_bytes(b"x")
    assert look("pushed", **options, path=str(tmp_path / "backup"))["ready"] is ready
