# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which values of an XML document are secret, told from names; the schemas of vendors are not public."""

from __future__ import annotations

import re
from functools import lru_cache

from .mask_names import is_look_alike
from .tables import is_secret_name

NAMING = ("name", "key", "id", "attribute", "property", "option", "parameter")
"""Attributes and elements that name what a neighbour gives the value of."""
VALUES = ("value", "val", "data", "text", "content")
"""Neighbours that give it."""
_MORE = re.compile(
    r"(.key|hash|licen[sc]e|licen[sc]e_?(no|nr|number)|lizenz|serial_?(no|nr|number)|pwd?hash|salt)$", re.I
)
_WRAPPED = re.compile(r"(encrypted|crypted|plain|hashed|encoded|base64|utf8|old|new|enc|b64|s)$", re.IGNORECASE)


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether an element, attribute or setting of this name holds a secret: passwords, keys, licences."""
    if is_look_alike(name):
        return False
    shorter = _WRAPPED.sub("", name)
    return any(is_secret_name(one) or bool(_MORE.search(one)) for one in (name, shorter.rstrip("_-.")))
