#!/bin/bash
# Package mirror for hosts that reach no other: the packages of a list with all they depend on, from the machine's own apt
# sources, in the layout of a Debian archive. Signed by a key that is made here and forgotten with the build.
# Wants: SUITE, SOURCES (apt source files, space separated), RECIPES, CONTAINERD (a directory of packages built here, which
# go in as they are). Works in $PWD.
# Leaves: dists/bpa/InRelease and its index, pool/*.deb, key.asc (for Signed-By of sources.list(5))
set -euo pipefail
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
W=$PWD A=$PWD/apt
ARCH=$(dpkg --print-architecture)
mapfile -t PACKAGES < <(sed 's/#.*//' "$RECIPES/mirror-packages.txt" | xargs -n 1)
say() { echo "@progress $*"; }

# An apt of its own, which believes that nothing is installed; of the machine's configuration only how to fetch is kept.
mkdir -p "$A"/{sources,lists/partial,archives/partial} dists/bpa/main/binary-"$ARCH" pool
: > "$A/status"
for file in $SOURCES; do cp "$file" "$A/sources/"; done
apt-config dump Acquire > "$A/apt.conf"
cat >> "$A/apt.conf" <<U
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$A/sources";
Dir::Etc::Parts "/dev/null";
Dir::Etc::Main "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$A";
Dir::State::Lists "$A/lists";
Dir::State::Status "$A/status";
Dir::Cache "$A";
Dir::Cache::Archives "$A/archives";
APT::Architecture "$ARCH";
APT::Architectures { "$ARCH"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
U
export APT_CONFIG=$A/apt.conf
say "reading the package lists of $SUITE"
apt-get -q update
say "fetching ${#PACKAGES[@]} packages and what they need"
apt-get -q -y --download-only -o Debug::NoLocking=1 install "${PACKAGES[@]}"

say "indexing and signing"
# The archive's own words, sizes and checksums; only the path of the file is ours.
for deb in "$A"/archives/*.deb; do
  name=$(dpkg-deb -f "$deb" Package) version=$(dpkg-deb -f "$deb" Version)
  mv "$deb" "pool/${name}_${version//:/-}_$ARCH.deb"
  apt-cache show "$name=$version" | awk -v file="pool/${name}_${version//:/-}_$ARCH.deb" \
    '/^$/ { print; exit } /^Filename:/ { $0 = "Filename: " file } { print }'
done > dists/bpa/main/binary-"$ARCH"/Packages
for deb in ${CONTAINERD:+"$CONTAINERD"/*.deb}; do
  cp "$deb" pool/
  dpkg-deb -f "$deb"
  printf 'Filename: pool/%s\nSize: %s\nSHA256: %s\n\n' "${deb##*/}" "$(stat -c %s "$deb")" "$(sha256sum < "$deb" | cut -d' ' -f1)"
done >> dists/bpa/main/binary-"$ARCH"/Packages
gzip -9nk dists/bpa/main/binary-"$ARCH"/Packages
(
  cd dists/bpa
  printf 'Origin: BPA\nLabel: BPA package mirror\nSuite: bpa\nCodename: bpa\nDescription: of %s\n' "$SUITE"
  printf 'Date: %s\nArchitectures: %s\nComponents: main\nSHA256:\n' "$(date -uR | sed 's/+0000/UTC/')" "$ARCH"
  find main -type f -printf '%P\n' | sort | while read -r file; do
    printf ' %s %s main/%s\n' "$(sha256sum < "main/$file" | cut -d' ' -f1)" "$(stat -c %s "main/$file")" "$file"
  done
) > Release
export GNUPGHOME=$W/gnupg
install -d -m 700 "$GNUPGHOME"
GPG=(gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase '')
"${GPG[@]}" --quick-generate-key "BPA package mirror" rsa3072 sign never
"${GPG[@]}" --digest-algo SHA512 --output dists/bpa/InRelease --clearsign Release
"${GPG[@]}" --armor --export-options export-minimal --output key.asc --export
gpgconf --kill all
du -sm pool
rm -rf "$A" "$GNUPGHOME" Release
