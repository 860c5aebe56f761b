#!/usr/bin/env bash
# Builds what a cluster for tests consists of (tests/cluster), and prints the directory with its programs. Each part is built once per
# version of its module and kept in the user's cache, so that a second checkout does not build it again.
#   tests/tools/cluster-build.sh [PART…]     etcd prometheus kwok kubernetes plane; all without an argument
# A part that needs more than a line here has a build.sh of its own.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/lastgood/cluster"
programs="$PWD/target/cluster/programs"
go="$(tests/tools/go.sh)"
# Static, and the same wherever it is built; the toolchain is the one that was found.
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS="-trimpath -buildvcs=false"
mkdir -p "$cache" "$programs"

build() { # PART DIRECTORY: builds the part's module, which is the working directory, into DIRECTORY
  case "$1" in
    etcd) "$go" build -ldflags '-s -w' -o "$2/etcd" go.etcd.io/etcd/server/v3 ;;
    kubernetes)
      "$go" build -ldflags "-s -w $(version k8s.io/component-base/version) $(version k8s.io/client-go/pkg/version)" -o "$2/kubernetes" .
      for name in kube-apiserver kube-controller-manager kube-scheduler kubectl; do ln -s kubernetes "$2/$name"; done
      ;;
    # Of the service discoveries only Kubernetes'; its version is 3 where its module's is 0.3.
    prometheus)
      "$go" build -tags remove_all_sd,enable_kubernetes_sd -ldflags '-s -w -X github.com/prometheus/common/version.Version=3.16.0' \
        -o "$2/prometheus" github.com/prometheus/prometheus/cmd/prometheus
      ;;
    plane) "$go" build -ldflags '-s -w' -o "$2/plane" . ;;
    *) echo "no part of a cluster is called $1" >&2 && return 1 ;;
  esac
}

version() { # PACKAGE: sets the version that a Kubernetes program tells to that of its module
  local kubernetes
  kubernetes="$("$go" list -m -f '{{.Version}}' k8s.io/kubernetes)"
  echo "-X $1.gitVersion=$kubernetes -X $1.gitMajor=1 -X $1.gitMinor=$(cut -d. -f2 <<<"$kubernetes") -X $1.gitTreeState=clean"
}

key() { # PART: what the part is built from, and how
  (cd "tests/cluster/$1" && find . -name '*.go' -o -name go.mod -o -name go.sum -o -name build.sh | LC_ALL=C sort | xargs sha256sum &&
    "$go" env GOVERSION GOARCH && declare -f build version) | sha256sum | cut -c1-16
}

if [ $# -eq 0 ]; then set -- etcd prometheus kwok plane kubernetes; fi
for part in "$@"; do
  kept="$cache/$part-$(key "$part")"
  # Two that build the same at once: the second waits, and finds it built.
  exec 8>"$cache/$part.lock"
  if [ ! -d "$kept" ]; then flock 8; fi
  if [ ! -d "$kept" ]; then
    SECONDS=0
    echo "cluster: building $part" >&2
    rm -rf "$cache/.$part" && mkdir "$cache/.$part"
    (cd "tests/cluster/$part" && if [ -f build.sh ]; then bash build.sh "$go" "$cache/.$part"; else build "$part" "$cache/.$part"; fi)
    mv "$cache/.$part" "$kept"
    echo "cluster: $part built in $SECONDS s, $(du -sh "$kept" | cut -f1)" >&2
  fi
  exec 8>&-
  # Those of other versions go when no checkout has used them for a month.
  touch "$kept"
  find "$cache" -mindepth 1 -maxdepth 1 -type d -name "$part-*" -mtime +30 -exec rm -rf {} +
  for program in "$kept"/*; do ln -sfn "$program" "$programs/$(basename "$program")"; done
done
echo "$programs"
