# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  port:
    description:
      - Port of the SSH server.
    type: int
    default: 22
  username:
    description:
      - User to log in as.
    type: str
  password:
    description:
      - Password of the user.
    type: str
  private_key:
    description:
      - The private key itself, in OpenSSH or PEM format.
    type: str
  private_key_file:
    description:
      - Path of a private key on the host that runs this module.
    type: path
  private_key_passphrase:
    description:
      - Passphrase of the private key.
    type: str
  known_hosts_file:
    description:
      - Path of a C(known_hosts) file on the host that runs this module. A host whose key is not in it is refused.
      - If neither this nor the pinned key is given, C(~/.ssh/known_hosts) is used.
    type: path
  host_key:
    description:
      - The one public host key that is accepted, as in C(ssh-ed25519 AAAA...), or its fingerprint as in C(SHA256:...).
    type: str
  legacy_algorithms:
    description:
      - Also accept the SHA-1 algorithms that old telephone systems need.
    type: bool
    default: false
  use_agent:
    description:
      - Also offer the keys of an SSH agent that runs on the host that runs this module.
    type: bool
    default: false
  become:
    description:
      - Use C(sudo) on the host for what the login user may not read or write.
    type: bool
    default: false
  become_password:
    description:
      - Password for C(sudo) on the host, when the user needs it. It is never put on a command line.
    type: str
  jump_host:
    description:
      - A host to go through, with its own address and login.
    type: dict
    suboptions:
      host:
        description:
          - Network address of the jump host.
        type: str
        required: true
      port:
        description:
          - Port of the SSH server.
        type: int
        default: 22
      username:
        description:
          - User to log in as.
        type: str
      password:
        description:
          - Password of the user.
        type: str
      private_key:
        description:
          - The private key itself, in OpenSSH or PEM format.
        type: str
      private_key_file:
        description:
          - Path of a private key on the host that runs this module.
        type: path
      private_key_passphrase:
        description:
          - Passphrase of the private key.
        type: str
      known_hosts_file:
        description:
          - Path of a C(known_hosts) file on the host that runs this module. A host whose key is not in it is refused.
          - If neither this nor the pinned key is given, C(~/.ssh/known_hosts) is used.
        type: path
      host_key:
        description:
          - The one public host key that is accepted, as in C(ssh-ed25519 AAAA...), or its fingerprint as in
            C(SHA256:...).
        type: str
      legacy_algorithms:
        description:
          - Also accept the SHA-1 algorithms that old telephone systems need.
        type: bool
        default: false
  connect_timeout:
    description:
      - Seconds to wait for a connection and login.
    type: int
    default: 15
  silence_timeout:
    description:
      - Seconds that a command may run without a byte of output.
    type: int
    default: 60
  total_timeout:
    description:
      - Seconds that a single command may take.
    type: int
    default: 3600
"""
