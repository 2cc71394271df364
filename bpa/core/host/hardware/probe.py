"""What a look asks the running system of its hardware.

Kernel: Documentation/ABI/testing/sysfs-devices-system-cpu (present, online), sysfs-devices-memory (memory blocks are
physical memory as the firmware hands it over; MemTotal lacks what the kernel keeps for itself), sysfs-class-net,
sysfs-bus-nvdimm, sysfs-devices-node (SGX), /sys/firmware/dmi/tables (SMBIOS, DSP0134: here only the structures of type 17
are printed, in hex: header, then strings); lsblk(8) -P; ethtool(8).
"""

from __future__ import annotations

from bpa.core.host.probe import shell

PROBES = {"hardware": shell(r"""
PATH=$PATH:/usr/sbin:/sbin
echo '@@ processors'
awk -F'[ \t]*: ?' '
  /^vendor_id|^cpu family|^model name|^model[ \t]*:|^stepping/ {
    if (!($1 in told)) { told[$1] = 1; print $1 "=" substr($0, index($0, ":") + 2) } }
  /^processor[ \t]*:/ { id = ""; cores = 0; threads = 0; n++ }
  /^physical id/ { id = $2 } /^siblings/ { threads = $2 }
  /^cpu cores/ { cores = $2; if (!(id in socket)) { socket[id] = 1; print "socket=" id " " cores " " threads } }
  END { print "processors=" n + 0 }' /proc/cpuinfo
echo '@@ cpu'
cd /sys/devices/system/cpu 2>/dev/null && for f in present online; do [ -e "$f" ] && read -r v <"$f" && echo "$f=$v"; done
echo '@@ memory'
grep '^MemTotal:' /proc/meminfo
[ -e /sys/kernel/kexec_crash_size ] && read -r v <"/sys/kernel/kexec_crash_size" && echo "crash=$v"
for f in /sys/devices/system/node/node*/x86/sgx_total_bytes; do [ -e "$f" ] && read -r v <"$f" && echo "sgx=$v"; done
if cd /sys/devices/system/memory 2>/dev/null && [ -e block_size_bytes ]; then
  read -r v <block_size_bytes; echo "block=$v"
  cat memory*/state 2>/dev/null | sort | uniq -c | while read -r n s; do echo "blocks $s=$n"; done
fi
echo '@@ limits'
for a in $(cat /proc/cmdline); do
  case $a in mem=*|memmap=*|maxcpus=*|nr_cpus=*|nosmt|nosmt=*|possible_cpus=*|movablecore=*|crashkernel=*) echo "$a";; esac
done
echo '@@ modules'
[ -r /sys/firmware/dmi/tables/DMI ] && od -An -v -tx1 -w1 -N 262144 /sys/firmware/dmi/tables/DMI | awk '
  function at(i) { return (index(hex, substr(b[i], 1, 1)) - 1) * 16 + index(hex, substr(b[i], 2, 1)) - 1 }
  BEGIN { hex = "0123456789abcdef" } { b[n++] = $1 }
  END {
    for (i = 0; i + 4 <= n; i = j) {
      end = i + at(i + 1); if (end < i + 4) break
      for (j = end; j + 1 < n && (b[j] != "00" || b[j + 1] != "00"); j++) ;
      j += 2
      if (b[i] == "11") { s = ""; for (k = i; k < j && k < n; k++) s = s b[k]; print s }
      if (b[i] == "7f") break
    }
  }'
echo '@@ persistent'
for r in /sys/bus/nd/devices/region*/size; do [ -e "$r" ] && read -r v <"$r" && echo "$v"; done
echo '@@ disks'
if command -v lsblk >/dev/null; then lsblk -dbP -o NAME,TYPE,SIZE,ROTA,RM,TRAN,SERIAL,WWN,VENDOR,MODEL 2>/dev/null || lsblk -dbP
else
  for d in /sys/block/*; do
    [ -e "$d/device" ] || continue
    s=0; r=; m=; n=; o=; read -r s <"$d/size"; read -r r <"$d/queue/rotational"; read -r m <"$d/removable"
    [ -e "$d/device/serial" ] && read -r n <"$d/device/serial"; [ -e "$d/device/model" ] && read -r o <"$d/device/model"
    echo "NAME=\"${d##*/}\" TYPE=\"disk\" SIZE=\"$((s * 512))\" ROTA=\"$r\" RM=\"$m\" SERIAL=\"$n\" MODEL=\"$o\""
  done
fi
echo '@@ ports'
have=; command -v ethtool >/dev/null && have=yes
for d in /sys/bus/pci/devices/*; do
  [ -e "$d/class" ] && [ ! -e "$d/physfn" ] || continue
  read -r class <"$d/class"; case $class in 0x02*) ;; *) continue;; esac
  read -r vendor <"$d/vendor"; read -r device <"$d/device"; driver=-
  link=$(readlink "$d/driver") && driver=${link##*/}
  set --; for n in "$d"/net/* "$d"/virtio*/net/*; do [ -e "$n/address" ] && set -- "$@" "$n"; done
  [ "$#" = 0 ] && echo "port=${d##*/} $vendor $device $driver"
  for n; do
    mac=-; speed=-; name=${n##*/}
    read -r mac <"$n/address"; [ -e "$n/bonding_slave/perm_hwaddr" ] && read -r mac <"$n/bonding_slave/perm_hwaddr"
    read -r speed 2>/dev/null <"$n/speed" || speed=-
    echo "port=${d##*/} $vendor $device $driver $name $mac $speed"
    [ "$have" ] || continue
    ethtool -i "$name" 2>/dev/null | sed -n 's/^firmware-version: */firmware=/p'
    ethtool "$name" 2>/dev/null | sed -n '/Supported link modes:/,/Supported pause/s/[^0-9]*\([0-9]*\)base.*/mode=\1/p' | sort -u
  done
done
echo '@@ macs'
for n in /sys/class/net/*; do
  [ -e "$n/device" ] || continue
  for f in address bonding_slave/perm_hwaddr; do [ -e "$n/$f" ] && read -r mac <"$n/$f" && echo "$mac"; done
done
echo '@@ dmi'
cd /sys/class/dmi/id 2>/dev/null && for f in bios_version bios_release bios_vendor; do
  [ -e "$f" ] && read -r v <"$f" && echo "$f=$v"; done
exit 0
""")}
