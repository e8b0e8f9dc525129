#!/bin/sh
# The first process of the node, in mount, network and process namespaces of its own. $1: its folder; the rest: the kubelet.
set -eu
folder=$1
shift
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
for each in lib log; do mkdir -p "$folder/$each"; mount --bind "$folder/$each" "/var/$each"; done
# The kubelet would set these for the whole machine.
mkdir -p "$folder/sysctl"
for each in vm.overcommit_memory=1 vm.panic_on_oom=0 kernel.panic=10 kernel.panic_on_oops=1 kernel.keys.root_maxkeys=1000000 \
  kernel.keys.root_maxbytes=25000000; do
  name=${each%=*}
  echo "${each#*=}" >"$folder/sysctl/$name"
  mount --bind "$folder/sysctl/$name" "/proc/sys/$(echo "$name" | tr . /)"
done
containerd --config "$folder/containerd.toml" >"$folder/containerd.log" 2>&1 &
until ctr version >/dev/null 2>&1; do sleep 0.2; done
for each in "$folder"/*.tar; do ctr --namespace k8s.io images import "$each" >/dev/null; done
"$@" &
wait $!
