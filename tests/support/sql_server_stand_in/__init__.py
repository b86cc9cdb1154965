# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for SQL Server, which cannot be had for tests: real TDS on the wire, a small engine behind it.

The wire (``wire``, ``server``) is written after MS-TDS, and FreeTDS is the independent client that it is tried with.
The engine (``engine``, ``grammar``) takes exactly the statements that may be sent, keeps databases, sessions, locks and
history, and answers with SQL Server's own error numbers. Every other statement is an error, and is kept as a violation
that fails the test.
"""

from __future__ import annotations

from .engine import Database, Engine, File, User
from .server import StandIn

__all__ = ["Database", "Engine", "File", "StandIn", "User"]
