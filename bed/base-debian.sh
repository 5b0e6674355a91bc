#!/bin/bash
# base-debian.sh SUITE TAG: build a minimal Debian SUITE image as TAG with debootstrap, for machines without a container registry.
# Requires root, debootstrap, and a docker CLI that reaches the engine.
set -euo pipefail
suite=$1 tag=$2
mirror() {
  sed -n 's/^URIs: //p;s/^deb [^h]*\(http[^ ]*\).*/\1/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    grep '/debian/*$' | head -1 || true
}
url=${DEBIAN_MIRROR:-$(mirror)}
# Without a keyring debootstrap would accept any packages, with only a warning. On Ubuntu, Debian's keys are in a separate package.
keyring=${DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
if ! command -v debootstrap >/dev/null || ! command -v gpgv >/dev/null || ! [ -s "$keyring" ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap gpgv debian-archive-keyring
fi
[ -s "$keyring" ] || { echo "The keyring $keyring is missing: install debian-archive-keyring, or set DEBIAN_KEYRING" >&2; exit 1; }
w=$(mktemp -d "${TMPDIR:-/var/tmp}/signalbox-base.XXXXXX"); trap 'rm -rf --one-file-system "$w"' EXIT
# An old debootstrap has no script for newer suites. They are all links to the script of sid.
script=/usr/share/debootstrap/scripts/$suite; [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
debootstrap --keyring="$keyring" --force-check-gpg --variant=minbase --include=ca-certificates "$suite" "$w/r" "${url:-http://deb.debian.org/debian}" "$script" >"$w/log" 2>&1 ||
  { tail -30 "$w/log" >&2; exit 1; }
cat >"$w/r/etc/apt/apt.conf.d/90slim" <<'X'
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dpkg::Use-Pty "0";
X
cat >"$w/r/etc/dpkg/dpkg.cfg.d/90slim" <<'X'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/info/*
force-unsafe-io
X
# Packages must not start services while an image is built.
printf '#!/bin/sh\nexit 101\n' >"$w/r/usr/sbin/policy-rc.d"; chmod 755 "$w/r/usr/sbin/policy-rc.d"
find "$w/r/usr/share/doc" -mindepth 2 ! -name copyright -type f -delete
find "$w/r/usr/share/doc" -type l -delete
rm -rf "$w"/r/usr/share/{man,locale,info}/* "$w"/r/var/cache/apt/archives/*.deb "$w"/r/var/cache/apt/*.bin
rm -rf "$w"/r/var/lib/apt/lists/*_* "$w"/r/var/log/*.log "$w"/r/var/cache/debconf/*-old "$w"/r/var/lib/dpkg/*-old
: >"$w/r/etc/machine-id"; rm -f "$w/r/etc/resolv.conf" "$w/r/etc/hostname"
# Without a CMD, swarm refuses a service of the image ("No command specified").
tar -C "$w/r" --numeric-owner --sort=name -c . |
  docker import -c 'CMD ["bash"]' -c 'ENV LANG=C.UTF-8' -m "debootstrap $suite" - "$tag" >/dev/null
