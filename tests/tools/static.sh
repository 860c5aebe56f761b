#!/usr/bin/env bash
# Builds the static binary that an image consists of, and tries it as such an image would run it: as nobody in particular, in a root directory
# that holds the binary, certificate authorities, where names are asked for and, as in every container, sources of chance; nothing else.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=x86_64-unknown-linux-gnu
profile="${PROFILE:-release}"
RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --profile "$profile" --target "$target" --target-dir target/static
built="target/static/$target/$([ "$profile" = dev ] && echo debug || echo "$profile")/lastgood"
if readelf --dynamic "$built" | grep NEEDED; then echo "it needs shared libraries" >&2 && exit 1; fi
prometheus="$(tests/tools/prometheus.sh)"

here="$(mktemp -d)"
started=()
finish() { for process in "${started[@]}"; do kill "$process" 2>/dev/null && wait "$process" || true; done; rm -rf "$here"; }
trap finish EXIT

# An authority of its own, and a Prometheus that it vouches for under a name that only these two ways tell.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=lastgood tests" \
  -keyout "$here/ca.key" -out "$here/ca.pem" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=by-file.test" \
  -keyout "$here/key.pem" -out "$here/request.pem" 2>/dev/null
openssl x509 -req -days 2 -in "$here/request.pem" -CA "$here/ca.pem" -CAkey "$here/ca.key" -CAcreateserial -out "$here/cert.pem" \
  -extfile <(echo "subjectAltName=DNS:by-file.test,DNS:by-server.test") 2>/dev/null
printf 'tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n' >"$here/web.yaml"
printf 'global: {scrape_interval: 1s}\n' >"$here/prometheus.yaml"
port=$((20000 + RANDOM % 20000))
"$prometheus" --config.file="$here/prometheus.yaml" --web.config.file="$here/web.yaml" --storage.tsdb.path="$here/data" \
  --web.listen-address="127.0.0.1:$port" 2>"$here/prometheus.log" &
started+=($!)

root="$here/root"
mkdir -p "$root/etc/ssl/certs" "$root/dev"
cp "$built" "$root/lastgood"
cp "$here/ca.pem" "$root/etc/ssl/certs/ca-certificates.crt"
cp deploy/kubernetes/policies/myapp.yaml "$root/myapp.yaml"
echo "127.0.0.1 by-file.test" >"$root/etc/hosts"
echo "nameserver 127.0.0.1" >"$root/etc/resolv.conf"

if [ "$(id -u)" -eq 0 ]; then
  mknod -m 0444 "$root/dev/random" c 1 8
  mknod -m 0444 "$root/dev/urandom" c 1 9
  inside=(chroot --userspec=65532:65532 "$root")
else
  touch "$root/dev/random" "$root/dev/urandom"
  # Its own root first, who may mount, then nobody in particular.
  inside=(unshare --user --map-root-user --mount bash -c '
    for device in random urandom; do mount --bind "/dev/$device" "$0/dev/$device"; done
    exec unshare --user --map-user=65532 --map-group=65532 --root="$0" "$@"' "$root")
fi
"${inside[@]}" /lastgood --version
"${inside[@]}" /lastgood check /myapp.yaml >/dev/null

asks() { # NAME: whether it asks Prometheus under this name, over TLS
  "${inside[@]}" /lastgood check --prometheus "https://$1:$port" /myapp.yaml >"$here/said" 2>&1 || true
  if grep -q 'this query is empty' "$here/said"; then echo "asked $1 over TLS"; else cat "$here/said" >&2; return 1; fi
}
for _ in $(seq 100); do if grep -q 'ready to receive' "$here/prometheus.log"; then break; fi; sleep 0.1; done
asks by-file.test
# A name server takes the port that only root may open.
if [ "$(id -u)" -eq 0 ]; then
  python3 - "$here/names" <<'PYTHON' &
import socket, sys
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("127.0.0.1", 53))
open(sys.argv[1], "w").close()
while True:
    query, asker = names.recvfrom(512)
    end = query.index(b"\0", 12) + 1
    question = query[12:end + 4]
    found = question[-4:-2] == b"\0\1"  # An address of version 4; of version 6 it has none.
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x7f\0\0\1" if found else b""
    names.sendto(query[:2] + b"\x81\x80\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0" + question + answer, asker)
PYTHON
  started+=($!)
  for _ in $(seq 100); do if [ -e "$here/names" ]; then break; fi; sleep 0.1; done
  asks by-server.test
else
  echo "not tried: a name server, as its port is root's"
fi

# The controller, as a pod of a cluster would run it: histories in the cluster, under a lease, and the same Prometheus over TLS.
programs="$(tests/tools/cluster-build.sh)"
mkdir "$here/images"
"$programs/plane" --programs "$programs" --state "$here/plane" --service "$PWD/$built" --images "$here/images" </dev/null >"$here/plane.log" 2>&1 &
plane=$!
started+=("$plane")
for _ in $(seq 600); do if grep -q '^ready$' "$here/plane.log"; then break; fi; sleep 0.1; done
export KUBECONFIG="$here/plane/credentials/admin.kubeconfig"
kubectl() { HOME="$here" "$programs/kubectl" "$@"; }
kubectl apply -f deploy/kubernetes/histories.yaml
kubectl create namespace shop
kubectl create deployment myapp --namespace shop --image myapp:v1
kubectl config view --raw --flatten >"$root/kubeconfig"
cp deploy/kubernetes/lastgood.toml "$root/lastgood.toml"
chmod 0444 "$root/kubeconfig"
health=$((port + 1))
export LASTGOOD__POLICIES=/myapp.yaml LASTGOOD__PROMETHEUS__URL="https://by-file.test:$port" LASTGOOD__KUBERNETES__KUBECONFIG=/kubeconfig \
  LASTGOOD__SERVER__LISTEN="127.0.0.1:$health"
"${inside[@]}" /lastgood run --config /lastgood.toml 2>"$here/run.log" &
controller=$!
started+=("$controller")
ready() { python3 -c "import urllib.request as r; print(r.urlopen('http://127.0.0.1:$health/readyz', timeout=2).read().decode().strip())" 2>/dev/null; }
known() { kubectl get histories.lastgood.dev --namespace shop -o 'jsonpath={.items[*].target}'; }
for _ in $(seq 300); do
  if [ "$(ready)" = ready ] && [ "$(known)" = prod/myapp ]; then break; fi
  kill -0 "$controller" 2>/dev/null || break
  sleep 0.2
done
if [ "$(ready)" != ready ] || [ "$(known)" != prod/myapp ]; then cat "$here/run.log" >&2 && exit 1; fi
echo "run: ready as user $(stat -c %u "/proc/$controller"), and the history of $(known) is in the cluster"
kill "$controller"
wait "$controller"
unset LASTGOOD__POLICIES LASTGOOD__PROMETHEUS__URL LASTGOOD__KUBERNETES__KUBECONFIG LASTGOOD__SERVER__LISTEN

mv "$root/etc/ssl/certs/ca-certificates.crt" "$here/away"
if asks by-file.test 2>/dev/null; then echo "it trusts an authority that nobody named" >&2 && exit 1; fi
echo "without the authority it refuses"
ls -l "$built"
