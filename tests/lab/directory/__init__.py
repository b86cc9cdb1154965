# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Active Directory domain controller (Samba) on a loopback address, for the time of some tests."""

from __future__ import annotations

from lab.directory.domain import REALM, DomainController, why_not
from lab.directory.objects import Directory
from lab.directory.relay import Relay
from lab.directory.schema import SCHEMA_VERSION, extend_schema

__all__ = ["REALM", "SCHEMA_VERSION", "Directory", "DomainController", "Relay", "extend_schema", "why_not"]
