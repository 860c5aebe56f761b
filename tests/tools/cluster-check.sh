#!/usr/bin/env bash
# Formatting of the cluster's Go modules.
set -euo pipefail
cd "$(dirname "$0")/../.."
go="$(tests/tools/go.sh)"
unformatted="$("$(dirname "$go")/gofmt" -l tests/cluster)"
if [ -n "$unformatted" ]; then
  echo "not formatted as gofmt does: $unformatted" >&2
  exit 1
fi
