#!/usr/bin/env bash
# Run one step of the build: a plain line at its start, its whole output in build/log, the log's end if it fails.
#   book/step.sh NAME "what it does" COMMAND...
set -uo pipefail
name=$1 says=$2
shift 2
mkdir -p build/log
printf '%s ... ' "$says"
start=$(date +%s.%N)
if "$@" >"build/log/$name.log" 2>&1; then
  seconds=$(awk -v a="$start" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }')
  printf '%s s\n' "$seconds"
  printf '{"step": "%s", "seconds": %s, "at": "%s"}\n' "$name" "$seconds" "$(date -u +%FT%TZ)" >>build/log/times.jsonl
else
  code=$?
  printf 'failed\n\nThe end of build/log/%s.log:\n' "$name"
  tail -n 40 "build/log/$name.log" | sed 's/^/  /'
  exit "$code"
fi
