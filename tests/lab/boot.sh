#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Process 1 of a test host, run by bash in fresh namespaces: boot.sh NAME DISK MACHINE_ID BIND...
# It says its process id, waits on stdin for the host's address, brings the host up, says "up", and stays to collect
# what dies. The end of stdin ends the host. This machine's own files are below it, read-only; what the host writes
# lies in DISK/upper.
set -eu

name=$1
disk=$2
machine_id=$3
shift 3

# /proc is still the machine's: this is the process id as the machine sees it.
read -r outside rest </proc/self/stat
echo "$outside"
read -r address

mkdir -p "$disk/upper" "$disk/work" "$disk/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work,redirect_dir=on,xino=on" "$disk/root"
cd "$disk/root"

# Folders of the machine that are file systems of their own are not part of its /.
for folder in /usr /var /etc /opt /home /root /srv; do
    if mountpoint -q "$folder"; then
        mkdir -p "$disk/upper$folder.upper" "$disk/upper$folder.work"
        mount -t overlay overlay \
            -o "lowerdir=$folder,upperdir=$disk/upper$folder.upper,workdir=$disk/upper$folder.work" ".$folder"
    fi
done

mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o size=1m,mode=755 tmpfs dev
for node in null zero full random urandom tty; do
    : >"dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o size=64m,mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mount -t tmpfs -o size=64m,mode=755 tmpfs run
mkdir -p run/sshd run/lock
mount -t tmpfs -o mode=1777 tmpfs tmp

# The checkout and its Python, at the place that they have on the machine.
for bind in "$@"; do
    mkdir -p ".$bind"
    mount --bind "$bind" ".$bind"
    mount -o remount,ro,bind ".$bind"
done

hostname "$name"
echo "$name" >etc/hostname
echo "$machine_id" >etc/machine-id
ln -sf /proc/self/mounts etc/mtab
if [ ! -e "$disk/installed" ]; then
    # Nothing of the person who runs the tests, and none of the machine's own keys.
    rm -rf root/.ssh root/.bashrc root/.profile root/.ansible root/.ansible.cfg etc/ansible etc/ssh/ssh_host_*
    ssh-keygen -q -t ed25519 -N '' -C "$name" -f etc/ssh/ssh_host_ed25519_key
    cat >etc/ssh/sshd_config <<'SSHD'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication yes
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
MaxStartups 100:30:400
MaxSessions 100
Subsystem sftp /usr/lib/openssh/sftp-server
SSHD
    : >"$disk/installed"
fi

mkdir -p .outside
pivot_root . .outside
umount -l /.outside
rmdir /.outside
cd /

ip link set lo up
ip address add "$address" dev eth0
ip link set eth0 up
/usr/sbin/sshd -E /var/log/sshd.log
echo up

while read -r _; do :; done
