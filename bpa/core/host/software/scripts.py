"""The texts that install and remove packages. Names come as arguments and are never part of a text.

apt-get(8), apt.conf(5), dpkg(1); needrestart(1): NEEDRESTART_MODE=l lists and restarts nothing.
"""

from __future__ import annotations

_QUIET = """PATH=$PATH:/usr/sbin:/sbin; LC_ALL=C.UTF-8; LANGUAGE=
export PATH LC_ALL LANGUAGE DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
"""

# The record first: a package without a record would be kept for ever. An index that cannot be fetched is no failure while
# the packages are found all the same. Pattern-Only: a name that is no package is not taken for a regular expression.
INSTALL = _QUIET + """record=$1; absent=$2; downgrade=$3; shift 3
mkdir -p "${record%/*}" || exit
for name in $absent; do
  grep -qxF -- "$name" "$record" 2>/dev/null || echo "$name" >>"$record" || exit
done
sync "$record" 2>/dev/null
update=$(apt-get -q update -o DPkg::Lock::Timeout=60 -o Acquire::Retries=2 -o Acquire::http::Timeout=20 2>&1 </dev/null)
install=$(apt-get -q -y --no-remove $downgrade -o DPkg::Lock::Timeout=60 -o Acquire::Retries=2 -o APT::Cmd::Pattern-Only=true \\
  -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install -- "$@" 2>&1 </dev/null) && exit 0
printf '%s\\n%s\\n' "$update" "$install" | grep -E '^(E|W|Err|dpkg|Failed)[: ]' | tail -n 8 >&2
case $install in
  *'No space left'* | *'enough free space'*) cause='the disk is full: make room in /var (apt-get clean), then apply again' ;;
  *'Read-only file system'*) cause='a file system is read-only: see dmesg, repair it, then apply again' ;;
  *'Could not get lock'* | *'Unable to acquire'*) cause='another program holds the lock of apt' ;;
  *'eld packages were changed'*) cause='a held package would change: see apt-mark showhold' ;;
  *'need to be removed'*)
    removed=$(printf '%s\\n' "$install" | sed -n '/will be REMOVED/,/^[^ ]/{ /^ /p; }' | tr -s ' \\n' ' ')
    cause="other packages would be removed:${removed:- choose other versions}"
    [ -z "$removed" ] || cause="$cause(remove them yourself if they may go, or choose other versions)" ;;
  *'parsing file '*/var/lib/dpkg/* | *'status file could not be parsed'*)
    cause='the lists of dpkg or apt are damaged: see /var/backups/dpkg.status.0, and empty /var/lib/apt/lists' ;;
  *'Unable to locate package'* | *'was not found'* | *'no installation candidate'*)
    case $update in
      *'not valid yet'* | *'is not yet valid'*) cause='the clock of the host is behind: its package sources are of a later day' ;;
      *'is expired'* | *'has expired'*) cause='a package source has expired, or the clock of the host is ahead' ;;
      *'ertificate verification failed'*)
        cause='the certificate of a package source is not trusted: put its authority among software.certificates' ;;
      *NO_PUBKEY* | *'not signed'*) cause='the key of a package source is missing: its packages are left out' ;;
      *'Could not resolve'* | *'Failed to fetch'* | *'onnection'*) cause='the package sources cannot be reached' ;;
      *) cause='no package source has it: correct the name or version, or add a source; see apt-cache policy' ;;
    esac ;;
  *'fix-broken'*) cause='packages of the host lack their dependencies: run apt-get --fix-broken install there' ;;
  *'unmet dependencies'*) cause='its dependencies cannot be met by the package sources' ;;
  *'be authenticated'*) cause='a package source is not signed by a key that the host knows' ;;
  *'Failed to fetch'* | *'Unable to fetch'*) cause='the package sources cannot be reached' ;;
  *'dpkg was interrupted'*) cause='dpkg was interrupted before' ;;
  *'error code (1)'* | *'returned an error'*) cause='the script of a package failed: see /var/log/apt/term.log' ;;
  *) cause=$(printf '%s\\n' "$install" | tail -n 1) ;;
esac
echo "apt-get install: $cause" >&2
exit 1
"""

CONFIGURE = _QUIET + "dpkg --force-confdef --force-confold --configure -a </dev/null\n"

# dpkg removes nothing that another package depends on. Such a one stays, as a dependency of others.
REMOVE = _QUIET + """record=$1; list=$2; shift 2
for name; do
  said=$(dpkg --remove -- "$name" 2>&1 </dev/null) || case $said in
    *'dependency problems'* | *'depends on'*) apt-mark auto -- "$name" >/dev/null 2>&1 ;;
    *) printf '%s\\n' "$said" | tail -n 3 >&2; exit 1 ;;
  esac
  grep -vxF -- "$name" "$record" >"$record.new"; mv -f "$record.new" "$record" || exit
done
[ -s "$record" ] || { rm -f "$record"; rmdir "${record%/*}" 2>/dev/null; :; }
"""
