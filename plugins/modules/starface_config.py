#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starface_config
short_description: Judge, write down and check the backup configuration of a STARFACE
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - The backup configuration of an appliance can only be entered in its web interface. So it is declared here, with
    every field of the wizard's four steps.
  - It says what is wrong or unwise in it, such as a Windows share that is not signed, a mail that will be too large, a
    meeting with the archive job, or contents from which nothing can be restored.
  - It writes it down as instructions for the person who enters it, in Markdown.
  - With O(repository) or O(observed) it holds what arrived against it, and infers what is set differently on the
    appliance.
  - It reaches no host and changes nothing.
extends_documentation_fragment:
  - ucops.recovery.attributes
  - ucops.recovery.attributes.info
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
options:
  source:
    description:
      - The name under which the appliance is kept.
    type: str
    required: true
  name:
    description:
      - Name of the configuration. The appliance makes a folder of this name on SFTP and on Dropbox, in
        C(starface-backup).
    type: str
    required: true
  error_report_to:
    description:
      - To which address the appliance mails when a backup fails ("Fehlerbericht an").
    type: str
  interval:
    description:
      - How often it runs. V(manual), V(hourly), V(daily), V(weekly), V(monthly), or a number of hours, days or weeks
        like V(12h), V(2d), V(1w). V(manual) is "Manuell", with which nothing starts by itself.
    type: str
    default: manual
  start:
    description:
      - Date and time of the first run by the appliance's own clock, like V(2026-11-30 02:00). The interval counts from
        it.
    type: str
  contents:
    description:
      - The three boxes of the second step.
    type: dict
    suboptions:
      master_data:
        description:
          - '"Stammdaten", which are users, groups, telephones, numbers, address books and the history of the chat.'
        type: bool
        default: true
      cdr_and_voicemail:
        description:
          - '"CDR und Voicemails", which can make the file very large.'
        type: bool
        default: true
      announcements:
        description:
          - '"Ansagetexte", which were made by the users.'
        type: bool
        default: true
  targets:
    description:
      - The storage places. The first one is entered in the wizard, the others are added to the saved configuration and
        work in parallel.
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - The storage place, which is the appliance's own disk, a Windows share, SFTP, Dropbox, a USB stick or mail.
        type: str
        required: true
        choices:
          - local_disk
          - windows_share
          - sftp
          - dropbox
          - usb
          - mail
      username:
        description:
          - User name as the server of a Windows share or of SFTP expects it, such as V(LAB\\pbx).
        type: str
      password:
        description:
          - Its password. It is looked at for what the appliance cannot take, and returned nowhere. It may be left out.
        type: str
      kept_at:
        description:
          - Where who fills in the wizard finds the password, or the key that Dropbox confirms with.
        type: str
      server:
        description:
          - IPv4 address of the server of a Windows share or of SFTP.
        type: str
      share:
        description:
          - Name of the Windows share, with subdirectories behind C(/).
        type: str
      security:
        description:
          - How the Windows share is logged in to. The vendor recommends V(ntlmsspi).
        type: str
        choices:
          - none
          - krb5
          - krb5i
          - ntlm
          - ntlmi
          - ntlmv2
          - ntlmv2i
          - ntlmssp
          - ntlmsspi
      path:
        description:
          - Path for SFTP, absolute, or a dot for the current folder.
        type: str
      addresses:
        description:
          - To whom the file is mailed.
        type: list
        elements: str
  finish:
    description:
      - The choice of the last step. Run and save, run without saving, or save alone.
    type: str
    choices:
      - run_and_save
      - run_only
      - save_only
    default: save_only
  duration:
    description:
      - Minutes that a backup takes.
    type: int
    default: 60
  archive_job:
    description:
      - When the job "STARFACE Archivierung" runs, every day. It and the backup shift each other by an hour when they
        meet.
    type: dict
    suboptions:
      start:
        description:
          - Time of day by the appliance's own clock, like V(04:30).
        type: str
        required: true
      duration:
        description:
          - Minutes that it takes.
        type: int
        default: 60
  other_names:
    description:
      - Names of other backup configurations of the same appliance.
    type: list
    elements: str
  applied_at:
    description:
      - When somebody entered it, like V(2026-11-29 10:00).
    type: str
  applied_by:
    description:
      - Who entered it.
    type: str
  fail_on:
    description:
      - The lowest grade of advice with which the task fails.
    type: str
    choices:
      - error
      - warning
      - hint
      - never
    default: error
  repository:
    description:
      - Folder of the repository, when the module runs on the backup host. What the appliance pushed to its landing zone
        is read out of the clear records of the last hundred generations, for which no key is needed, with its size and
        the time when it arrived. What was fetched by REST or SSH says nothing of a schedule and is left out, and so is
        a file whose contents had come before.
      - In which folder a file arrived is sealed. Give that of this run's file as O(observed) beside it, as the example
        does.
    type: path
  instance:
    description:
      - Tells several products of one kind on one source apart.
    type: str
    default: ""
  observed:
    description:
      - What arrived, as M(ucops.recovery.starface_backup) returns it in mode V(landing) under
        RV(ucops.recovery.starface_backup#module:files), beside what O(repository) tells.
    type: list
    elements: dict
    suboptions:
      path:
        description:
          - Its path below the landing zone. Without it nothing is said of the folder.
        type: str
        default: ""
      size:
        description:
          - Its bytes.
        type: int
        required: true
      received_at:
        description:
          - When it was received, in UTC, like V(2026-11-30T02:45:00Z).
        type: str
        required: true
      target:
        description:
          - Over which storage place it came.
        type: str
        choices:
          - local_disk
          - windows_share
          - sftp
          - dropbox
          - usb
          - mail
  watched:
    description:
      - Storage places whose arrivals are all in O(repository) or O(observed), so that one from which nothing came is
        missing. What the repository tells came over the one declared SFTP server or Windows share; where there are
        several, nobody knows over which.
    type: list
    elements: str
    choices:
      - local_disk
      - windows_share
      - sftp
      - dropbox
      - usb
      - mail
  timezone:
    description:
      - The time zone of the appliance's clock, like V(Europe/Berlin).
    type: str
    default: UTC
seealso:
  - module: ucops.recovery.starface_backup
"""

EXAMPLES = r"""
- name: Judge the declared backup of the appliance
  ucops.recovery.starface_config:
    source: "{{ inventory_hostname }}"
    name: pbx-berlin
    error_report_to: ops@example.org
    interval: daily
    start: 2026-11-30 02:00
    contents:
      cdr_and_voicemail: false
    targets:
      - kind: sftp
        username: pbx-berlin
        kept_at: vault, pbx-berlin/sftp
        server: 192.0.2.9
        path: /files
      - kind: local_disk
    archive_job:
      start: "05:00"
    finish: run_and_save
  register: declared
  delegate_to: localhost

- name: Write it down for the one who enters it
  ansible.builtin.copy:
    content: "{{ declared.runbook }}"
    dest: "runbooks/{{ inventory_hostname }}.md"
    mode: "0644"
  delegate_to: localhost

- name: Take in what the appliance pushed
  ucops.recovery.starface_backup:
    repository: /srv/recovery
    writer_key_file: /etc/ucops-recovery/writer.key
    source: "{{ inventory_hostname }}"
    mode: landing
    landing: /srv/landing
    expected_every: 1d
  register: taken
  delegate_to: backup1

- name: Hold all that arrived against the declaration
  ucops.recovery.starface_config:
    source: "{{ inventory_hostname }}"
    name: pbx-berlin
    interval: daily
    start: 2026-11-30 02:00
    targets:
      - kind: sftp
        username: pbx-berlin
        kept_at: vault, pbx-berlin/sftp
        server: 192.0.2.9
        path: /files
    timezone: Europe/Berlin
    watched:
      - sftp
    repository: /srv/recovery
    observed:
      - path: "{{ taken.files[-1].name }}"
        size: "{{ taken.files[-1].size }}"
        received_at: "{{ taken.files[-1].received_at }}"
  when: taken.files | length > 0
  register: declared
  delegate_to: backup1
"""

RETURN = r"""
config:
  description: The configuration as it was understood. Of a password only whether it was given.
  type: dict
  returned: always
valid:
  description: Whether there is no advice of grade V(error).
  type: bool
  returned: always
advice:
  description: What is wrong or unwise, the gravest first.
  type: list
  elements: dict
  returned: always
  contains:
    grade:
      description:
        - V(error) when it cannot work or nothing can be restored from it, V(warning) when it will hurt, V(hint) when it
          could be better.
      type: str
      returned: always
    code:
      description: Name of the rule.
      type: str
      returned: always
    field:
      description: The option that it is about.
      type: str
      returned: always
    text:
      description: What there is to say.
      type: str
      returned: always
runbook:
  description: What to enter where, in Markdown.
  type: str
  returned: always
applied:
  description: Whether somebody said that it was entered.
  type: bool
  returned: always
observed:
  description: What was held against the declaration, the oldest first. Null without O(repository) and O(observed).
  type: list
  elements: dict
  returned: always
  contains:
    path:
      description: Its path below the landing zone. Empty when it is not known.
      type: str
      returned: always
    size:
      description: Its bytes.
      type: int
      returned: always
    received_at:
      description: When it was received, in UTC.
      type: str
      returned: always
    target:
      description: Over which storage place it came. Empty when it is not known.
      type: str
      returned: always
differences:
  description: What is set differently on the appliance, as far as what arrived tells. Null without O(repository) and
    O(observed).
  type: list
  elements: dict
  returned: always
  contains:
    code:
      description: Name of the rule.
      type: str
      returned: always
    differs:
      description: The option that most likely is another there.
      type: str
      returned: always
    text:
      description: What was seen.
      type: str
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run
from ansible_collections.ucops.recovery.plugins.module_utils._module.starface_config import SPEC, judge_config


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: judge_config(module))


if __name__ == "__main__":
    main()
