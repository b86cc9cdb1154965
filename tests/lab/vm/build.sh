#!/bin/sh
# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes a virtual machine of Debian's kernel and busybox: FOLDER/vmlinuz and FOLDER/initramfs. The kernel's package is
# unpacked and not installed, so the machine that runs the tests goes on booting its own.
set -eu

folder=$1
here=$(cd "$(dirname "$0")" && pwd)
wanted="virtio_pci virtio_blk virtio_net nfsv4"

for program in apt-get busybox cpio dpkg-deb depmod modprobe; do
    if ! command -v "$program" >/dev/null 2>&1; then
        echo "no virtual machine: there is no $program" >&2
        exit 1
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The package named here only leads to the one that holds a kernel.
package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
if [ -z "$package" ]; then
    echo "no virtual machine: no kernel for it is in Debian's lists here" >&2
    exit 1
fi
# apt gives its rights away before it loads, to somebody who may not write here.
(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package")
dpkg-deb --extract "$work"/linux-image-*.deb "$work/kernel"
version=$(ls "$work/kernel/lib/modules")
depmod --basedir "$work/kernel" "$version"

root=$work/root
mkdir -p "$root/bin" "$root/modules"
cp "$(command -v busybox)" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
cp "$here/init.sh" "$root/init"
chmod 755 "$root/init"
# Their numbers are the order to load them in: each behind those that it needs.
for module in $wanted; do
    modprobe --dirname "$work/kernel" --set-version "$version" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | {
    number=100
    while read -r file; do
        number=$((number + 1))
        cp "$file" "$root/modules/$number-$(basename "$file")"
    done
}

mkdir -p "$folder"
(cd "$root" && find . | cpio --quiet -o -H newc) | gzip -1 >"$folder/initramfs.new"
cp "$work/kernel/boot/vmlinuz-$version" "$folder/vmlinuz"
mv "$folder/initramfs.new" "$folder/initramfs"
