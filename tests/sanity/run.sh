#!/bin/sh
# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ansible-test sanity for a checkout that does not lie below ansible_collections: on a copy, with a private HOME,
# and with pip from the Python package index instead of a download of its own. The first argument names the copy, so that
# several runs can go on at a time; the others go to ansible-test.
set -eu

name=$1
shift

root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$root/build/sanity/$name/ansible_collections/ucops/recovery
cache=$HOME/.ansible/test/cache
# The version that ansible-test 2.19 asks for.
pip=24.2

case $HOME in
    "$root"/build/*) ;;
    *) echo "tests/sanity/run.sh: run it through make, which gives it a HOME below build/" >&2; exit 1 ;;
esac

mkdir -p "$cache"
if [ ! -e "$cache/pip-$pip-py3-none-any.whl" ]; then
    python -m pip download -qq --no-deps --dest "$cache" "pip==$pip"
fi
cp "$root/tests/sanity/get_pip.py" "$cache/$name.py"
mv "$cache/$name.py" "$cache/get_pip_$(echo $pip | tr . _).py"

# The host trees of the demo and the golden files stay behind: they are other programs' files, not code.
# A git repository of its own keeps ansible-test from asking the surrounding one, which ignores build/.
rm -rf "$copy"
mkdir -p "$copy"
git -C "$root" ls-files --cached --others --exclude-standard -z -- . ':!demo/trees' ':(exclude,glob)tests/unit/**/golden/**' |
    rsync --archive --from0 --files-from=- --ignore-missing-args "$root/" "$copy/"
git init --quiet "$copy"

# Compile and import run for every Python that is found: the oldest that modules may meet is worth having, others are not.
if oldest=$(sh "$root/tools/oldest.sh" find); then
    mkdir -p "$root/build/python"
    ln -sf "$oldest" "$root/build/python/python3.9"
    PATH=$PATH:$root/build/python
fi

# Not a word from pip while all is well.
export PIP_QUIET=2

cd "$copy"
exec ansible-test sanity --local --color no "$@"
