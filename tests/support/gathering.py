# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An item gathered into memory, for tests."""

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport


class Gathering:
    """All that an item gave: the entries in order, the last one of each path, and the report."""

    def __init__(self, item, transport):
        self.report = ItemReport(item.name)
        self.all = [(entry, b"".join(content)) for entry, content in item.gather(transport, self.report)]
        self.by_path = {entry.path: (entry, content) for entry, content in self.all}

    @property
    def entries(self):
        return [entry for entry, _content in self.by_path.values()]

    @property
    def wanted(self):
        return ((entry, iter([content])) for entry, content in self.by_path.values())

    @property
    def problems(self):
        return {problem.path: problem.message for problem in self.report.problems}
