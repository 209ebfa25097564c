#!/bin/bash
# Runs inside the container, with systemd as PID 1. The first thing that is not as it should be ends it.

set -euo pipefail
trap 'echo "FAILED at line $LINENO: $BASH_COMMAND"; systemctl status --no-pager qedge; journalctl -u qedge --no-pager | tail -30' ERR
cd /root

request() { # one request, connection: close; prints the status line
  exec 7<>/dev/tcp/127.0.0.1/8080
  printf 'GET / HTTP/1.1\r\nhost: x\r\nx-qedge-service: pilotnet\r\nconnection: close\r\n\r\n' >&7
  head -1 <&7
  exec 7>&-
}
expect() { echo "  $1: $2"; [[ $2 == $3 ]] || { echo "expected $3"; false; }; }
until_true() { for _ in $(seq 200); do eval "$1" && return; sleep 0.2; done; echo "never: $1"; false; }
main_pid() { systemctl show -P MainPID qedge; }
release() { /root/qedge sign "$1" --key key.pem --release "$2" > /dev/null; }

echo "systemd $(systemctl --version | head -1 | cut -d' ' -f2) is PID $(pgrep -o -x systemd 2>/dev/null || echo 1)"
perl instance.pl & disown
mkdir -p /etc/qedge
{ echo '[node]'; echo 'id = "container"'; ./qedge keygen key.pem; echo 'probation = "5s"'
  echo '[[service]]'; echo 'name = "pilotnet"'; echo 'qos.latency = "500ms"'
  echo 'instances = ["http://127.0.0.1:9000"]'; } > /etc/qedge/qedge.toml

echo "# install"
./qedge install
until_true 'systemctl is-active -q qedge'
expect 'request' "$(request)" '*200 OK*'
expect 'user of its own' "$(stat -c %u "/proc/$(main_pid)")" '6[1-5]???'
until_true '[[ $(systemctl show -P StatusText qedge) == *instance* ]]'
expect 'status' "$(systemctl show -P StatusText qedge)" '*1 service, 1 instance*'
until_true 'test -s /var/lib/private/qedge/qedge.db'

echo "# reload"
before=$(main_pid); systemctl reload qedge; sleep 1
expect 'same process' "$(main_pid)" "$before"

echo "# restarts under requests"
( for _ in $(seq 300); do request; sleep 0.02; done > requests.log 2>&1 ) & load=$!
for _ in 1 2 3; do systemctl restart qedge; sleep 0.5; done
wait $load
expect 'requests answered' "$(grep -c '200 OK' requests.log)" '300'

echo "# crash: SIGKILL"
before=$(main_pid); kill -KILL "$before"
expect 'request meanwhile' "$(request)" '*200 OK*'
[[ $(main_pid) != "$before" ]]

echo "# hang: the watchdog"
before=$(main_pid); kill -STOP "$before"
until_true '[[ $(main_pid) != '"$before"' && $(main_pid) != 0 ]]'
expect 'request' "$(request)" '*200 OK*'

echo "# update to one that crashes at once"
echo 'crashes at once' > /usr/local/lib/qedge/behaviour
release variant 9.9.9
! qedge update variant 2> update.log
expect 'update says' "$(cat update.log)" '*sent home: it was started 2 times and did not last*'
expect 'version' "$(qedge version)" "$(./qedge version)"
expect 'request' "$(request)" '*200 OK*'

echo "# update to one that never becomes ready"
echo 'never becomes ready' > /usr/local/lib/qedge/behaviour
mkdir -p /run/systemd/system/qedge.service.d
printf '[Service]\nTimeoutStartSec=3s\n' > /run/systemd/system/qedge.service.d/test.conf
systemctl daemon-reload
! qedge update variant --retry 2> update.log
expect 'update says' "$(cat update.log)" '*sent home*'
expect 'request' "$(request)" '*200 OK*'

echo "# update to a good one"
release qedge "$(./qedge version --json | sed 's/.*"version":"\([^"]*\)".*/\1/')"
expect 'update says' "$(qedge update qedge --allow-downgrade | tail -1)" '*accepted*'
expect 'request' "$(request)" '*200 OK*'
expect 'trial left' "$(ls /usr/local/lib/qedge)" "$(printf 'behaviour\ninstalled.json\nqedge\nqedge.previous\nqedge.rejected')"

echo "# uninstall"
rm /usr/local/lib/qedge/behaviour
qedge uninstall
! systemctl is-active -q qedge
! test -e /usr/local/lib/qedge
echo PROVEN
