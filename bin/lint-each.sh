#!/bin/sh
# The hook of pre-commit: checks each compose file as a stack of its own. The first run installs the dependencies.
set -eu
folder=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -d "$folder/node_modules" ]; then
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error) >&2
fi
status=0
for file in "$@"; do
  "$folder/bin/signalbox.js" lint "$file" || status=$?
done
exit "$status"
