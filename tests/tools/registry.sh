#!/usr/bin/env bash
# Prints the path of a registry of images: the one on the PATH, else the distribution's package unpacked below target/tools,
# so that no daemon of a package stays on the machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
if command -v docker-registry; then exit 0; fi
tools="$PWD/target/tools"
if [ ! -x "$tools/registry/usr/bin/docker-registry" ]; then
  rm -rf "$tools/.incoming-registry" && mkdir -p "$tools/.incoming-registry/deb"
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then sudo=(sudo); fi
  (cd "$tools/.incoming-registry/deb" && { apt-get download docker-registry >&2 || { "${sudo[@]}" apt-get update >&2 && apt-get download docker-registry >&2; }; })
  dpkg-deb -x "$tools"/.incoming-registry/deb/docker-registry_*.deb "$tools/.incoming-registry/registry"
  rm -rf "$tools/registry" && mv "$tools/.incoming-registry/registry" "$tools/registry" && rm -rf "$tools/.incoming-registry"
fi
echo "$tools/registry/usr/bin/docker-registry"
