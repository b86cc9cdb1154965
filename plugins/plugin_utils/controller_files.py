# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of the controller that options name: keys, trust, heads. They may be encrypted with Ansible Vault."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_text
from ansible.parsing.dataloader import DataLoader

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid


class ControllerFiles:
    """Reads and writes next to the playbook, as Ansible resolves relative paths."""

    def __init__(self, loader: DataLoader) -> None:
        self._loader = loader

    def path(self, given: str) -> str:
        """The absolute path of an option's path."""
        return str(os.path.abspath(self._loader.path_dwim(os.path.expandvars(given))))

    def read(self, option: str, given: str) -> str:
        """The text of a file. Raises OptionInvalid, naming the option."""
        path = self.path(given)
        try:
            # decrypts vaulted files in memory; DataLoader.get_real_file would leave the plain text on the disk
            content, _unused = self._loader._get_file_contents(path)
            return str(to_text(content, errors="strict"))
        except UnicodeError:
            raise OptionInvalid(f"The file that {option} names is no text", item=path) from None
        except (AnsibleError, OSError) as error:
            cause = error.strerror if isinstance(error, OSError) else "it cannot be read on the controller"
            raise OptionInvalid(f"The file that {option} names is not usable: {cause}", item=path) from None

    def write_new(self, option: str, given: str, text: str) -> None:
        """Create a file, mode 0600, durably. Raises OptionInvalid when it exists or cannot be created."""
        path = self.path(given)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            folder = os.open(os.path.dirname(path), os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise OptionInvalid(
                f"The file that {option} names cannot be created: {error.strerror}", item=path
            ) from None

    def replace(self, option: str, given: str, text: str) -> None:
        """Write a file atomically, mode 0600. Raises OptionInvalid when that cannot be."""
        temporary = f"{self.path(given)}.{os.getpid()}.new"
        self.write_new(option, temporary, text)
        os.replace(temporary, self.path(given))


def as_text(option: str, value: Any) -> str:
    """An option that has to be text. Raises OptionInvalid for numbers, whose spelling YAML has already changed."""
    if isinstance(value, (bool, int, float)):
        raise OptionInvalid(f"{option} is a {type(value).__name__} and not text", hint="Put it in quotes.")
    if isinstance(value, (dict, list, tuple)):
        raise OptionInvalid(f"{option} is not text")
    return str(to_text(value))


def allowed_signers(files: ControllerFiles, value: Any) -> str:
    """The text of option C(allowed_signers), which is that text or the path of a file."""
    text = as_text("allowed_signers", value)
    if "\n" not in text.strip() and "ssh-" not in text:
        text = files.read("allowed_signers", text.strip())
    if not text.strip():
        raise OptionInvalid("allowed_signers is empty", hint="Leave the option out to do without.")
    return text


def expected_heads(files: ControllerFiles, value: Any) -> dict[str, str]:
    """The dictionary of option C(expected_heads), which is that dictionary or the path of a JSON file."""
    if isinstance(value, str):
        path = value
        try:
            value = json.loads(files.read("expected_heads", path))
        except ValueError:
            raise OptionInvalid("The file that expected_heads names is not JSON", item=files.path(path)) from None
    if not isinstance(value, dict) or not all(
        isinstance(name, str) and isinstance(head, str) for name, head in value.items()
    ):
        raise OptionInvalid(
            "expected_heads is not a dictionary of heads", hint='It looks like {"pbx-berlin/kamailio": "<head>"}.'
        )
    return {str(name): str(head) for name, head in value.items()}
