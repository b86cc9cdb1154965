#!/bin/sh
# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes .venv with everything that the Makefile's targets run. Needs no root.
set -eu

venv=$1

supported() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

python=
for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 /usr/bin/python3}; do
    if supported "$candidate"; then
        # The interpreter behind a virtual environment or a shim: either may vanish.
        python=$("$candidate" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))')
        break
    fi
done
if [ -z "$python" ]; then
    echo "make env: no Python 3.11, 3.12 or 3.13 found on PATH. Install one, or call: make env PYTHON=/path/to/python3" >&2
    exit 1
fi

rm -rf "$venv"
echo "make env: $venv with $("$python" --version), a minute the first time"
if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv "$venv"
    pip="$venv/bin/python -m pip"
elif "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --without-pip "$venv"
    pip="$python -m pip --python $venv/bin/python"
else
    echo "make env: $python has neither ensurepip nor pip. On Debian: apt-get install python3-venv" >&2
    exit 1
fi
# shellcheck disable=SC2086  # $pip is a command with its arguments
$pip install -qq --disable-pip-version-check --requirement requirements-dev.txt --constraint constraints.txt
touch "$venv/ready"
