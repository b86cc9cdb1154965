# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(recovery_metrics)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data

DOCUMENTATION = r"""
name: recovery_metrics
short_description: A report as metrics for Prometheus
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Writes what P(ucops.recovery.whole_report#filter) returns in the text format of Prometheus. Every metric begins with
    C(ucops_recovery_) and is a gauge. Times are seconds since the epoch, 0 for never.
options:
  _input:
    description:
      - The report.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the metrics
  ansible.builtin.debug:
    msg: "{{ report | ucops.recovery.recovery_metrics }}"
"""

RETURN = r"""
_value:
  description:
    - The text of a file for the textfile collector.
  type: str
"""


def _metrics(report: Any) -> Any:
    from ansible_collections.ucops.recovery.plugins.plugin_utils.recovery_metrics import metrics_text

    return as_data(metrics_text(report))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name and function."""
        return {"recovery_metrics": _metrics}
