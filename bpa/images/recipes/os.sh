#!/bin/bash
# Whole-disk UEFI image of the suite (GPT: ESP + ext4 root), raw and only as large as its content: a deployment streams
# every byte of it, cloud-init grows the root afterwards. Builds without loop devices or vfat mounts.
# Wants: SUITE, SOURCES (apt source files, space separated), KERNEL (package). Works in $PWD. Leaves: os.raw
set -euo pipefail
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
R=$PWD/rootfs
say() { echo "@progress $*"; }

say "installing $SUITE packages for the operating system"
PACKAGES=$KERNEL,initramfs-tools,zstd,systemd-sysv,udev,dbus,cloud-init,cloud-guest-utils,openssh-server,sudo,iproute2,iputils-ping,python3,grub-efi-amd64,efibootmgr,e2fsprogs,dosfstools,fdisk,ca-certificates,curl,pciutils,kmod,ndctl,lvm2,xfsprogs,numactl,ethtool,nvme-cli,less,procps
# shellcheck disable=SC2086  # SOURCES is a list
mmdebstrap --quiet --mode=root --variant=minbase --include="$PACKAGES" \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --aptopt='Apt::Install-Recommends "false"' --dpkgopt=force-confold --dpkgopt=force-unsafe-io \
  --essential-hook='mkdir -p "$1/etc/initramfs-tools" && echo "update_initramfs=no" > "$1/etc/initramfs-tools/update-initramfs.conf"' \
  "$SUITE" "$R" $SOURCES

say "configuring the operating system"
FSUUID=$(cat /proc/sys/kernel/random/uuid)
echo localhost > "$R/etc/hostname"; printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n' > "$R/etc/hosts"
printf 'UUID=%s / ext4 errors=remount-ro,noatime 0 1\nLABEL=ESP /boot/efi vfat umask=0077,nofail,noauto,x-systemd.automount 0 1\n' "$FSUUID" > "$R/etc/fstab"
mkdir -p "$R/boot/efi" "$R/boot/grub/x86_64-efi" "$R/etc/default/grub.d" "$R/etc/cloud/cloud.cfg.d"
# The whole of cloud-init's configuration: each module and each probed data source costs start-up time.
cat > "$R/etc/cloud/cloud.cfg" <<'U'
datasource_list: [ConfigDrive]
users: [default]
disable_root: true
preserve_hostname: false
manage_etc_hosts: true
ssh_deletekeys: true
ssh_genkeytypes: [ed25519]
growpart: {mode: auto, devices: ['/']}
resize_rootfs: true
cloud_init_modules: [bootcmd, write_files, growpart, resizefs, set_hostname, update_hostname, update_etc_hosts, users_groups, ssh]
cloud_config_modules: [set_passwords, runcmd]
cloud_final_modules: [scripts_user, final_message, power_state_change]
system_info:
  distro: debian
  default_user:
    name: debian
    lock_passwd: true
    gecos: Debian
    groups: [adm, audio, cdrom, dip, floppy, plugdev, sudo, video]
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
  network: {renderers: [networkd]}
  paths: {cloud_dir: /var/lib/cloud/, templates_dir: /etc/cloud/templates/}
  ssh_svcname: ssh
U
find "$R/etc/cloud/cloud.cfg.d" -name '*.cfg' ! -name 05_logging.cfg -delete
# Said here and not through cloud-init, which would restart sshd in the middle of somebody's first connection.
echo 'PasswordAuthentication no' > "$R/etc/ssh/sshd_config.d/50-keys-only.conf"
echo 'datasource_list: [ConfigDrive]' > "$R/etc/cloud/cloud.cfg.d/90_dpkg.cfg"
mkdir -p "$R/etc/systemd/system/systemd-networkd-wait-online.service.d"
printf '[Service]\nExecStart=\nExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=30\n' \
  > "$R/etc/systemd/system/systemd-networkd-wait-online.service.d/any.conf"
# Its four stages cost half of a start-up (a minute under emulation) and have nothing to do after the first: an image
# written anew is a first start again.
cat > "$R/etc/systemd/system/cloud-init-once.service" <<'U'
[Unit]
Description=Leave cloud-init out of later starts
After=cloud-final.service
ConditionPathExists=/var/lib/cloud/instance/boot-finished
[Service]
Type=oneshot
ExecStart=/usr/bin/touch /etc/cloud/cloud-init.disabled
[Install]
WantedBy=cloud-init.target
U
printf 'install nouveau /bin/true\nblacklist pcspkr\nblacklist floppy\n' > "$R/etc/modprobe.d/bpa-image.conf"
chroot "$R" systemctl --quiet enable systemd-networkd ssh cloud-init-once
chroot "$R" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
  man-db.timer fstrim.timer systemd-pstore.service cloud-init-hotplugd.socket cloud-init-hotplugd.service getty@tty1.service \
  nvmefc-boot-connections.service nvmf-autoconnect.service ndctl-monitor.service systemd-timesyncd.service \
  systemd-update-utmp.service systemd-update-utmp-runlevel.service 2>/dev/null || true
rm -f "$R"/etc/ssh/ssh_host_*; : > "$R/etc/machine-id"
# Periodic ticks: on a busy machine an emulated processor that slept lost its one-shot timer, and never woke again.
ARGUMENTS="console=tty0 console=ttyS0,115200 nohz=off highres=off"
cat > "$R/etc/default/grub" <<U
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="$ARGUMENTS"
GRUB_TERMINAL="console"
GRUB_DISABLE_OS_PROBER=true
U
KV=$(ls "$R/lib/modules")
# A third of the size on the wire; kmod and initramfs-tools read compressed modules as they are.
find "$R/lib/modules/$KV/kernel" -name '*.ko' -print0 | xargs -0 -r -n 200 -P 2 zstd -q -12 --rm
chroot "$R" depmod "$KV"
echo 'update_initramfs=yes' > "$R/etc/initramfs-tools/update-initramfs.conf"
chroot "$R" update-initramfs -c -k "$KV" >/dev/null
# What update-grub would write needs a block device; the first boot uses this, the first update-grub replaces it.
cat > "$R/boot/grub/grub.cfg" <<U
set timeout=0
set default=0
menuentry "Debian" {
  search --no-floppy --fs-uuid $FSUUID --set=root
  linux /boot/vmlinuz-$KV root=UUID=$FSUUID ro $ARGUMENTS
  initrd /boot/initrd.img-$KV
}
U
cp "$R"/usr/lib/grub/x86_64-efi/*.{mod,lst} "$R/boot/grub/x86_64-efi/"
rm -rf "$R"/var/lib/apt/lists/* "$R"/var/cache/apt/* "$R"/var/log/*.log "$R"/usr/share/i18n "$R"/usr/lib/python3*/test

say "assembling the disk image"
cat > early.cfg <<U
search --no-floppy --fs-uuid $FSUUID --set=root
set prefix=(\$root)/boot/grub
configfile \$prefix/grub.cfg
U
grub-mkimage -d /usr/lib/grub/x86_64-efi -O x86_64-efi -c early.cfg -o bootx64.efi -p /boot/grub \
  part_gpt part_msdos fat ext2 normal configfile linux search search_label search_fs_uuid search_fs_file echo ls serial terminal \
  efi_gop all_video gzio test sleep reboot halt loadenv true regexp minicmd
ESP=34
truncate -s ${ESP}M esp.img; mkfs.vfat -F 32 -n ESP esp.img >/dev/null
mmd -i esp.img ::/EFI ::/EFI/BOOT ::/EFI/debian
mcopy -i esp.img bootx64.efi ::/EFI/BOOT/BOOTX64.EFI; mcopy -i esp.img bootx64.efi ::/EFI/debian/grubx64.efi
ROOT=$(( $(du -sm --apparent-size "$R" | cut -f1) * 106 / 100 + 56 ))
mke2fs -q -t ext4 -L root -U "$FSUUID" -N 49152 -J size=16 -m 1 -d "$R" -E lazy_itable_init=1 root.img ${ROOT}M
SIZE=$((1 + ESP + ROOT + 1))
truncate -s ${SIZE}M os.raw
printf 'label: gpt\nstart=2048, size=%s, type=uefi, name=ESP\nstart=%s, size=%s, type=linux, name=root\n' \
  $((ESP*2048)) $((ESP*2048+2048)) $((ROOT*2048)) | sfdisk -q os.raw
dd if=esp.img of=os.raw bs=1M seek=1 conv=notrunc,sparse status=none
dd if=root.img of=os.raw bs=1M seek=$((ESP+1)) conv=notrunc,sparse status=none
du -sm "$R"; ls -ls os.raw
rm -rf "$R" root.img esp.img early.cfg bootx64.efi
