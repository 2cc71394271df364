#!/bin/bash
# Deployment ramdisk: the suite's own kernel + ironic-python-agent as a zstd cpio, and the FAT image that Ironic
# puts into its virtual-media ISO. Builds without loop devices or vfat mounts.
# Wants: SUITE, SOURCES (apt source files, space separated), KERNEL (package), PYTHON (with pip), RECIPES. Works in $PWD.
# Leaves: ipa.kernel ipa.initramfs esp.img
set -euo pipefail
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
R=$PWD/rootfs
say() { echo "@progress $*"; }

say "installing $SUITE packages for the ramdisk"
PACKAGES=$KERNEL,systemd-sysv,udev,dbus,kmod,python3,parted,gdisk,fdisk,qemu-utils,efibootmgr,dosfstools,util-linux,lvm2,mdadm,smartmontools,hdparm,nvme-cli,iproute2,lshw,dmidecode,pciutils,ipmitool,e2fsprogs,psmisc,genisoimage,ca-certificates,ethtool,ndctl,procps,eject,bsdextrautils
# shellcheck disable=SC2086  # SOURCES is a list
mmdebstrap --quiet --mode=root --variant=minbase --include="$PACKAGES" \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --aptopt='Apt::Install-Recommends "false"' --dpkgopt=force-confold --dpkgopt=force-unsafe-io \
  --essential-hook='mkdir -p "$1/etc/initramfs-tools" && echo "update_initramfs=no" > "$1/etc/initramfs-tools/update-initramfs.conf"' \
  "$SUITE" "$R" $SOURCES

say "installing ironic-python-agent"
VERSION=$(chroot "$R" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
A=$R/opt/ironic-python-agent
"$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary=:all: \
  --implementation cp --python-version "$VERSION" \
  --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --platform any \
  --target "$A" --requirement "$RECIPES/ipa-requirements.txt"
rm -rf "$A/bin" "$A"/ironic_python_agent/tests
# Compiled here, because compiling at each boot costs tens of seconds on an emulated processor.
chroot "$R" python3 -m compileall -q /opt/ironic-python-agent || true

mkdir -p "$R"/etc/ironic-python-agent.d "$R"/etc/systemd/network "$R"/mnt
cat > "$R/etc/systemd/system/ironic-python-agent.service" <<'U'
[Unit]
Description=Ironic Python Agent
After=network-online.target
Wants=network-online.target
[Service]
ExecStartPre=/bin/sh -c 'modprobe -a isofs vfat sr_mod nfit 2>/dev/null || true'
Environment=PATH=/opt/bpa/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONPATH=/opt/ironic-python-agent PYTHONDONTWRITEBYTECODE=1
ExecStart=/usr/bin/python3 -c 'import sys; sys.argv[0] = "ironic-python-agent"; from ironic_python_agent.cmd.agent import run; run()' --config-dir /etc/ironic-python-agent.d/
Restart=always
RestartSec=10s
StandardOutput=journal+console
[Install]
WantedBy=multi-user.target
U
# The agent calls "partx -av" after every change; that fails, and is tried twice more with pauses, wherever the kernel has
# seen the partitions already. An update adds what is missing and is content with the rest.
mkdir -p "$R/opt/bpa/bin"
cat > "$R/opt/bpa/bin/partx" <<'U'
#!/bin/sh
[ "$1" = -av ] && shift && exec /usr/bin/partx --update --verbose "$@"
exec /usr/bin/partx "$@"
U
chmod 755 "$R/opt/bpa/bin/partx"
# Without the "logs" collector: packing the journal at each inspection takes longer than the inspection itself.
printf '[DEFAULT]\ninspection_collectors = default\n' > "$R/etc/ironic-python-agent.d/bpa.conf"
cat > "$R/etc/systemd/network/10-dhcp.network" <<'U'
[Match]
Name=en* eth*
[Link]
RequiredForOnline=routable
[Network]
DHCP=ipv4
IPv6AcceptRA=no
LinkLocalAddressing=no
[DHCPv4]
ClientIdentifier=mac
U
echo ipa > "$R/etc/hostname"; echo "127.0.0.1 localhost ipa" > "$R/etc/hosts"
mkdir -p "$R/etc/systemd/system/multi-user.target.wants" "$R/etc/systemd/system/systemd-networkd-wait-online.service.d"
ln -sf ../ironic-python-agent.service "$R/etc/systemd/system/multi-user.target.wants/"
# One NIC with an address is enough to reach Ironic; the other NICs of a machine may have no cable.
printf '[Service]\nExecStart=\nExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=60\n' \
  > "$R/etc/systemd/system/systemd-networkd-wait-online.service.d/any.conf"
chroot "$R" systemctl --quiet enable systemd-networkd systemd-networkd-wait-online
chroot "$R" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  mdmonitor.service mdmonitor-oneshot.timer mdcheck_start.timer mdcheck_continue.timer smartmontools.service smartd.service \
  lvm2-monitor.service e2scrub_reap.service getty@tty1.service serial-getty@ttyS0.service systemd-journal-flush.service \
  systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-random-seed.service systemd-pstore.service \
  systemd-timesyncd.service ndctl-monitor.service rdma-ndd.service nvmefc-boot-connections.service nvmf-autoconnect.service \
  systemd-binfmt.service sys-kernel-debug.mount sys-kernel-tracing.mount 2>/dev/null || true
ln -sf /lib/systemd/systemd "$R/init"
rm -f "$R/etc/initrd-release"   # its presence would make systemd believe that it must switch root

say "packing the ramdisk"
KV=$(ls "$R/lib/modules"); cp "$R/boot/vmlinuz-$KV" ipa.kernel; chmod 644 ipa.kernel
rm -rf "$R"/boot/* "$R"/vmlinuz* "$R"/initrd.img* "$R"/var/lib/apt/lists/* "$R"/var/cache/apt/* "$R"/var/lib/dpkg/info \
  "$R"/usr/share/{doc,man,locale,info,i18n,bash-completion,zsh,common-licenses,perl} "$R"/var/log/* \
  "$R"/usr/lib/python3*/{test,idlelib,lib2to3,ensurepip,pydoc_data} "$R"/usr/share/python-wheels \
  "$R"/usr/lib/udev/hwdb.* "$R"/usr/lib/file/magic.mgc "$R"/usr/lib/x86_64-linux-gnu/{perl,gconv} "$R"/usr/lib/x86_64-linux-gnu/libperl* \
  "$R"/usr/bin/{perl5*,qemu-nbd,qemu-io,qemu-storage-daemon} "$R"/usr/share/misc/enterprise-numbers.txt
# A deployment ramdisk needs disks and cables, nothing that shows, plays or talks by radio.
M=$R/lib/modules/$KV/kernel
rm -rf "$M"/sound \
  "$M"/drivers/{gpu,media,staging,iio,infiniband,isdn,bluetooth,input/joystick,input/touchscreen,input/tablet,input/mouse,comedi,mtd,leds,hid,usb/gadget,usb/misc,usb/serial,video,power,platform,atm,firewire,thunderbolt,w1,parport,pcmcia,ssb,bcma,nfc,mmc,memstick,rtc,accel,greybus,gnss,soundwire,target,xen,extcon,auxdisplay,mfd,regulator,pinctrl,crypto,edac,hwmon,vfio,vhost} \
  "$M"/drivers/net/{wireless,wwan,can,hamradio,ieee802154,arcnet,fddi,plip,usb,wan,ppp,slip,appletalk,dsa} \
  "$M"/net/{bluetooth,mac80211,wireless,can,nfc,ieee802154,mac802154,sctp,rds,tipc,batman-adv,ceph,9p,atm,ax25,netrom,rose,appletalk,dccp,l2tp,openvswitch,netfilter,sched,sunrpc} \
  "$M"/fs/{ocfs2,gfs2,cifs,smb,smbfs_common,nfs,nfsd,nfs_common,ceph,afs,jfs,reiserfs,ubifs,ufs,hfs,hfsplus,coda,f2fs,9p,orangefs,dlm,nilfs2,minix,udf,cachefiles,fscache,lockd,ksmbd,befs,affs,efs,erofs} \
  "$M"/virt "$M"/arch/x86/kvm "$M"/lib/test_* "$M"/fs/btrfs
chroot "$R" depmod "$KV"
du -sm "$R"
(cd "$R" && find . -path ./proc -prune -o -path ./sys -prune -o -path './dev/*' -prune -o -print0 | cpio --null -o -H newc --quiet) > initrd.cpio
(mkdir -p extra/proc extra/sys && cd extra && find . -print0 | cpio --null -o -H newc --quiet) >> initrd.cpio
zstd -T0 -10 -f -q initrd.cpio -o ipa.initramfs

say "making the EFI boot image for virtual media"
cat > early.cfg <<'U'
search --no-floppy --file /EFI/BOOT/grub.cfg --set=root
set prefix=($root)/EFI/BOOT
configfile ($root)/EFI/BOOT/grub.cfg
U
grub-mkimage -d /usr/lib/grub/x86_64-efi -O x86_64-efi -c early.cfg -o bootx64.efi -p /EFI/BOOT \
  iso9660 fat part_gpt part_msdos normal configfile linux search search_fs_file search_label echo ls serial terminal efi_gop all_video test reboot sleep
truncate -s 4M esp.img; mkfs.vfat -n ESPISO esp.img >/dev/null
mmd -i esp.img ::/EFI ::/EFI/BOOT; mcopy -i esp.img bootx64.efi ::/EFI/BOOT/BOOTX64.EFI
rm -rf "$R" extra initrd.cpio early.cfg bootx64.efi
