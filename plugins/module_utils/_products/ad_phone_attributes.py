# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The telephone numbers of Active Directory, which an option names too: the product itself is loaded later."""

from __future__ import annotations

PHONE_ATTRIBUTES = (
    "facsimileTelephoneNumber",
    "homePhone",
    "ipPhone",
    "mobile",
    "otherFacsimileTelephoneNumber",
    "otherHomePhone",
    "otherIpPhone",
    "otherMobile",
    "otherPager",
    "otherTelephone",
    "pager",
    "telephoneNumber",
)
"""Standard attributes that UCServer may be set to write."""
