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
    default: system_config
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
  filename_prefix:
    description:
      - The prefix that is set under Backup Filename in Webconf. Only files that begin with it are taken, unless
        O(patterns) says otherwise.
    type: str
  schedule:
    description:
      - Whether a schedule is set in Webconf. Say with O(expected_every) how often it makes a backup.
      - With V(disabled) people start backups by hand.
    type: str
    choices:
      - scheduled
      - disabled
    default: disabled
  storage:
    description:
      - What is set under Backup Storage Settings in Webconf.
    type: dict
    suboptions:
      type:
        description:
          - The storage type. V(none) is the appliance's default, and keeps no backup.
        type: str
        choices:
          - none
          - nfs
        default: none
      nfs_version:
        description:
          - The version of NFS. No other ones are supported.
        type: str
        choices:
          - "4"
          - "4.1"
          - "4.2"
      nfs_url:
        description:
          - The NFS URL, which points at the NFS server.
        type: str
      path:
        description:
          - The location that was chosen in the storage browser or entered.
        type: str
  backup_details:
    description:
      - The table Backup Details that the storage browser shows for a backup, by row, as a person copied it. It is kept
        with the backup that is taken in.
    type: dict
  oauth_attested:
    description:
      - Who saw, and when, that one logs in to Webconf by OAuth and that the OTP user is removed. While one is logged in
        by OTP no backup can be created.
    type: dict
    suboptions:
      by:
        description:
          - Who.
        type: str
        required: true
      at:
        description:
          - When, like V(2026-01-31).
        type: str
        required: true
  appliance_secret_fingerprint:
    description:
      - The fingerprint of the appliance's own Domain Master Secret, as M(ucops.recovery.keyfactor_appliance_info) gave
        it. It is slow and salted, and still the hash of a passphrase, so keep it in a vault.
      - The secret can be set only once. Another fingerprint than in the last complete generation is an alarm.
    type: str
  accept_new_appliance_secret:
    description:
      - Take another fingerprint as meant, because the appliance was replaced. Turn it off again after one backup.
    type: bool
    default: false
  escrow:
    description:
      - Where copies of the appliance's Domain Master Secret are kept, for the entire lifetime of the appliance.
    type: list
    elements: dict
    suboptions:
      where:
        description:
          - The place.
        type: str
        required: true
      by:
        description:
          - Who put it there or saw it there.
        type: str
        required: true
      at:
        description:
          - When, like V(2026-01-31).
        type: str
        required: true
  key_storage:
    description:
      - Where the keys are. The appliance's backup does not hold an V(hsm).
    type: str
    choices:
      - soft
      - hsm
    required: true
  hsm_backup:
    description:
      - With O(key_storage=hsm), which generation holds the backup of the HSM. It is demanded in the same run, or at
        most O(companion_max_age) away.
      - When others look after it, name it in C(companions_elsewhere) too.
    type: dict
    suboptions:
      product:
        description:
          - Its product.
        type: str
        default: pushed
      source:
        description:
          - Its source.
        type: str
        required: true
      instance:
        description:
          - Its instance.
        type: str
  database:
    description:
      - Where the database is. The appliance's backup holds an V(internal) one only.
    type: str
    choices:
      - internal
      - external
    required: true
  database_backup:
    description:
      - With O(database=external), which generation holds the backup of the database, in the same way as O(hsm_backup).
    type: dict
    suboptions:
      product:
        description:
          - Its product.
        type: str
        default: pushed
      source:
        description:
          - Its source.
        type: str
        required: true
      instance:
        description:
          - Its instance.
        type: str
  companion_max_age:
    description:
      - How far away in time a companion of another run may be, like V(24h) or V(30d).
    type: str
    default: 24h
  applications:
    description:
      - What runs on the appliance. The restore plan ends in its health checks. By default V(ejbca).
    type: list
    elements: str
    choices:
      - ejbca
      - signserver
  appliance_size:
    description:
      - The size of the machine in words. A restore may need the same or a bigger one.
    type: str
  cluster_nodes:
    description:
      - All nodes of the cluster, if it is one.
    type: list
    elements: str
  storage_warn_percent:
    description:
      - How full, in percent, the file system of the landing zone may be before it is warned of.
    type: int
    default: 80
  restart_lock:
    description:
      - Why the appliance must not be restarted now. It is given as a reason in the result C(restart).
    type: str
  restart_window:
    description:
      - How long before an expected backup no restart may begin, like V(30m).
    type: str
    default: 30m
"""
