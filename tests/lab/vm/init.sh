#!/bin/sh
# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Process 1 of a virtual machine. Each line that comes in by the second serial port is run; what it says goes out there,
# and at its end a line "ended with CODE". What the kernel says goes to the first one.
/bin/busybox mkdir -p /proc /sys /dev /run
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do
    insmod "$module"
done
hostname "$(sed 's/.*name=\([^ ]*\).*/\1/' /proc/cmdline)"
ip link set lo up
# What qemu's network in user space is like inside, see its manual.
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2

exec </dev/ttyS1 >/dev/ttyS1 2>&1
stty raw -echo
echo up
while read -r line; do
    (eval "$line") </dev/null
    printf '\nended with %s\n' "$?"
done
