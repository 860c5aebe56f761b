#!/usr/bin/env bash
# Prints the path of an nginx: the one on the PATH or in /usr/sbin, else the distribution's package unpacked below target/tools,
# so that no daemon of a package stays on the machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
if command -v nginx || command -v /usr/sbin/nginx; then exit 0; fi
tools="$PWD/target/tools"
if [ ! -x "$tools/nginx/usr/sbin/nginx" ]; then
  rm -rf "$tools/.incoming-nginx" && mkdir -p "$tools/.incoming-nginx/deb"
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then sudo=(sudo); fi
  (cd "$tools/.incoming-nginx/deb" && { apt-get download nginx >&2 || { "${sudo[@]}" apt-get update >&2 && apt-get download nginx >&2; }; })
  dpkg-deb -x "$tools"/.incoming-nginx/deb/nginx_*.deb "$tools/.incoming-nginx/nginx"
  rm -rf "$tools/nginx" && mv "$tools/.incoming-nginx/nginx" "$tools/nginx" && rm -rf "$tools/.incoming-nginx"
fi
echo "$tools/nginx/usr/sbin/nginx"
