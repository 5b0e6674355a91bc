#!/bin/bash
# fetch-engine.sh DIR: unpack the engine of Debian trixie (26.1) into DIR without changing the host's installed packages.
# Bookworm's own engine (20.10) fails at --privileged where the machine itself lacks a capability ("unable to apply caps").
# docker.io, docker-cli, containerd and tini need only libc 2.34. trixie's runc needs a newer one, so runc is the host's package.
set -euo pipefail
dir=$1
[ -x "$dir/bin/dockerd" ] && exit 0

mirror() {
  sed -n 's/^URIs: //p;s/^deb [^h]*\(http[^ ]*\).*/\1/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    grep '/debian/*$' | head -1 || true
}
url=${DEBIAN_MIRROR:-$(mirror)}
w=$(mktemp -d); chmod 755 "$w"; trap 'rm -rf "$w"' EXIT
mkdir -p "$w"/{lists/partial,cache/archives/partial,etc/preferences.d,etc/sources.list.d,etc/apt.conf.d,debs,x}
: >"$w/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${url:-http://deb.debian.org/debian} trixie main" >"$w/etc/sources.list"
# The host's apt.conf.d (proxies, certificates) still applies. Only sources, lists and state are separate.
cp -a /etc/apt/apt.conf.d/. "$w/etc/apt.conf.d/" 2>/dev/null || true
cat >"$w/apt.conf" <<X
Dir::Etc "$w/etc"; Dir::State "$w"; Dir::State::Lists "$w/lists"; Dir::State::status "$w/status"; Dir::Cache "$w/cache";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d"; Acquire::Check-Valid-Until "false"; Acquire::Languages "none";
Acquire::Retries "3"; APT::Sandbox::User "root";
X
export APT_CONFIG=$w/apt.conf
apt-get update -qq
cd "$w/debs"
apt-get download -qq docker.io docker-cli containerd
apt-get download -qq tini-static 2>/dev/null || apt-get download -qq tini
for deb in *.deb; do dpkg -x "$deb" "$w/x"; done
new=$dir.new.$$
mkdir -p "$new/bin"
for f in dockerd docker docker-proxy containerd containerd-shim-runc-v2 tini-static; do
  for from in usr/bin usr/sbin usr/libexec/docker; do
    [ -f "$w/x/$from/$f" ] && cp -a "$w/x/$from/$f" "$new/bin/"
  done
done
ln -sf tini-static "$new/bin/docker-init"
"$new/bin/dockerd" --version
rm -rf "$dir"; mv "$new" "$dir"
