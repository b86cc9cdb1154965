# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: markdown_block
short_description: A text of somebody else as a block of Markdown
version_added: 0.2.0
author:
  - ucops contributors (@ucops)
description:
  - Puts a text into a fenced block that nothing in it can end.
positional: language
options:
  _input:
    description: The text.
    type: str
    required: true
  language:
    description: What the block is in, such as V(diff).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show a difference
  ansible.builtin.debug:
    msg: "{{ text | ucops.recovery.markdown_block('diff') }}"
"""

RETURN = r"""
_value:
  description: The text in a fenced block.
  type: str
"""

from typing import Any


def markdown_block(text: Any, language: str = "") -> str:
    """The filter."""
    from ansible_collections.ucops.recovery.plugins.plugin_utils.markdown import block

    return block(text, language)


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        return {"markdown_block": markdown_block}
