#!/usr/bin/env bash
# Runs every test, then tells which were skipped. A test that cannot run here passes and prints `skipped: NAME: reason`; each such name must
# stand in tests/skipped.txt with the reason why that is all right, else this fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
log=target/test.log
mkdir -p target
# The cluster's parts are built beside the tests; where they were built before, this only looks.
tests/tools/cluster-build.sh >/dev/null &
beside=$!
trap 'kill "$beside" 2>/dev/null || true' EXIT
# Crates of other platforms too: what is linked there is tested from their manifests.
cargo fetch --locked --quiet
cargo test --locked --all-features --no-run
if ! wait "$beside"; then
  echo "the parts of the cluster could not be built" >&2
  exit 1
fi

# The suites on the cluster mostly wait, for as long as all others take: the two run side by side. What computes yields to what keeps time.
on_cluster=(--test plane --test rollouts)
others=(--lib --bins)
for suite in tests/*/main.rs tests/*.rs; do
  suite=${suite%/main.rs} suite=${suite#tests/} suite=${suite%.rs}
  [[ " ${on_cluster[*]} " == *" $suite "* ]] || others+=(--test "$suite")
done
cargo test --locked --all-features --no-fail-fast "${on_cluster[@]}" -- --show-output >target/test-cluster.log 2>&1 &
beside=$!
failed=0
nice -n 5 cargo test --locked --all-features --no-fail-fast "${others[@]}" -- --show-output 2>&1 | tee "$log" || failed=1
wait "$beside" || failed=1
tee -a "$log" <target/test-cluster.log
if [ "$failed" = 1 ]; then
  echo "tests failed; all that they printed is in $log" >&2
  exit 1
fi

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
