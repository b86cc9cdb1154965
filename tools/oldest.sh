#!/bin/sh
# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The oldest Python that modules may meet. "oldest.sh find" prints where a Python 3.9 is; "oldest.sh make FOLDER" makes
# an environment there with the oldest libraries. Fails quietly where there is no Python 3.9.
set -eu

find_python() {
    for candidate in "$(PATH=${OUTER_PATH:-$PATH} command -v python3.9)" \
        "${PYENV_ROOT:-/root/.pyenv}"/versions/3.9.*/bin/python3.9; do
        # A shim may be there without a Python behind it.
        if "$candidate" -c '' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

case $1 in
    find)
        find_python
        ;;
    make)
        if [ ! -e "$2/ready" ] || [ -n "$(find requirements-oldest.txt -newer "$2/ready")" ]; then
            python=$(find_python)
            rm -rf "$2"
            "$python" -m venv "$2"
            "$2/bin/python" -m pip install -qq --disable-pip-version-check --requirement requirements-oldest.txt
            touch "$2/ready"
        fi
        ;;
esac
