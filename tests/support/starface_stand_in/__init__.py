# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for a STARFACE: its REST interface and the status service beside it, written from published descriptions.

It is no STARFACE. What it does is what those descriptions say, named where each is used, and what they leave open it
does in each of the ways that are thinkable. Whatever is asked of it that they do not know is a complaint.
"""

from __future__ import annotations

from .appliance import Appliance
from .rest import StarfaceStandIn
from .status import StatusStandIn

__all__ = ["Appliance", "StarfaceStandIn", "StatusStandIn"]
