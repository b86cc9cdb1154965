#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 ucops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drill_record
short_description: Sign evidence of a restore drill
version_added: 0.1.0
author:
  - ucops contributors (@ucops)
description:
  - Writes a signed record into the repository that a generation was restored in a drill, how far that went, how long it
    took and how old the generation was, held against the objectives.
  - The role P(ucops.recovery.restore_drill#role) does drills and calls it.
  - "It refuses what no drill can have proved: a generation that is not there, was pruned, is not whole, or has another
    record than the one that was restored; a partial one, unless the drill failed; and times that a clock which jumped
    must have made."
  - The last generation of a source that passed a drill is never pruned.
  - The evidence is signed by a key of its own. A key that may write generations cannot attest that they restore.
  - What the evidence proves is that whoever has this key says so. It makes no good drill of a bad one.
requirements:
  - cryptography >= 41.0
  - zstandard >= 0.19
extends_documentation_fragment:
  - ucops.recovery.repository
  - ucops.recovery.trust
  - ucops.recovery.attributes
  - ucops.recovery.attributes.action
  - ucops.recovery.attributes.group
attributes:
  check_mode:
    support: full
    details:
      - Everything is judged, and nothing is signed. No key is needed.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A drill is known by its generation, O(started), O(run_id) and the target's name, and recorded once.
options:
  drill_key_file:
    description:
      - Private key on the host where this runs, as C(ssh-keygen -t ed25519 -N '') makes it, mode 0600. Its public half
        is one of O(ucops.recovery.repository#module:signers) with the role V(drill) and not V(writer).
      - Required outside of check mode.
    type: path
  generation:
    description:
      - Full id of the generation that was restored, such as V(pbx-berlin/kamailio/7).
    type: str
    required: true
  record:
    description:
      - Hash of its record when the drill began, which is C(head) of M(ucops.recovery.generation_info).
    type: str
    required: true
  started:
    description:
      - When the drill began, in UTC like V(2026-01-31T12:00:00Z).
    type: str
    required: true
  minimum:
    description:
      - The rung up to which everything must have passed for the drill to pass.
    type: str
    choices: &rungs
      - opens
      - complete
      - restored
      - validators
      - service
      - call
      - counts
    required: true
  steps:
    description:
      - What became of each rung of the ladder. One that is not named was not tried.
    type: list
    elements: dict
    required: true
    suboptions:
      rung:
        description:
          - V(opens) when the generation is authentic and all of it could be read, V(complete) when nothing that the
            product demands is missing, V(restored) when the target holds what the generation holds, V(validators) when
            the product accepts it, V(service) when the service runs, V(call) when a call went through, V(counts) when
            there is as much of everything as was saved.
        type: str
        choices: *rungs
        required: true
      result:
        description:
          - A rung that cannot be reached is V(not_possible). It never counts as V(passed).
        type: str
        choices:
          - passed
          - failed
          - not_possible
          - not_tried
        required: true
      seconds:
        description:
          - How long it took. It is rounded up.
        type: float
        default: 0.0
      detail:
        description:
          - What was seen, in one sentence without secrets. It is readable for anybody who can read the repository.
        type: str
        default: ""
  target:
    description:
      - Where the generation was restored to.
    type: dict
    required: true
    suboptions:
      kind:
        description:
          - A V(folder), a spare V(host), or a host that was V(made) for the drill.
        type: str
        choices:
          - folder
          - host
          - made
        required: true
      name:
        description:
          - Its name.
        type: str
        required: true
      address:
        description:
          - Its address.
        type: str
      shown_as:
        description:
          - How it showed itself, which is not how the production host does.
        type: str
      host_key:
        description:
          - Its SSH host key.
        type: str
      isolation:
        description:
          - How it was proved that it reaches nothing of the production system.
        type: list
        elements: str
        default: []
  rto:
    description:
      - The declared time within which the system must be back, such as V(4h). It is held against the time of all rungs.
    type: str
  rpo:
    description:
      - The declared age that a generation may have, such as V(26h). It is held against the age when the drill began.
    type: str
  report_digest:
    description:
      - SHA-256 of the drill's protocol, which is kept elsewhere.
    type: str
  longest_pause:
    description:
      - When the repository knows of nothing for longer than this before now, the clock may have been set forward, and
        nothing is recorded.
    type: str
    default: 35d
  accept_pause:
    description:
      - The clock is right, there was such a pause.
    type: bool
    default: false
  actor:
    description:
      - Who did the drill. If not given, the action plugin takes the user of AWX or of the controller.
    type: str
  job:
    description:
      - The job that did it. If not given, the action plugin takes the one of AWX.
    type: str
  run_id:
    description:
      - Ties together what several tasks and hosts did in one run.
    type: str
seealso:
  - module: ucops.recovery.repository
  - module: ucops.recovery.generation_info
  - module: ucops.recovery.generation_extract
"""

EXAMPLES = r"""
- name: Name who may attest drills
  ucops.recovery.repository:
    repository: /srv/recovery
    writer_key_file: /etc/ucops/writer.json
    domain_master_secret: "{{ vault_domain_master_secret }}"
    signers:
      - name: auditor
        public_key: "{{ lookup('ansible.builtin.file', 'drill_key.pub') }}"
        roles:
          - drill
  delegate_to: backup1

- name: Record that the generation was restored on a spare host and served a call
  ucops.recovery.drill_record:
    repository: /srv/recovery
    drill_key_file: /etc/ucops/drill_key
    allowed_signers: files/allowed_signers
    generation: pbx-berlin/kamailio/7
    record: "{{ found.generations[0].head }}"
    started: "2026-11-23T05:30:25Z"
    minimum: call
    steps:
      - {rung: opens, result: passed, seconds: 2}
      - {rung: complete, result: passed}
      - {rung: restored, result: passed, seconds: 31}
      - {rung: validators, result: passed}
      - {rung: service, result: passed}
      - {rung: call, result: passed, seconds: 2, detail: 1001 called 1002}
    target:
      kind: host
      name: spare-berlin
    rto: 4h
    rpo: 26h
  delegate_to: backup1
"""

RETURN = r"""
drill:
  description: The evidence, as it is in the repository or would be in check mode.
  type: dict
  returned: success
  contains:
    generation:
      description: Id of the generation.
      type: str
      returned: always
    at:
      description: When it was recorded.
      type: str
      returned: always
    started:
      description: When the drill began.
      type: str
      returned: always
    outcome:
      description: V(passed) or V(failed).
      type: str
      returned: always
    problem:
      description: Why it failed, in one sentence.
      type: str
      returned: always
    minimum:
      description: The rung that had to be reached.
      type: str
      returned: always
    reached:
      description: The highest rung up to which all passed. Empty when the lowest did not.
      type: str
      returned: always
    steps:
      description: Every rung with C(rung), C(result), C(seconds) and C(detail).
      type: list
      elements: dict
      returned: always
    recovery_seconds:
      description: The measured recovery time.
      type: int
      returned: always
    recovery_point_seconds:
      description: The measured recovery point, which is the age of the generation when the drill began.
      type: int
      returned: always
    rto_seconds:
      description: The declared recovery time.
      type: int
      returned: always
    rpo_seconds:
      description: The declared recovery point.
      type: int
      returned: always
    objectives_met:
      description: Whether both are within what is declared. Null when nothing is.
      type: bool
      returned: always
    target:
      description: Name of the target.
      type: str
      returned: always
    actor:
      description: Who did it.
      type: str
      returned: always
    job:
      description: The job that did it.
      type: str
      returned: always
    signer:
      description: Who signed it. Empty in check mode.
      type: str
      returned: always
    evidence:
      description: Name of the file in the repository, beside which its signature lies as C(.sig). Empty in check mode.
      type: str
      returned: always
    digest:
      description: SHA-256 of the file. Empty in check mode.
      type: str
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ucops.recovery.plugins.module_utils._module.drill_record import SPEC, record
from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    run(module, lambda: record(module))


if __name__ == "__main__":
    main()
