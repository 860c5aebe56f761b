#!/usr/bin/env bash
# Starts a cluster that stays (`up`), or ends it (`down`). Everything of it lies below target/cluster.
set -euo pipefail
cd "$(dirname "$0")/../.."
here="$PWD/target/cluster"
state="$here/run"

running() { # whether the process that `up` started is there
  [ -f "$here/pid" ] && [ "$(cat "/proc/$(cat "$here/pid")/comm" 2>/dev/null)" = plane ]
}

case "${1:-}" in
  up)
    if running; then
      echo "a cluster runs already (process $(cat "$here/pid")); make cluster-down ends it"
    else
      programs="$(tests/tools/cluster-build.sh)"
      rm -f "$here/env"
      setsid "$programs/plane" --programs "$programs" --state "$state" --service target/debug/lastgood --images "$here/images" \
        </dev/null >"$here/plane.log" 2>&1 &
      echo $! >"$here/pid"
      until grep -q '^ready$' "$here/plane.log"; do
        if ! running; then
          cat "$here/plane.log" >&2
          exit 1
        fi
        sleep 0.1
      done
      cp "$state/env" "$here/env"
      KUBECONFIG="$state/credentials/admin.kubeconfig" "$programs/kubectl" apply --server-side -f deploy/kubernetes/histories.yaml
    fi
    cat <<'NEXT'
Next:
  source target/cluster/env     KUBECONFIG, PROMETHEUS_URL, and a PATH with kubectl
  kubectl get nodes
  make cluster-down
Output of the cluster's parts is in target/cluster/run/logs, that of containers in target/cluster/run/pods.
NEXT
    ;;
  down)
    if ! running; then
      echo "no cluster runs"
    else
      pid="$(cat "$here/pid")"
      kill "$pid"
      while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
      echo "ended"
    fi
    rm -rf "$state" "$here/env" "$here/pid" "$here/plane.log"
    ;;
  *)
    echo "usage: $0 up|down" >&2
    exit 2
    ;;
esac
