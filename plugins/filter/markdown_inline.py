# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: markdown_inline
short_description: A text of somebody else within a line of Markdown
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Makes one line of code of it, in which nothing becomes a link, a tag or a mention. Fit for a cell of a table too.
options:
  _input:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show a name that a host gave
  ansible.builtin.debug:
    msg: "| {{ name | ucops.recovery.markdown_inline }} |"
"""

RETURN = r"""
_value:
  description: The same text in one line of Markdown.
  type: str
"""

from typing import Any


def markdown_inline(text: Any) -> str:
    """The filter."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.markdown import inline

    return inline(text)


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        return {"markdown_inline": markdown_inline}
