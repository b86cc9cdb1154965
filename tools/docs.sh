#!/bin/sh
# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The module reference as HTML, made without reaching anything outside.
set -eu

rm -rf build/docs
mkdir -p build/docs
chmod 755 build/docs
antsibull-docs sphinx-init --use-current --lenient --dest-dir build/docs ucops.recovery >/dev/null
cd build/docs
sed -i 's/^intersphinx_mapping = {/intersphinx_mapping = {} and {/' conf.py
# References into the documentation of ansible-core stay unresolved here, and sphinx warns of each.
bash build.sh >build.log 2>&1 || { cat build.log; exit 1; }
echo "build/docs/build/html/collections/ucops/recovery/index.html"
