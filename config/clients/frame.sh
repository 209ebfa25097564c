#!/bin/sh
# One frame with curl: frame.sh URL SERVICE FILE
# --max-time ends where the deadline does: a frame that is late is of no use. On 503 curl waits as long as Retry-After says,
# and tries again once.
exec curl --silent --show-error --fail-with-body --max-time 0.5 --retry 1 --retry-max-time 2 \
  --header "X-QEdge-Service: $2" --header 'X-Client-Id: gate-1' --header 'X-QEdge-Deadline-Ms: 500' \
  --data-binary "@$3" "$1"
