#!/usr/bin/env bash
# Checks licenses, bans and sources of every crate (deny.toml) with cargo-deny. Where it is missing it is built once and kept in the
# user's cache, so that a second checkout does not build it again.
# Advisories need the network's newest list, so they are not part of this.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=0.20.2
cache="${XDG_CACHE_HOME:-$HOME/.cache}/lastgood/cargo-deny-$version"
tool="$cache/bin/cargo-deny"
if command -v cargo-deny >/dev/null; then
  tool=cargo-deny
elif [ ! -x "$tool" ]; then
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
    cargo install --locked --quiet --root "$cache" --target-dir target/tools/build "cargo-deny@$version"
  rm -rf target/tools/build
fi
cargo fetch --locked --quiet
"$tool" --offline --locked check licenses bans sources
