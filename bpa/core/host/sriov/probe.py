"""What a look asks of PCI functions and their VFs.

Kernel: Documentation/PCI/pci-iov-howto.rst, Documentation/ABI/testing/sysfs-bus-pci; ip-link(8) -json for VF settings;
kubelet's device-plugin checkpoint and the SR-IOV CNI's /var/lib/cni/sriov/pci for the pods that have VFs.
"""

from __future__ import annotations

from hashlib import sha256

from bpa.core.host.probe import shell
from bpa.core.host.sriov.script import SET_VFS

PROBES = {"pci": shell(r"""
PATH=$PATH:/usr/sbin:/sbin
echo '@@ devices'
cd /sys/bus/pci/devices || exit 0
here=$PWD; with=; qat=; vfio=
for d in *; do
  [ -e "$d/vendor" ] && [ ! -e "$d/physfn" ] || continue
  read -r vendor <"$d/vendor"; read -r device <"$d/device"; read -r class <"$d/class"
  total=-; num=-; nics=; numa=-; group=-
  if [ -e "$d/sriov_totalvfs" ]; then
    read -r total <"$d/sriov_totalvfs"; read -r num <"$d/sriov_numvfs"; [ "$num" = 0 ] || with="$with $d"
  fi
  for n in "$d"/net/* "$d"/virtio*/net/*; do
    [ -e "$n/address" ] || continue
    read -r mac <"$n/address"; state=unknown
    [ -e "$n/bonding_slave/perm_hwaddr" ] && read -r mac <"$n/bonding_slave/perm_hwaddr"
    [ -e "$n/operstate" ] && read -r state <"$n/operstate"
    nics="$nics${nics:+,}${n##*/}=$mac=$state"
  done
  [ -e "$d/numa_node" ] && read -r numa <"$d/numa_node"
  [ -e "$d/iommu_group" ] && group=yes
  [ -e "$d/qat/state" ] && qat="$qat $d"
  echo "$d $vendor $device $class $total $num ${nics:--} $numa $group"
done
echo '@@ drivers'; printf '%s\n' /sys/bus/pci/drivers/*/*:*:*.*
echo '@@ vfs'
for d in $with; do
  i=0
  while cd -P "$here/$d/virtfn$i" 2>/dev/null; do
    a=${PWD##*/}; vf=$PWD; driver=-; group=-; nic=-
    read -r vendor <vendor; read -r device <device
    if [ -d net ]; then
      nic=elsewhere
      for n in net/*; do
        [ -e "$n/flags" ] || continue
        read -r flags <"$n/flags"; read -r mtu <"$n/mtu"; nic=${n##*/}=$flags=$mtu
      done
    fi
    cd -P driver 2>/dev/null && driver=${PWD##*/}
    cd "$vf" && cd -P iommu_group 2>/dev/null && group=${PWD##*/}
    [ "$driver" = vfio-pci ] && vfio=yes
    echo "$d $i $a $vendor $device $driver $group $nic"
    i=$((i+1))
  done
  cd "$here" || exit 0
done
echo '@@ links'
for d in $with; do
  for n in "$d"/net/*; do [ -e "$n/address" ] && echo "$d $(ip -j link show dev "${n##*/}" 2>/dev/null | tr -d '\n')"; done
done
echo '@@ qat'
for d in $qat; do
  services=-; read -r state <"$d/qat/state"; [ -e "$d/qat/cfg_services" ] && read -r services <"$d/qat/cfg_services"
  echo "$d $state $services"
done
echo '@@ masters'; printf '%s\n' /sys/class/net/*/lower_*
echo '@@ addresses'; ip -o addr show 2>/dev/null
echo '@@ vfio users'
if [ -n "$vfio" ]; then
  find /proc/[0-9]*/fd -lname '/dev/vfio/[0-9]*' -printf '%h %l\n' 2>/dev/null | sort -u | head -n 64 | while read -r p g; do
    c=-; read -r c <"${p%/fd}/comm"; p=${p#/proc/}; echo "${g##*/} ${p%/fd} $c"
  done
fi
echo '@@ pods'
for f in /var/lib/cni/sriov/pci/*; do [ -f "$f" ] && read -r n <"$f" && echo "${f##*/} $n"; done
echo '@@ kubelet'; head -c 200000 /var/lib/kubelet/device-plugins/kubelet_internal_checkpoint 2>/dev/null; echo
echo '@@ operator'
for f in /etc/sriov-operator/pci/*; do [ -f "$f" ] && echo "${f##*/} $(head -c 2000 "$f" | tr '\n' ' ')"; done
echo '@@ managers'
grep -sHE -m 20 'sriov_numvfs|virtual-function-count' /etc/udev/rules.d/* /etc/netplan/* /etc/rc.local /etc/network/interfaces \
  /etc/network/interfaces.d/* /etc/systemd/system/*.service /etc/systemd/network/* /dev/null
echo '@@ notes'
read -r up rest </proc/uptime; echo "uptime ${up%.*}"
for f in /run/bpa-sriov/*; do [ -f "$f" ] && read -r n <"$f" && echo "${f##*/} $n"; done
echo '@@ log'
dmesg 2>/dev/null \
  | grep -E 'MMIO resources|VF BAR|out of range|allocate bus|SR-?IOV|VFs|[Qq][Aa][Tt]|vfio' | tail -n 60
echo '@@ iommu'
set -- /sys/kernel/iommu_groups/*; [ -e "$1" ] && echo groups
[ -e /sys/firmware/acpi/tables/DMAR ] && echo DMAR; [ -e /sys/firmware/acpi/tables/IVRS ] && echo IVRS
echo '@@ script'; ours=""" + sha256(SET_VFS.encode()).hexdigest() + r"""
[ -e /etc/bpa/sriov.sh ] && { sha256sum </etc/bpa/sriov.sh | grep -q "^$ours" && echo current; echo there; }
echo '@@ unit'; cat /etc/systemd/system/bpa-sriov.service 2>/dev/null
echo '@@ enabled'; [ -e /etc/systemd/system/multi-user.target.wants/bpa-sriov.service ] && echo yes
exit 0
""")}
