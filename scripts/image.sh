#!/bin/sh
# The image, without a container engine: buildah builds it where there is only root and Debian's packages.
#   scripts/image.sh build   the image IMAGE (sgportal:<version>) from BASE; BASE=debian makes one of Debian's packages
#   scripts/image.sh test    the chart's test on a real control plane, with the processes of that image
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^VERSION = "\(.*\)"/\1/p' sgportal/version.py)
image=${IMAGE:-sgportal:$version} base=${BASE:-} store=${STORE:-$HOME/.cache/sgportal-image}
mkdir -p "$store"
export BUILDAH_ISOLATION=chroot
engine() { buildah --storage-driver "${DRIVER:-overlay}" --root "$store/storage" --runroot "$store/run" "$@"; }

debian() {
  engine inspect --type image localhost/debian-python >/dev/null 2>&1 && return
  echo "Making a base of Debian's packages" >&2
  mmdebstrap --quiet --variant=minbase --aptopt='APT::Sandbox::User "root"' \
    --include=python3,python3-venv,python-is-python3,ca-certificates bookworm "$store/base.tar" "${SOURCES:-/etc/apt/sources.list.d/debian.sources}"
  made=$(engine from scratch)
  engine add --quiet "$made" "$store/base.tar" / >/dev/null
  # Registries are reached as from this machine, whose certificates are mounted below.
  engine config --env PIP_CERT=/etc/ssl/certs/ca-certificates.crt --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt "$made"
  engine commit --quiet --rm "$made" localhost/debian-python >/dev/null
  rm "$store/base.tar"
}

case "${1:-}" in
build)
  if [ "$base" = debian ]; then debian; base=localhost/debian-python; fi
  engine build --quiet --volume /etc/ssl/certs:/etc/ssl/certs:ro --build-arg VERSION="$version" \
    ${base:+--build-arg BASE="$base"} --tag "$image" .
  engine images
  ;;
test)
  made=$(engine from --pull-never "$image")
  trap 'engine rm "$made" >/dev/null' EXIT
  SGPORTAL_IMAGE_ROOT=$(engine mount "$made") .venv/bin/python -m pytest -q -n 0 tests/ops/chart/test_installed.py
  ;;
*) sed -n '2,4s/^# *//p' "$0"; exit 2 ;;
esac
