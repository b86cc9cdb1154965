# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  data_class:
    description:
      - What kind of data the files hold.
    type: str
    choices:
      - voip_config
      - system_config
      - logs
      - user_data
    default: voip_config
  release:
    description:
      - The release of the product that pushes, as people know it. The files do not tell it, and a restore may need it.
    type: str
  containers:
    description:
      - Which containers the files may be, told by their first bytes. By default any.
      - V(zip), V(gzip), V(bzip2), V(xz), V(tar) and V(7z) are read to their end and tested. All others are opaque.
    type: list
    elements: str
    choices:
      - 7z
      - age
      - bzip2
      - gzip
      - openssl
      - pgp
      - sqlite
      - tar
      - unknown
      - xml
      - xz
      - zip
      - zstd
  min_size:
    description:
      - A smaller file is not plausible, in bytes.
    type: int
    default: 1
  ends_with:
    description:
      - A text that stands in the last kilobytes of every file that is whole, such as V(**** END OF EXPORT).
    type: str
  size_at_least:
    description:
      - A backup smaller than this part of the median of the last five complete generations is not plausible. Name
        V(files) in C(accept_shrunken) when another size is meant; it becomes the usual one.
    type: float
    default: 0.5
  size_at_most:
    description:
      - A backup larger than this many times that median is not plausible.
    type: float
    default: 3.0
  include_cdr:
    description:
      - Call lists (CDR) in a backup by REST. The master data is always in it.
    type: bool
    default: true
  include_announcements:
    description:
      - Announcements in a backup by REST.
    type: bool
    default: true
  include_chat_history:
    description:
      - History of the chat in a backup by REST.
    type: bool
    default: true
  remove_from_appliance:
    description:
      - Remove the file from the appliance after a backup by REST, once a complete generation holds it. The only
        published way is to fetch it once more. Before that it is fetched a second time, to see that it is the same.
    type: bool
    default: true
  backup_name:
    description:
      - Name of the appliance's backup configuration whose newest file is fetched by SSH. By default the only one.
    type: str
  max_age_hours:
    description:
      - The newest file that is found by SSH must not be older than this, by the appliance's own clock. 0 is any age.
    type: int
    default: 0
  settle:
    description:
      - Seconds between two looks by SSH at the newest file. It is fetched when O(polls) looks found it unchanged and
        nothing wrote to it for O(quiet_period) seconds, by its time and the appliance's own clock. Where the account
        runs no commands, so that the clock is not told, or where the file is from the future, the looks are so far
        apart.
    type: int
    default: 10
"""

    CONNECTION = r"""
options:
  mode:
    description:
      - V(rest) lets the appliance make a backup and fetches it. That needs STARFACE 10, and O(username) and
        O(password) of an account with the right to Server/Backups.
      - V(landing) takes what the appliance pushed to O(landing).
      - V(ssh_pull) fetches the newest file from the appliance's own disk, by O(ssh).
      - V(auto) is V(rest) where the appliance can, else V(ssh_pull) where O(ssh) is given, else V(landing).
    type: str
    choices:
      - auto
      - rest
      - landing
      - ssh_pull
    default: auto
  api_base:
    description:
      - Path below which the REST interface is, such as V(/rest). By default V(/rest) and V(/api) are tried.
    type: str
  authentication:
    description:
      - How the REST interface is logged in to. V(oauth) is the password grant of STARFACE 10, V(nonce) the older login
        with a hash.
      - V(auto) is V(oauth) where O(client_secret) is given.
    type: str
    choices:
      - auto
      - oauth
      - nonce
    default: auto
  client_id:
    description:
      - Name of the OAuth client.
    type: str
    default: rest-client-headless
  client_secret:
    description:
      - Secret of the OAuth client. The web interface shows it at Admin > Server > Status > REST-API. The account needs
        the right "API Zugriff mit OAuth Password Grant".
    type: str
  oauth_scope:
    description:
      - The scope that is asked for. Public sources differ, V(pbx-login) is the other one.
    type: str
    default: login
  job_poll_interval:
    description:
      - Seconds between two looks at a job of the appliance.
    type: int
    default: 3
  job_timeout:
    description:
      - Seconds that a backup or restore of the appliance may take.
    type: int
    default: 7200
  busy_wait:
    description:
      - Seconds between two tries while another backup or the archive job runs.
    type: int
    default: 300
  busy_timeout:
    description:
      - Seconds for which it is tried again. Backup and archive job shift each other by an hour.
    type: int
    default: 4500
  restart_timeout:
    description:
      - Seconds that the appliance may be away in a restore.
    type: int
    default: 1800
  ssh:
    description:
      - How the appliance itself is reached by SSH.
    type: dict
    suboptions:
      host:
        description:
          - Network address for SSH. By default O(host).
        type: str
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
      use_agent:
        description:
          - Also offer the keys of an SSH agent that runs on the host that runs this module.
        type: bool
        default: false
"""
