#!/usr/bin/env bash
# Installs what this machine lacks, and nothing where it lacks nothing: a C compiler (SQLite and TLS are C) to build;
# with `cluster` also pip where there is no Go; with `static` that and what the trial of that binary needs; with `tests` pip too, git (which files are
# tracked) and systemd with dbus-daemon (a systemd of its own namespaces is one of the tests' rigs).
set -euo pipefail

missing=()
need() { # PACKAGES... -- COMMAND...: the packages, where one of the commands is not there
  local packages=()
  while [ "$1" != -- ]; do packages+=("$1"); shift; done
  shift
  for command in "$@"; do
    if ! command -v "$command" >/dev/null; then missing+=("${packages[@]}"); return; fi
  done
}

need gcc libc6-dev -- cc
if [[ "${1:-}" =~ ^(cluster|tests|static)$ ]] && ! command -v go >/dev/null; then need python3-pip -- pip3; fi
if [ "${1:-}" = tests ]; then
  need git -- git
  need systemd -- systemctl
  need dbus -- dbus-daemon
fi
if [ "${1:-}" = static ]; then
  need openssl -- openssl
  need binutils -- readelf
  need python3 -- python3
  need util-linux -- unshare
fi
if [ "${#missing[@]}" -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]}; this machine has no apt-get: install them by its own means" >&2
    exit 1
  fi
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then sudo=(sudo); fi
  "${sudo[@]}" apt-get update >&2
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}" >&2
fi
if ! command -v cargo >/dev/null; then
  echo "missing: cargo; install rustup from https://rustup.rs (rust-toolchain.toml names the toolchain, rustup fetches it)" >&2
  exit 1
fi
