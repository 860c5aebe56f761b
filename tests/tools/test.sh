#!/usr/bin/env bash
# Runs every test, then tells which were skipped. A test that cannot run here passes and prints `skipped: NAME: reason`; each such name must
# stand in tests/skipped.txt with the reason why that is all right, else this fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
log=target/test.log
mkdir -p target
# The cluster's parts are built beside the tests; where they were built before, this only looks.
tests/tools/cluster-build.sh >/dev/null &
cluster=$!
trap 'kill "$cluster" 2>/dev/null || true' EXIT
cargo test --locked --all-features --no-run "$@"
if ! wait "$cluster"; then
  echo "the parts of the cluster could not be built" >&2
  exit 1
fi
cargo test --locked --all-features "$@" -- --show-output 2>&1 | tee "$log"

skipped=$(sed -n 's/^skipped: //p' "$log" | sort -u)
count=$(printf '%s' "$skipped" | grep -c . || true)
echo "skipped tests: $count"
unexcused=0
while IFS= read -r line; do
  [ -n "$line" ] || continue
  name=${line%%:*}
  if excuse=$(grep -m1 "^$name: " tests/skipped.txt); then
    echo "  excused: $line (${excuse#*: })"
  else
    echo "  NOT EXCUSED: $line" >&2
    unexcused=$((unexcused + 1))
  fi
done <<<"$skipped"
if [ "$unexcused" -gt 0 ]; then
  echo "$unexcused tests were skipped that tests/skipped.txt does not excuse" >&2
  exit 1
fi
