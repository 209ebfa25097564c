#!/bin/bash
# The Debian package in the container, on a node with a service and a file that says where it is: installed to
# the first routed request by the clock, upgraded under requests, removed, purged.

set -euo pipefail
trap 'echo "FAILED at line $LINENO: $BASH_COMMAND"; systemctl status --no-pager qedge; journalctl -u "qedge*" --no-pager | tail -40' ERR
cd /root

request() { # one request, connection: close; prints the status line
  exec 7<>/dev/tcp/127.0.0.1/8080
  printf 'GET / HTTP/1.1\r\nhost: x\r\nx-qedge-service: %s\r\nconnection: close\r\n\r\n' "${1:-pilotnet}" >&7
  head -1 <&7
  exec 7>&-
}
expect() { echo "  $1: $2"; [[ $2 == $3 ]] || { echo "expected $3"; false; }; }
until_true() { for _ in $(seq 300); do eval "$1" && return; sleep 0.1; done; echo "never: $1"; false; }
main_pid() { systemctl show -P MainPID qedge; }
left() { find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /root -o -path /var/lib/dpkg -o -path /var/log \) -prune -o -print | sort; }

perl instance.pl & disown
left > before.txt

echo "# from dpkg -i to a routed request"
began=$(date +%s%N)
dpkg -i qedge.deb > /dev/null
printf '[[instance]]\nservice = "pilotnet"\nurl = "http://127.0.0.1:9000"\n' > /etc/qedge/instances.toml
{ echo '[placement]'; echo 'allow = ["127.0.0.0/8"]'; echo '[placement.file]'; echo 'path = "instances.toml"'
  echo '[[service]]'; echo 'name = "pilotnet"'; echo 'qos.latency = "500ms"'; } > /etc/qedge/qedge.toml
systemctl restart qedge
until_true '[[ $(request) == *"200 OK"* ]]'
echo "  took $(( ($(date +%s%N) - began) / 1000000 )) ms"

echo "# what it brought"
expect 'units' "$(systemctl is-enabled qedge.service qedge.socket qedge-admin.socket | xargs)" 'enabled enabled enabled'
expect 'user' "$(stat -c %U "/proc/$(main_pid)")" 'qedge'
until_true 'qedge health > /dev/null'
expect 'health' "$(qedge health)" 'ready'
expect 'status' "$(qedge status --json | head -c 8)" '{"time":'
expect 'completion' "$(qedge __complete -- explain '' | cut -f1)" 'pilotnet'
until_true 'test -s /var/lib/qedge/qedge.db'

echo "# upgrade under requests"
dpkg-deb -R qedge.deb next
sed -i 's/^Version: .*/Version: 99.0/' next/DEBIAN/control
dpkg-deb -Znone -b next next.deb > /dev/null
( for _ in $(seq 400); do request; sleep 0.01; done > requests.log 2>&1 ) & load=$!
before=$(main_pid)
dpkg --force-confold -i next.deb > /dev/null
until_true '[[ $(main_pid) != "$before" ]]'
wait $load
expect 'requests answered' "$(grep -c '200 OK' requests.log)" '400'
expect 'restarts' "$(systemctl show -P NRestarts qedge)" '0'
expect 'user' "$(stat -c %U "/proc/$(main_pid)")" 'qedge'

echo "# upgrade that cannot run with this configuration: the old one goes on"
before=$(main_pid)
cp /etc/qedge/qedge.toml good.toml
echo 'nonsense = 1' >> /etc/qedge/qedge.toml
dpkg --force-confold -i qedge.deb > upgrade.log 2>&1
grep -q 'the one before goes on' upgrade.log
sleep 1
expect 'same process' "$(main_pid)" "$before"
expect 'request' "$(request)" '*200 OK*'
cp good.toml /etc/qedge/qedge.toml

echo "# remove, purge"
rm /etc/qedge/instances.toml
dpkg -r qedge > /dev/null 2>&1
expect 'left by remove' "$(comm -13 before.txt <(left) | grep -v '^/var/lib/\(private\|qedge\|systemd\)\|^/etc/\(systemd\|passwd-\|group-\|shadow-\|gshadow-\)' | xargs)" '/etc/qedge /etc/qedge/qedge.toml'
dpkg -P qedge > /dev/null 2>&1
expect 'left by purge' "$(comm -13 before.txt <(left) | grep -v '^/etc/\(passwd\|group\|shadow\|gshadow\)-$\|^/var/lib/private$' | xargs)" ''
echo PROVEN
