# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a job as AWX does, with the same ansible-runner: transmit, worker, process.

Written after C(awx/main/tasks/jobs.py): a private data folder that goes with the job, the inventory as a script, extra
variables of which only those of the job template may be templates, what credentials inject in files of their own, and
the environment of a container whose HOME is new. There is no AWX and no container here.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ansible_runner
import yaml

from .awx_data import PROJECT, Injected, setup

BIN = pathlib.Path(sys.executable).parent


@dataclass(frozen=True)
class JobResult:
    """What AWX has of a job afterwards: status, exit code, events, artifacts of set_stats. Files lie in ``folder``."""

    number: int
    status: str
    code: int
    events: Sequence[Mapping[str, Any]]
    artifacts: Mapping[str, Any]
    folder: pathlib.Path

    @property
    def output(self) -> str:
        """What a person would read."""
        return "\n".join(event["stdout"] for event in self.events if event.get("stdout"))


class _Unsafe(yaml.SafeDumper):
    """Marks every text as no template."""

    def represent_data(self, data: Any) -> Any:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


def _dump(variables: Mapping[str, Any], templates: Mapping[str, Any]) -> str:
    return "".join(
        yaml.dump({name: value}, Dumper=yaml.SafeDumper if templates.get(name) == value else _Unsafe)
        for name, value in variables.items()
    )


class Awx:
    """Stands where AWX would: it knows job templates and the inventory, and keeps the results of jobs.

    :param collections: folders for C(ANSIBLE_COLLECTIONS_PATH), as the execution environment has them
    """

    def __init__(self, folder: pathlib.Path, inventory: Mapping[str, Any], collections: pathlib.Path) -> None:
        self.folder = folder
        self.inventory = inventory
        self._collections = collections
        self._jobs = 0
        self._templates = {one["name"]: one for one in setup()["awx_job_templates"]}

    def launch(
        self,
        template: str,
        answers: Mapping[str, Any] | None = None,
        credentials: Sequence[Injected] = (),
        *,
        artifacts: Mapping[str, Any] | None = None,
        limit: str = "",
        check: bool = False,
    ) -> JobResult:
        """Run a job template to its end.

        :param artifacts: of earlier nodes of a workflow, which AWX gives to later ones as extra variables
        """
        self._jobs += 1
        number = self._jobs
        place = self.folder / f"job{number}"
        sent, runner, kept = place / "sent", place / "runner", place / "kept"
        for path in (sent / "inventory", sent / "env", sent / "cp", runner, kept):
            path.mkdir(parents=True, mode=0o700)
        shutil.copytree(PROJECT / "playbooks", sent / "project" / "playbooks")
        script = f"#! /usr/bin/env python3\nprint({json.dumps(self.inventory)!r})\n"
        self._write(sent / "inventory" / "hosts", script, 0o700)
        self._write(sent / "env" / "settings", json.dumps({"job_timeout": 0, "suppress_ansible_output": True}))
        fixed = self._templates[template]["extra_vars"]
        variables = {**fixed, **(artifacts or {}), **self._survey(template, answers or {}), **self._meta(number)}
        self._write(sent / "env" / "extravars", _dump(variables, fixed))
        arguments = ["-u", "root", *(["--check"] if check else []), *(["-l", limit] if limit else [])]
        environment = self._environment(number, sent)
        for count, credential in enumerate(credentials):
            environment.update(credential.env)
            if credential.extra_vars:
                self._write(sent / "env" / f"tmp{count}", _dump(credential.extra_vars, {}), 0o440)
                arguments += ["-e", f"@{runner}/env/tmp{count}"]
        self._write(sent / "env" / "cmdline", ansible_runner.utils.args2cmdline(*arguments))
        with open(place / "stream", "wb") as stream:
            ansible_runner.run(
                streamer="transmit",
                _output=stream,
                private_data_dir=str(sent),
                ident=str(number),
                playbook=f"playbooks/{template}.yml",
                envvars=environment,
                suppress_env_files=True,
                fact_cache_type="",
            )
        with open(place / "stream", "rb") as source, open(place / "answer", "wb") as answer:
            subprocess.run(
                [BIN / "ansible-runner", "worker", f"--private-data-dir={runner}"],
                stdin=source,
                stdout=answer,
                stderr=subprocess.PIPE,
                env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(runner), "LC_ALL": "C.UTF-8"},
                timeout=300,
                check=False,
            )
        events: list[Mapping[str, Any]] = []

        def keep(event: Mapping[str, Any]) -> bool:
            events.append(event)
            return True

        with open(place / "answer", "rb") as source:
            done = ansible_runner.run(
                streamer="process",
                _input=source,
                private_data_dir=str(kept),
                ident=str(number),
                event_handler=keep,
                quiet=True,
            )
        given = [one["event_data"].get("artifact_data") or {} for one in events if one["event"] == "playbook_on_stats"]
        code = int((kept / "artifacts" / str(number) / "rc").read_text())
        return JobResult(number, done.status, code, events, given[-1] if given else {}, kept)

    def _survey(self, template: str, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Answers, and for those that were not given what AWX's form sends: the default, be it empty."""
        questions = {one["variable"]: one for one in self._templates[template]["survey"]}
        unknown = set(answers) - set(questions)
        missing = {name for name in questions if questions[name]["required"]} - {*answers}
        missing -= {name for name in questions if questions[name]["default"]}
        if unknown or missing:
            raise AssertionError(f"AWX refuses to launch {template}: unknown {unknown}, missing {missing}")
        return {name: answers.get(name, one["default"]) for name, one in questions.items()}

    @staticmethod
    def _meta(number: int) -> dict[str, Any]:
        named = {"job_id": number, "job_launch_type": "manual", "user_name": "operator", "user_id": 2}
        return {f"{product}_{name}": value for product in ("awx", "tower") for name, value in named.items()}

    def _environment(self, number: int, sent: pathlib.Path) -> dict[str, str]:
        return {
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_PARAMIKO_RECORD_HOST_KEYS": "False",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": "/runner/cp",
            "ANSIBLE_ROLES_PATH": "/runner/requirements_roles:~/.ansible/roles:/usr/share/ansible/roles",
            "ANSIBLE_COLLECTIONS_PATH": f"/runner/requirements_collections:~/.ansible/collections:{self._collections}",
            "AWX_HOST": "https://awx.example",
            "AWX_PRIVATE_DATA_DIR": str(sent),
            "INVENTORY_ID": "1",
            "JOB_ID": str(number),
            "MAX_EVENT_RES": "700000",
            "PROJECT_REVISION": "0" * 40,
        }

    @staticmethod
    def _write(path: pathlib.Path, text: str, mode: int = 0o600) -> None:
        path.touch(mode)
        path.write_text(text, "utf-8")
        os.chmod(path, mode)
