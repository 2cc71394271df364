"""Our arguments in boot loader entries: systemd-boot, and GRUB as Fedora and RHEL have it (blscfg).

Boot Loader Specification, type #1: a file per kernel, its line `options` is the command line, lines with # are comments
(https://uapi-group.org/specifications/specs/boot_loader_specification). kernel-install(8) writes them and takes no
drop-ins for /etc/kernel/cmdline, which belongs to others. So ours is a plugin of kernel-install: it adds our arguments
to each entry and writes down in the entry which of its words are ours, so that exactly those can be taken out again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bpa.core.host.cmdline import lacking, overruled, retired
from bpa.core.host.owned import HEADER
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Stuck, Verdict

PLUGIN = "/etc/kernel/install.d/95-bpa.install"
RECORD = "# bpa: "
Line = tuple[str, ...]

# Words that a new entry has from the running kernel's command line are ours if another entry says so and the
# configured command line does not have them. An entry is replaced as a whole: a crash leaves the old or the new one.
_SCRIPT = r"""case ${1-} in add|all) ;; *) exit 0 ;; esac
base=$(cat /etc/kernel/cmdline /usr/lib/kernel/cmdline 2>/dev/null | tr '\n' ' ')
folders='/boot/loader/entries /boot/efi/loader/entries /efi/loader/entries'
known=$(for folder in $folders; do sed -n 's/^# bpa: *//p' "$folder"/*.conf 2>/dev/null; done | tr '\n' ' ')
failed=0
for folder in $folders; do
  for entry in "$folder"/*.conf; do
    [ -f "$entry" ] || continue
    awk -v wanted="$ARGUMENTS" -v base="$base" -v known="$known" '
      function words(text, set,   list, n, i) { n = split(text, list, " "); for (i = 1; i <= n; i++) set[list[i]] = 1 }
      BEGIN { words(base, configured); words(known, others) }
      /^# bpa:/ { recorded = 1; words(substr($0, 7), ours); next }
      { line[++lines] = $0; if ($1 == "options") last = lines }
      END {
        if (!recorded) for (word in others) if (!(word in configured)) ours[word] = 1
        if (!last) { last = ++lines; line[last] = "options" }
        for (i = 1; i <= lines; i++) {
          if (line[i] !~ /^options([ \t]|$)/) continue
          rest = line[i]; text = ""
          while (match(rest, /^[ \t]*[^ \t]+/)) {
            part = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1)
            word = part; gsub(/[ \t]/, "", word)
            if (!(word in ours)) { text = text part; there[word] = 1 }
          }
          line[i] = text
        }
        n = split(wanted, list, " "); added = ""
        for (j = 1; j <= n; j++) if (!(list[j] in there)) added = added " " list[j]
        if (added != "") { line[last] = line[last] added; print "# bpa:" added }
        for (i = 1; i <= lines; i++) if (line[i] != "options") print line[i]
      }' "$entry" >"$entry.bpa-new" || { rm -f "$entry.bpa-new"; failed=1; continue; }
    if cmp -s "$entry" "$entry.bpa-new"; then rm -f "$entry.bpa-new"
    else sync; mv -f "$entry.bpa-new" "$entry" || failed=1
    fi
  done
done
sync
exit $failed
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A boot loader entry: options = its command line, ours = the words on it that we put there."""

    path: str
    options: Line
    ours: Line


def parse_entries(text: str) -> tuple[Entry, ...]:
    """Lines `path:options ...` and `path:# bpa: ...` as grep -H prints them; one file twice (two mounts) counts once."""
    options: dict[str, list[str]] = {}
    ours: dict[str, list[str]] = {}
    for line in text.splitlines():
        path, _, rest = line.partition(":")
        if rest.startswith(RECORD.strip()):
            ours.setdefault(path, []).extend(rest.removeprefix(RECORD.strip()).split())
        elif rest.split()[:1] == ["options"]:
            options.setdefault(path, []).extend(rest.split()[1:])
    return tuple(Entry(path, tuple(options[path]), tuple(ours.get(path, ()))) for path in options)


def render_plugin(arguments: Iterable[str], before: str | None) -> str:
    """Our plugin of kernel-install(8); called with `all` it does the same to every entry that is there."""
    wanted = tuple(dict.fromkeys(arguments))
    said = retired(wanted, before, arguments_in(before))
    return f"#!/bin/sh\n{HEADER}{said}ARGUMENTS='{' '.join(wanted)}'\n{_SCRIPT}"


def arguments_in(plugin: str | None) -> Line:
    """The arguments that a plugin of ours adds."""
    found = re.search(r"^ARGUMENTS='([^']*)'$", plugin or "", re.MULTILINE)
    return tuple(found[1].split()) if found else ()


def check_entries(wanted: Line, plugin: str | None, entries: tuple[Entry, ...]) -> Verdict | None:
    """What is still to do for the next start to have the arguments; None = nothing."""
    content, said = render_plugin(wanted, plugin), " ".join(wanted) or "none of ours"
    if plugin != content:
        return Act(WriteFile(PLUGIN, content, f"stage kernel arguments: {said}", 0o755, then=((PLUGIN, "all"),)),
                   f"{PLUGIN} " + ("is not there yet" if plugin is None else "says something else"))
    missing = sorted({argument for entry in entries for argument in lacking(wanted, entry.options)})
    left = sorted({word for entry in entries for word in entry.ours if word not in wanted})
    if missing or left:
        return Act(RunOnHost((PLUGIN, "all"), "put our kernel arguments into the boot entries"),
                   f"boot entries lack {' '.join(missing)}" if missing else f"boot entries still have {' '.join(left)}")
    for entry in entries:
        for mine, other in overruled(wanted, entry.options):
            return Stuck(f"{mine} has no effect: {other} stands after it in {entry.path}",
                         f"take {other} out of /etc/kernel/cmdline and out of that entry, or out of the profile")
    return None
