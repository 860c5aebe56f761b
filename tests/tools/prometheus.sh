#!/usr/bin/env bash
# Prints the path of a Prometheus server: the one on the PATH, else the distribution's package unpacked below target/tools,
# so that no daemon of a package stays on the machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
if command -v prometheus; then exit 0; fi
tools="$PWD/target/tools"
if [ ! -x "$tools/prometheus/usr/bin/prometheus" ]; then
  rm -rf "$tools/.incoming" && mkdir -p "$tools/.incoming/deb"
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then sudo=(sudo); fi
  (cd "$tools/.incoming/deb" && { apt-get download prometheus >&2 || { "${sudo[@]}" apt-get update >&2 && apt-get download prometheus >&2; }; })
  dpkg-deb -x "$tools"/.incoming/deb/prometheus_*.deb "$tools/.incoming/prometheus"
  rm -rf "$tools/prometheus" && mv "$tools/.incoming/prometheus" "$tools/prometheus" && rm -rf "$tools/.incoming"
fi
echo "$tools/prometheus/usr/bin/prometheus"
