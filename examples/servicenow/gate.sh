#!/bin/sh
# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# gate.sh CHG0042 [options of ansible-playbook]: the gate, and what it said into the change. Ends as the gate ended.
set -eu

change=$1
shift
here=$(dirname "$0")

code=0
ansible-playbook "$here/change_gate.yml" -e "change_id=$change" "$@" || code=$?
if ! ansible-playbook "$here/work_notes.yml" -e "change_id=$change" "$@" && [ "$code" = 0 ]; then
    code=1
fi
exit "$code"
