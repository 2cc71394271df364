# A host of its own for sshd, in the mount namespace that this runs in. $1: where to make it, $2: sshd, $3: its
# configuration, $4: this directory. It has one PF with SR-IOV (82576), one NUMA node, GRUB, and huge pages.
set -e
root=$1; sshd=$2; config=$3; here=$4; pf=0000:01:00.0
mount -t tmpfs tmpfs "$root"
cd "$root"
mkdir -p etc varlib boot/grub run/sshd sys proc sbin
cp -a /etc/. etc; rm -f etc/sysctl.d/*; mkdir -p etc/default/grub.d etc/modprobe.d etc/modules-load.d etc/tmpfiles.d etc/sysctl.d etc/systemd/system
for f in vm/max_map_count vm/swappiness net/ipv4/ip_forward kernel/hostname kernel/osrelease kernel/random/boot_id; do
  mkdir -p "proc/${f%/*}"; cat "/proc/sys/$f" >"proc/$f"
done
echo 'BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro intel_iommu=on iommu=pt' >cmdline
cp "$here"/tools/* sbin; chmod 755 sbin/*
for n in kernel/mm devices/system/node/node0; do
  mkdir -p "sys/$n/hugepages/hugepages-2048kB"
  for f in nr_hugepages free_hugepages; do echo 0 >"sys/$n/hugepages/hugepages-2048kB/$f"; done
done
printf 'Node 0 MemTotal: 16000000 kB\nNode 0 MemFree: 12000000 kB\n' >sys/devices/system/node/node0/meminfo
d=sys/bus/pci/devices/$pf
mkdir -p "$d" sys/bus/pci/drivers/igb sys/module sys/class/net sys/devices/system/cpu
echo 0-7 >sys/devices/system/cpu/present
ln -s /sys/bus/pci/drivers/igb "$d/driver"; ln -s "/$d" "sys/bus/pci/drivers/igb/$pf"
for pair in vendor=0x8086 device=0x10c9 class=0x020000 sriov_totalvfs=7 sriov_numvfs=0; do
  echo "${pair#*=}" >"$d/${pair%%=*}"
done
mkdir -p /boot /usr/local/sbin /var/lib/bpa
for pair in etc=/etc varlib=/var/lib/bpa boot=/boot run=/run sys=/sys proc=/proc/sys cmdline=/proc/cmdline sbin=/usr/local/sbin; do
  mount --bind "${pair%%=*}" "${pair#*=}"
done
/usr/local/sbin/update-grub
cd /
exec "$sshd" -D -e -f "$config"
