#!/bin/sh
# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs the Debian packages that a list names, without letting one of them start a service: the test hosts start
# their own. Does nothing, and says so, where it is not root or not Debian.
set -eu

list=$1
policy=/usr/sbin/policy-rc.d
wanted=$(sed 's/#.*//' "$list")

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "not Debian: nothing installed, the tests that need hosts are left out"
    exit 0
fi
missing=
for package in $wanted; do
    if [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
        missing="$missing $package"
    fi
done
if [ -z "$missing" ]; then
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    echo "not root, so not installed:$missing"
    exit 0
fi

restore() {
    if [ -e "$policy.before-ucops" ]; then
        mv -f "$policy.before-ucops" "$policy"
    else
        rm -f "$policy"
    fi
}
if [ -e "$policy" ] && [ ! -e "$policy.before-ucops" ]; then
    mv "$policy" "$policy.before-ucops"
fi
trap restore EXIT
trap 'exit 130' INT TERM
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# shellcheck disable=SC2086  # a list of packages
install() {
    apt-get -qq update &&
        apt-get -qq install --yes --no-install-recommends -o Dpkg::Use-Pty=0 $missing
}
if ! install >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
rm -f "$log"
