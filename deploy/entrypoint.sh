#!/bin/sh
# Start the role that the first word names; anything else is a management command.
set -eu
role=${1:-web}
[ $# -eq 0 ] || shift
case "$role" in
  migrate | web | worker | beat | stream | venue)
    # Unsafe settings, plaintext addresses among them, end it here.
    python manage.py check --deploy --fail-level ERROR >&2 ;;
esac
case "$role" in
  migrate)
    # Both do nothing where the key is there.
    python manage.py keys_create
    python manage.py audit_key
    python manage.py migrate --noinput
    exec python manage.py migrate --noinput --database timescale ;;
  web)
    # Forwarding headers are the application's to judge: it believes those of TRUSTED_PROXIES.
    exec uvicorn stratford.asgi:application --host 0.0.0.0 --port 8000 \
      --ws websockets-sansio --loop uvloop --no-access-log --no-server-header --no-proxy-headers \
      --timeout-graceful-shutdown 20 "$@" ;;
  worker)
    exec celery -A stratford worker --loglevel INFO \
      -Q "${QUEUES:-audit,market,trading,compliance,analytics,notifications}" "$@" ;;
  beat)
    exec celery -A stratford beat --pidfile= --schedule /tmp/beat-schedule "$@" ;;
  stream)
    exec python manage.py market_stream "$@" ;;
  venue)
    exec python manage.py venue_stream "$@" ;;
  *)
    exec python manage.py "$role" "$@" ;;
esac
