# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host said is data, whatever stands in it: no filter hands it on as something that Ansible would template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var


def as_data(value: Any) -> Any:
    """The same in plain containers, as data for every release of Ansible.

    What Ansible 2.19 gives to a filter are containers of its own, which cannot be made anew and so cannot be marked.
    """
    return wrap_var(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
