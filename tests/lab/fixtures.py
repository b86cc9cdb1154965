# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab as pytest fixtures. A ``conftest.py`` imports what its tests use."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from lab import directory
from lab.controller import Controller
from lab.hosts import Fleet
from lab.machine import why_not
from lab.windows.host import WindowsHost
from lab.windows.host import why_not as why_no_windows


@functools.lru_cache(maxsize=1)
def reason() -> str:
    """Why there can be no hosts, asked once per test process."""
    return why_not()


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """An empty fleet for the tests of one file."""
    if reason():
        pytest.skip(f"left out: {reason()}")
    with Fleet() as hosts:
        yield hosts


@pytest.fixture(scope="module")
def controller(fleet: Fleet) -> Controller:
    """A controller and a backup host in the fleet."""
    return Controller(fleet)


@pytest.fixture(scope="module")
def domain() -> Iterator[directory.DomainController]:
    """An Active Directory domain for the tests of one file."""
    if directory.why_not():
        pytest.skip(f"left out: {directory.why_not()}")
    with directory.DomainController() as controller:
        yield controller


@functools.lru_cache(maxsize=1)
def windows_reason() -> str:
    """Why there can be no Windows host, asked once per test process."""
    return why_no_windows()


@pytest.fixture(scope="module")
def windows_host() -> Iterator[WindowsHost]:
    """A stand-in Windows host for the tests of one file."""
    if windows_reason():
        pytest.skip(f"left out: {windows_reason()}")
    with WindowsHost() as host:
        yield host
