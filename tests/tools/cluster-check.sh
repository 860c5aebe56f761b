#!/usr/bin/env bash
# Formatting of the cluster's Go modules, and go vet of the one that is a program of ours. Compiled as it is built, so that both share caches.
set -euo pipefail
cd "$(dirname "$0")/../.."
go="$(tests/tools/go.sh)"
unformatted="$("$(dirname "$go")/gofmt" -l tests/cluster)"
if [ -n "$unformatted" ]; then
  echo "not formatted as gofmt does: $unformatted" >&2
  exit 1
fi
cd tests/cluster/plane
CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS="-trimpath -buildvcs=false" "$go" vet ./...
