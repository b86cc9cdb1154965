# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.collection import make_importable
from support.long_first import begin_with

from lab.fixtures import controller, domain, fleet, windows_host

__all__ = ["controller", "domain", "fleet", "windows_host"]

LAST_WORDS = 6000
"""Characters."""

LONG = (
    "rollback",
    "restore_drill",
    "kamailio_recovery",
    "procall_server",
    "windows_products",
    "backup_host",
    "bad_days",
    "change",
    "secrets",
    "made_host_drill",
    "post_change",
    "windows_drill",
)
"""Files that take more than a minute and a half, the longest first."""

make_importable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    begin_with(LONG, items)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """What a Windows host's file server said last belongs to the report of a test that failed."""
    outcome: Any = yield
    report = outcome.get_result()
    fixtures: Any = item._fixtureinfo.name2fixturedefs
    for made in fixtures.get("windows_host", ()) if report.failed else ():
        if made.cached_result is not None and made.cached_result[0] is not None:
            report.sections.append(("smbd", made.cached_result[0].samba.log[-LAST_WORDS:]))
