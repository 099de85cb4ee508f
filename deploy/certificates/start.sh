#!/bin/sh
# Start a server of an official image with its certificate: start.sh USER COMMAND...
# A key must be readable by the server's own user and by nobody else; the mounted one is root's.
set -eu
user=$1
shift
install -d -o "$user" -m 0700 /run/tls
install -o "$user" -m 0600 /certificates/ca.crt /certificates/tls.crt /certificates/tls.key \
  /certificates/tls.pem /run/tls/
exec docker-entrypoint.sh "$@"
