# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a STARFACE is restored by hand, in its web interface.

Sources: a copy of the vendor's manual 6.0 (mwitty.com, 6790932) for "IP-Adresse ignorieren", the list of users and
calls and the confirmation; the vendor's page on backups for where it is. What no source says is a step that looks.
"""

from __future__ import annotations

from .plan import Occasion, RecoveryPlan, Steps, source_of


def starface_plan(occasion: Occasion, *, ignore_ip: bool = False, why: str = "") -> RecoveryPlan:
    """The steps for one generation.

    :param ignore_ip: the appliance is another one, or has another address
    :param why: why it is not done by REST, a sentence
    """
    release = occasion.probe.release or "the release that the backup was made of"
    steps = Steps()
    steps.you(
        f"See that the appliance runs {release}. Nothing is published of restores across major versions, so install"
        " that one first, with its licence."
    )
    steps.you(
        "Look whom it hits: the restore ends all calls and logs everybody out. Make and keep a backup of the appliance"
        " as it is now, if it still runs."
    )
    steps.you(
        "Make a folder in memory on the backup host, readable for root alone: install -d -m 0700 /run/starface. The"
        " file is as good as a password of the appliance and must not touch a disk in the clear."
    )
    steps.module(
        "generation_extract",
        "Put the file there.",
        generation=occasion.generation,
        dest="/run/starface",
    )
    steps.you(
        "Open the appliance's web interface from a browser on a machine whose disk is encrypted: Admin > Server >"
        " Backup, and choose to restore from a file. Give it the .sar file."
    )
    if ignore_ip:
        steps.you(
            'Tick "IP-Adresse ignorieren": it must be on when the backup is of another appliance, or this one would'
            " take the other's address."
        )
    else:
        steps.you(
            'Leave "IP-Adresse ignorieren" off when the backup is of this very appliance and its address is to come'
            " back; tick it when it is of another one."
        )
    steps.you("Read the list of users who are logged in and of active calls that it shows, and confirm.")
    steps.you("Wait until the appliance is back, and log in. Do not switch it off meanwhile.")
    steps.you(
        "See that it is whole: version and licence, users, groups, telephones and numbers, lines registered,"
        " announcements, voicemails; then call from inside, from outside, and to an emergency number's test."
    )
    steps.you(
        "See the modules of third parties: their settings may not be in the backup, and are imported from their own"
        " export."
    )
    steps.you(
        "Remove the file from the browser's machine and from the backup host: rm -r /run/starface. Change passwords if"
        " it was anywhere else."
    )
    steps.module("starface_backup", "Make a backup of the restored appliance.", source=occasion.source)
    remarks = [why] if why else []
    remarks.append(
        "What is in a .sar is not published: only a drill on an appliance of its own proves that it restores."
    )
    return RecoveryPlan(
        title=f"Restore of the STARFACE {source_of(occasion.generation)}",
        generation=occasion.generation,
        known={"release": occasion.probe.release or "unknown", "host": occasion.probe.identity_text()},
        branches=[steps.branch("By hand, in the web interface", "The appliance runs and its web interface answers.")],
        remarks=remarks,
    )
