#!/bin/bash
# Boots a real systemd as PID 1 in a container of its own (no network but loopback), installs qedge there, and puts it
# through requests, restarts, updates and a hang; with `package`, the Debian package through its own life. By hand, as root;
# needs debootstrap and systemd-container.
#
#   test/testbed/systemd/boot.sh DIRECTORY [package]      (DIRECTORY: where the container's file system is made and kept)

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../../.." && pwd)
root=$(realpath -m "${1:?where the file system of the container goes}")
proof=proof${2:+-$2}.sh

[ -e "$root/sbin/init" ] || debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus bookworm "$root"
[ "$proof" != proof.sh ] || "$repository/node_modules/.bin/node" -e "
  import('$repository/test/support/variant.ts').then(({ builtVariant }) => require('fs').copyFileSync(builtVariant(), '$root/root/variant'))"
install -m 755 "$repository/dist/qedge-linux-x64" "$root/root/qedge"
install -m 755 "$here/$proof" "$here/instance.pl" "$root/root/"
[ "$proof" = proof.sh ] || cp "$repository"/dist/qedge_*_amd64.deb "$root/root/qedge.deb"
rm -rf "$root"/etc/systemd/system/{,*.wants/}qedge* "$root/usr/local/bin/qedge"
rm -rf "$root/root/proof.log" "$root/etc/qedge" "$root/usr/local/lib/qedge" "$root/root/key.pem" "$root/var/lib/private/qedge"
cat > "$root/etc/systemd/system/proof.service" <<UNIT
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash -c '/root/$proof > /root/proof.log 2>&1; systemctl poweroff'
[Install]
WantedBy=default.target
UNIT
ln -sf ../proof.service "$root/etc/systemd/system/multi-user.target.wants/proof.service"

systemd-nspawn -q -D "$root" --private-network --register=no --keep-unit --boot > "$root/root/boot.log" 2>&1 || true
cat "$root/root/proof.log"
grep -q '^PROVEN$' "$root/root/proof.log"
