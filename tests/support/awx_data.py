# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What C(playbooks/vars/awx.yml) says, and what AWX makes of a credential: files and variables for one job."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

PROJECT = pathlib.Path(__file__).resolve().parents[2]


class _Loader(yaml.SafeLoader):
    """YAML with Ansible's mark for texts that are no templates."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def setup() -> dict[str, Any]:
    """The variables of the playbook C(awx_setup), its own templates as they stand there."""
    loaded: dict[str, Any] = yaml.load((PROJECT / "playbooks/vars/awx.yml").read_text("utf-8"), _Loader)
    return loaded


@dataclass(frozen=True)
class Injected:
    """What one credential gives to a job."""

    extra_vars: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)


def inject(name: str, inputs: Mapping[str, str]) -> Injected:
    """As AWX injects a credential of one of our types. What was not entered is empty.

    After C(awx/main/models/credential.py).
    """
    kind = next(one for one in setup()["awx_credential_types"] if one["name"] == name)
    jinja = ImmutableSandboxedEnvironment()
    rendered = {
        place: {key: jinja.from_string(text).render(**inputs) for key, text in texts.items()}
        for place, texts in kind["injectors"].items()
    }
    return Injected(**rendered)
