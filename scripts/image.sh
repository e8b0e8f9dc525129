#!/bin/sh
# The image, without a container engine: buildah builds it where there is only root and Debian's packages.
#   scripts/image.sh build   the image IMAGE (sgportal:<version>) from BASE; BASE=debian makes one of Debian's packages
#   scripts/image.sh test    the chart's test on a real control plane, with the processes of that image
#   scripts/image.sh root    fetch a base and wheels, build without the network, print the folder that is the image's root;
#                            where the parts cannot be had it says which, prints nothing and ends well (.ci/run)
#   scripts/image.sh archive FILE NAME   write the image IMAGE into a file, as docker load and ctr import take it, with this name
#   scripts/image.sh wheels  fetch the wheels that the image is made of into WHEELS; where it is set, `build` takes them from
#                            there and not from PyPI
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^VERSION = "\(.*\)"/\1/p' sgportal/version.py)
image=${IMAGE:-sgportal:$version} base=${BASE:-} wheels=${WHEELS:-} store=${STORE:-$HOME/.cache/sgportal-image}
locks="requirements/uv.txt requirements/otel.txt requirements/sbom.txt"
packages=python3,python3-venv,python-is-python3,ca-certificates
sources=${SOURCES:-/etc/apt/sources.list.d/debian.sources}
mkdir -p "$store"
export BUILDAH_ISOLATION=chroot
engine() { buildah --storage-driver "$DRIVER" --root "$store/$DRIVER" --runroot "$store/run-$DRIVER" "$@"; }

# Overlays where the kernel and the file system allow them; copies work anywhere.
driver() {
  for each in ${DRIVER:-overlay vfs}; do
    DRIVER=$each
    made=$(engine from scratch) && engine mount "$made" >/dev/null && engine rm "$made" >/dev/null && return
  done 2>/dev/null
  return 1
}

# What comes over the network may come at the second or the third try, or never.
fetch() {
  for pause in 5 20 0; do
    timeout 180 "$@" >&2 && return
    sleep $pause
  done
  return 1
}

# Made once of what is named here; its name is what it is made of.
debian() {
  debian=localhost/debian-python:$(echo "bookworm $packages" | cat - "$sources" | cksum | cut -d ' ' -f 1)
  engine inspect --type image "$debian" >/dev/null 2>&1 && return
  echo "Making a base of Debian's packages" >&2
  fetch mmdebstrap --quiet --variant=minbase --aptopt='APT::Sandbox::User "root"' --include="$packages" bookworm \
    "$store/base.tar" "$sources" || return
  made=$(engine from scratch) || return
  engine add --quiet "$made" "$store/base.tar" / >/dev/null || return
  # Registries are reached as from this machine, whose certificates are mounted below.
  engine config --env PIP_CERT=/etc/ssl/certs/ca-certificates.crt --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt "$made"
  engine commit --quiet --rm "$made" "$debian" >/dev/null || return
  rm "$store/base.tar"
}

# As this machine's pip is told to, for the Python of the base; each file by itself, for two may want two of one package.
wheels() {
  [ -e "$wheels/complete" ] && return
  for each in $locks; do
    fetch .venv/bin/pip download --quiet --only-binary=:all: --python-version 3.11 --no-deps --require-hashes -r "$each" \
      -d "$wheels" || return
  done
  touch "$wheels/complete"
}

build() {
  set -- --volume /etc/ssl/certs:/etc/ssl/certs:ro --build-arg VERSION="$version" ${base:+--build-arg BASE="$base"}
  if [ "$wheels" ]; then
    set -- "$@" --volume "$wheels:/wheels:ro" --build-arg PIP_NO_INDEX=1 --build-arg UV_NO_INDEX=1 \
      --build-arg PIP_FIND_LINKS=/wheels --build-arg UV_FIND_LINKS=/wheels
  fi
  engine build --quiet "$@" --tag "$image" .
}

# What may be missing through no fault of the checkout: a word for it, or none. Sets DRIVER and debian.
missing() {
  if [ "$(id -u)" != 0 ]; then echo "root"
  elif ! command -v buildah >/dev/null; then echo "buildah"
  elif ! command -v mmdebstrap >/dev/null; then echo "mmdebstrap"
  elif [ ! -r "$sources" ]; then echo "$sources"
  elif ! driver; then echo "a file system that buildah can use"
  elif ! debian; then echo "Debian's packages"
  elif ! wheels; then echo "PyPI's wheels"
  elif ! tried=$(engine from --pull-never "$debian") || ! engine run "$tried" -- python -c 'import ensurepip' >&2; then
    echo "a sandbox that may run the base"
  fi
}

# One at a time: who clears away what a build left behind would take it from another that is under way.
alone() {
  exec 9>"$store/lock"
  flock 9
}

case "${1:-}" in
build)
  alone
  driver
  if [ "$base" = debian ]; then debian; base=$debian; fi
  build
  engine images
  ;;
test)
  driver
  made=$(engine from --pull-never "$image")
  trap 'engine rm "$made" >/dev/null' EXIT
  SGPORTAL_IMAGE_ROOT=$(engine mount "$made") .venv/bin/python -m pytest -q -n 0 tests/ops/chart/test_installed.py tests/ops/chart/test_image.py
  ;;
root)
  alone
  wheels=${wheels:-$store/wheels-$(cat $locks | cksum | cut -d ' ' -f 1)}
  missing >"$store/missing"
  if [ -s "$store/missing" ]; then
    echo "NO IMAGE IS BUILT, for this is not to be had here: $(cat "$store/missing"). The checkout stands for it." >&2
    exit 0
  fi
  base=$debian
  echo "Building the image" >&2
  engine rm --all >/dev/null
  build >/dev/null
  engine rmi --prune >/dev/null
  made=$(engine from --pull-never "$image")
  rm -rf "$store/root"
  cp -a "$(engine mount "$made")" "$store/root" # so that nothing stays mounted
  engine rm "$made" >/dev/null
  echo "$store/root"
  ;;
archive)
  driver
  engine push --quiet "$image" "docker-archive:$2:$3"
  ;;
wheels) wheels ;;
*) sed -n '2,9s/^# *//p' "$0"; exit 2 ;;
esac
