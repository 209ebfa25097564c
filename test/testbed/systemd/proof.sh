#!/bin/bash
# Runs inside the container, with systemd as PID 1. The first thing that is not as it should be ends it.

set -euo pipefail
trap 'echo "FAILED at line $LINENO: $BASH_COMMAND"; systemctl status --no-pager qedge; journalctl -u "qedge*" --no-pager | tail -40' ERR
cd /root

request() { # one request, connection: close; prints the status line
  exec 7<>/dev/tcp/127.0.0.1/8080
  printf 'GET / HTTP/1.1\r\nhost: x\r\nx-qedge-service: pilotnet\r\nconnection: close\r\n\r\n' >&7
  head -1 <&7
  exec 7>&-
}
expect() { echo "  $1: $2"; [[ $2 == $3 ]] || { echo "expected $3"; false; }; }
never() { if "$@"; then echo "happened: $*"; false; fi; }  # `! …` would pass under -e in either case
until_true() { for _ in $(seq 300); do eval "$1" && return; sleep 0.2; done; echo "never: $1"; false; }
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

echo "# install again: other ports, a port less, another program"
listens() { (exec 7<>"/dev/tcp/127.0.0.1/$1") 2> /dev/null; }
cp /etc/qedge/qedge.toml good.toml
{ echo '[[service]]'; echo 'name = "own"'; echo 'listen = "127.0.0.1:8090"'; echo 'qos.latency = "500ms"'
  echo 'instances = ["http://127.0.0.1:9000"]'; echo '[proxy]'; echo 'listen = "127.0.0.1:8181"'; } >> /etc/qedge/qedge.toml
before=$(main_pid); ./qedge install > /dev/null
until_true 'listens 8181 && listens 8090'
never listens 8080
[[ $(main_pid) != "$before" ]]
expect 'own port' "$(systemctl is-active qedge-own.socket) $(systemctl is-enabled qedge-own.socket)" 'active enabled'
cp good.toml /etc/qedge/qedge.toml; ./qedge install | grep -F 'removed /etc/systemd/system/qedge-own.socket'
until_true 'listens 8080'
never listens 8090
never listens 8181
expect 'units' "$(systemctl list-units --all --plain --no-legend 'qedge*' | cut -d' ' -f1 | sort | xargs)" 'qedge-admin.socket qedge.service qedge.socket'
( for _ in $(seq 50); do request; sleep 0.02; done > requests.log 2>&1 ) & load=$!
./qedge install > /dev/null
wait $load
expect 'requests answered' "$(grep -c '200 OK' requests.log)" '50'

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

echo "# update to one that crashes at once: it never serves"
echo 'crashes at once' > /usr/local/lib/qedge/behaviour
release variant 9.9.9
before=$(main_pid)
never qedge update variant 2> update.log
expect 'update says' "$(cat update.log)" '*rolled back: it did not become ready: it ended*'
expect 'same process' "$(main_pid)" "$before"
expect 'version' "$(qedge version)" "$(./qedge version)"
expect 'request' "$(request)" '*200 OK*'

echo "# update to one that never becomes ready"
echo 'never becomes ready' > /usr/local/lib/qedge/behaviour
never qedge update variant --retry 2> update.log
expect 'update says' "$(cat update.log)" '*rolled back: it did not become ready within 30 s*'
expect 'same process' "$(main_pid)" "$before"
expect 'nothing of it left' "$(systemctl status --no-pager qedge | grep -c '[0-9] /usr/local/lib/qedge/qedge')" 1
expect 'request' "$(request)" '*200 OK*'

echo "# update of a service that does not run, to one that crashes at once"
echo 'crashes at once' > /usr/local/lib/qedge/behaviour
systemctl stop qedge
never qedge update variant --retry 2> update.log
expect 'update says' "$(cat update.log)" '*rolled back: it was started 2 times and did not last*'
expect 'version' "$(qedge version)" "$(./qedge version)"
until_true 'systemctl is-active -q qedge'
expect 'request' "$(request)" '*200 OK*'

echo "# update to a good one: it takes over while requests come"
release qedge "$(./qedge version --json | sed 's/.*"version":"\([^"]*\)".*/\1/')"
before=$(main_pid); restarts=$(systemctl show -P NRestarts qedge)
rm -f enough
( while [ ! -e enough ]; do request; done > requests.log 2>&1 ) & load=$!
expect 'update says' "$(qedge update qedge --allow-downgrade | tail -1)" '*accepted*'
touch enough; wait $load
expect 'requests' "$(grep -c '200 OK' requests.log)" "$(wc -l < requests.log)"
[ -s requests.log ]
[[ $(main_pid) != "$before" ]]
expect 'parent of the main process' "$(cut -d' ' -f4 "/proc/$(main_pid)/stat")" 1
expect 'restarts' "$(systemctl show -P NRestarts qedge)" "$restarts"
until_true '[[ $(systemctl show -P StatusText qedge) == *instance* ]]'
expect 'processes' "$(systemctl status --no-pager qedge | grep -c '[0-9] /usr/local/lib/qedge/qedge')" 1
expect 'trial left' "$(ls /usr/local/lib/qedge)" "$(printf 'behaviour\ninstalled.json\nqedge\nqedge.previous\nqedge.rejected')"

echo "# update where one port is not the manager's: a restart"
cp /etc/qedge/qedge.toml good.toml
{ echo '[[service]]'; echo 'name = "own"'; echo 'listen = "127.0.0.1:8090"'; echo 'qos.latency = "500ms"'
  echo 'instances = ["http://127.0.0.1:9000"]'; } >> /etc/qedge/qedge.toml
systemctl reload qedge
until_true '(exec 7<>/dev/tcp/127.0.0.1/8090) 2> /dev/null'
before=$(main_pid)
expect 'update says' "$(qedge update qedge --allow-downgrade --retry | tail -1)" '*accepted*'
[[ $(main_pid) != "$before" ]]
[[ $(systemctl show -P NRestarts qedge) -gt $restarts ]]
expect 'request' "$(request)" '*200 OK*'
cp good.toml /etc/qedge/qedge.toml; systemctl restart qedge

echo "# the one that took over is restarted, crashes and hangs like any other"
exec 8<>/dev/tcp/127.0.0.1/8080
printf 'GET /slow HTTP/1.1\r\nhost: x\r\nx-qedge-service: pilotnet\r\n\r\n' >&8
sleep 0.3; before=$(main_pid)
systemctl restart qedge
expect 'request in flight' "$(head -1 <&8)" '*200 OK*'; exec 8>&-
[[ $(main_pid) != "$before" ]]
before=$(main_pid)
systemctl kill --kill-who=main --signal=SIGUSR2 qedge
until_true '[[ $(main_pid) != '"$before"' ]]'
before=$(main_pid); kill -KILL "$before"
expect 'request meanwhile' "$(request)" '*200 OK*'
before=$(main_pid)
systemctl kill --kill-who=main --signal=SIGUSR2 qedge
until_true '[[ $(main_pid) != '"$before"' ]]'
before=$(main_pid); kill -STOP "$before"
until_true '[[ $(main_pid) != '"$before"' && $(main_pid) != 0 ]]'
expect 'request' "$(request)" '*200 OK*'

echo "# killed in the middle of a hand-over"
slow_request() {
  exec 8<>/dev/tcp/127.0.0.1/8080
  printf 'GET /slow HTTP/1.1\r\nhost: x\r\nx-qedge-service: pilotnet\r\n\r\n' >&8
  sleep 0.3
}
slow_request
before=$(main_pid)
systemctl kill --kill-who=main --signal=SIGUSR2 qedge
until_true '[[ $(systemctl status --no-pager qedge | grep -c "[0-9] /usr/local/lib/qedge/qedge") == 2 ]]'
sleep 0.5; kill -KILL "$before"
until_true '[[ $(main_pid) != '"$before"' && $(main_pid) != 0 ]]'
expect 'request' "$(request)" '*200 OK*'
expect 'processes' "$(systemctl status --no-pager qedge | grep -c '[0-9] /usr/local/lib/qedge/qedge')" 1
exec 8>&-

echo "# stopped in the middle of a hand-over"
slow_request
systemctl kill --kill-who=main --signal=SIGUSR2 qedge
until_true '[[ $(systemctl status --no-pager qedge | grep -c "[0-9] /usr/local/lib/qedge/qedge") == 2 ]]'
sleep 0.5
systemctl stop qedge
expect 'request in flight' "$(head -1 <&8)" '*200 OK*'; exec 8>&-
expect 'result' "$(systemctl show -P Result qedge)" success
systemctl start qedge
expect 'request' "$(request)" '*200 OK*'

echo "# uninstall, with a configuration that says nothing any more"
rm /usr/local/lib/qedge/behaviour
echo 'broken' > /etc/qedge/qedge.toml
qedge uninstall
never systemctl is-enabled -q qedge.socket 2> /dev/null
never systemctl is-active -q qedge
never test -e /usr/local/lib/qedge
echo PROVEN
