#!/usr/bin/env bash
# Builds KWOK, with the stages of nodes and pods that its own module carries.
#   build.sh GO DIRECTORY
set -euo pipefail
"$1" build -ldflags '-s -w' -o "$2/kwok" sigs.k8s.io/kwok/cmd/kwok
stages="$("$1" list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage"
for stage in "$stages"/node/fast/*.yaml "$stages"/pod/fast/*.yaml; do
  case "$stage" in
    */kustomization.yaml) ;;
    *) printf -- '---\n' && cat "$stage" ;;
  esac
done >"$2/kwok-stages.yaml"
