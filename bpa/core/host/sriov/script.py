"""The script that makes and sets up VFs: ours on the host, run by our unit at every start and, by us, at once.

What is proven now is thus what will happen then. Each argument is ADDRESS=NUMBER[,KEY=VALUE...] (see unit.py).
Kernel: Documentation/ABI/testing/sysfs-bus-pci (sriov_numvfs, sriov_drivers_autoprobe, driver_override, drivers_probe),
Documentation/ABI/testing/sysfs-driver-qat; ip-link(8), `vf`.

Reasons for what it does: /bin/echo, because the echo of dash does not tell why a write failed. No driver takes a VF before
it is set up (autoprobe). A QAT driver takes no 0: drivers/crypto/intel/qat/qat_common/adf_sriov.c says "Already enabled",
and only removing the driver ends its VFs. At boot the PF's driver may still be loading: 20 s of waiting for all together.
What it could not do is left in /run, with the argument, for the next look.
"""

from __future__ import annotations

from bpa.core.host.owned import HEADER

SCRIPT_PATH = "/etc/bpa/sriov.sh"
NOTES = "/run/bpa-sriov"

SET_VFS = HEADER + r"""PATH=$PATH:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL
failed=0; left=20; patience=30; devices=/sys/bus/pci/devices; notes=/run/bpa-sriov
mkdir -p $notes
fail() {
  echo "$pf: $*" >&2; failed=1
  read -r up rest </proc/uptime
  echo "${pair%,only=*} ${driver:--} ${up%.*} $*" >"$notes/$pf.failed"
}
put() { said=$(/bin/echo "$1" 2>&1 >"$2") && return 0; said=${said##*: }; return 1; }
opt() { v=,$options; case $v in *",$1="*) v=${v#*",$1="}; v=${v%%,*};; *) v=; return 1;; esac; }
is() { now_is=$(readlink "$1") && now_is=${now_is##*/} || now_is=; }
none() {
  put 0 "$d/sriov_numvfs" && return 0
  [ -d "$d/qat" ] || case $driver in c6xx|c3xxx|d15xx|dh895xcc|4xxx|420xx) ;; *) return 1;; esac
  put "$pf" "$d/driver/unbind" && put "$pf" "/sys/bus/pci/drivers/$driver/bind"
}
make() {
  [ "$number" = max ] && n=$total || n=$number
  services=; opt services && services=$(echo "$v" | tr + ';')
  [ "$services" != "$(cat "$d/qat/cfg_services" 2>/dev/null)" ] || services=
  if [ -z "$services" ]; then
    [ "$now" = "$n" ] && return 0
    if [ "$number" = max ] && [ "$now" != 0 ] && [ -e "$notes/$pf.reached" ]; then
      read -r reached <"$notes/$pf.reached"; [ "$reached" = "$now" ] && return 0
    fi
  fi
  [ "$now" = 0 ] || none || { fail "to 0: $said"; return 1; }
  if [ -n "$services" ]; then
    put down "$d/qat/state"
    put "$services" "$d/qat/cfg_services" || { fail "services $services: $said"; put up "$d/qat/state"; return 1; }
    put up "$d/qat/state" || { fail "state up: $said"; return 1; }
  fi
  if [ -n "$options" ] && [ -e "$d/sriov_drivers_autoprobe" ]; then put 0 "$d/sriov_drivers_autoprobe"; fi
  until [ "$n" = 0 ] || put "$n" "$d/sriov_numvfs"; do
    if [ "$number" != max ] || [ "$n" -le 1 ]; then
      fail "number: $said"; put 1 "$d/sriov_drivers_autoprobe" 2>/dev/null; return 1
    fi
    n=$((n-1))
  done
  if [ "$number" = max ]; then echo "$n" >"$notes/$pf.reached"; fi
}
vf() {
  tries=5
  until said=$(ip link set dev "$nic" vf "$i" "$@" 2>&1); do
    tries=$((tries-1))
    case $said in *temporarily*|*busy*) [ $tries -gt 0 ] && sleep 1 && continue;; esac
    fail "VF $i: $*: ${said##*: }$linkless"; return 1
  done
}
bind() {
  is "$a/driver"
  if opt driver; then
    case $v:$now_is in
    vfio-pci:vfio-pci) ;;
    vfio-pci:*)
      said=$(modprobe vfio-pci 2>&1) || { fail "vfio-pci: $said"; return 1; }
      put vfio-pci "$a/driver_override"; [ -z "$now_is" ] || put "${a##*/}" "$a/driver/unbind"; now_is=;;
    netdev:vfio-pci|netdev:)
      put '' "$a/driver_override"; [ -z "$now_is" ] || put "${a##*/}" "$a/driver/unbind"; now_is=;;
    esac
  fi
  [ -n "$now_is" ] && return 0
  if [ -e "$d/sriov_drivers_autoprobe" ]; then put 1 "$d/sriov_drivers_autoprobe"; fi
  put "${a##*/}" /sys/bus/pci/drivers_probe || fail "VF $i: probe: $said"
}
mtu() {
  while :; do
    # Looked up each time: udev gives the interface its name while this runs.
    set -- "$a"/net/*/mtu
    [ -e "$1" ] && read -r has <"$1" && { [ "$has" = "$v" ] || put "$v" "$1"; } && return 0
    [ $patience -gt 0 ] || break
    patience=$((patience-1)); sleep 1
  done
  [ ! -e "$1" ] || fail "VF $i: mtu $v: $said"
}
# A rate is a share of the link's speed: igb takes none while there is no link.
link() {
  read -r flags <"$d/net/$nic/flags"; tries=5
  [ $((flags & 1)) = 1 ] || said=$(ip link set dev "$nic" up 2>&1) || { fail "up: ${said##*: }"; return 0; }
  until [ "$(cat "$d/net/$nic/carrier" 2>/dev/null)" = 1 ]; do
    [ $tries -gt 0 ] || { linkless=" ($nic has no link)"; return 0; }
    tries=$((tries-1)); sleep 1
  done
}
setup() {
  linkless=; nic=; for one in "$d"/net/*; do if [ -e "$one/address" ]; then nic=${one##*/}; break; fi; done
  if opt mtu && [ -n "$nic" ]; then
    read -r has <"$d/net/$nic/mtu"
    [ "$has" -ge "$v" ] || said=$(ip link set dev "$nic" mtu "$v" 2>&1) || fail "mtu $v: ${said##*: }"
  fi
  if [ -n "$nic" ] && { opt max || opt min; }; then link; fi
  i=-1
  while i=$((i+1)); [ -e "$d/virtfn$i" ]; do
    if opt only; then case "+$v+" in *"+$i+"*) ;; *) continue;; esac; fi
    a=$(readlink "$d/virtfn$i"); a=$devices/${a##*/}
    opt mac && vf mac "${v%/*}:$(printf %02x $i):${v#*/}"
    for key in vlan spoofchk trust state; do opt $key && vf $key "$v"; done
    opt max && vf max_tx_rate "$v"
    opt min && vf min_tx_rate "$v"
    bind
    if opt driver && [ "$v" = vfio-pci ]; then continue; fi
    opt mtu && mtu
  done
}
for pair in "$@"; do
  pf=${pair%%=*}; rest=${pair#*=}; number=${rest%%,*}; options=
  case $rest in *,*) options=${rest#*,};; esac
  d=$devices/$pf
  while [ ! -e "$d/driver" ] && [ $left -gt 0 ]; do sleep 1; left=$((left-1)); done
  is "$d/driver"; driver=$now_is
  rm -f "$notes/$pf.failed"
  [ -e "$d/sriov_numvfs" ] || { fail "has no SR-IOV"; continue; }
  read -r now <"$d/sriov_numvfs"; total=$now
  if [ -e "$d/sriov_totalvfs" ]; then read -r total <"$d/sriov_totalvfs"; fi
  make || continue
  if [ -n "$options" ]; then setup; fi
done
exit $failed
"""
