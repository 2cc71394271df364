"""The recording in the README and docs/apply.svg, from the log of a real apply: `python docs/record.py LOG`.

Nothing is added. Lines about waiting for members are left out, of the installer's only Ansible's headings and
recap are kept, and long lines are cut.
"""

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parent
WIDTH = 116
LEFT_OUT = re.compile(r"MembersReady (wait|act)|^\d{4}-\d\d-\d\d |^report: |^note: ")
INSTALLER = re.compile(r"cluster/\S+ \| ")
COLOURS = ((re.compile(r"^(lab-\d+|cluster/\S+)(?=  |  met| \()"), "bold"), (re.compile(r" act: "), "yellow"),
           (re.compile(r" wait: "), "cyan"), (re.compile(r" met: |(?<= )met(?= )"), "green"),
           (re.compile(r" stuck: "), "red"), (re.compile(r"^ +! destroys"), "bold red"), (re.compile(r"^ +~"), "yellow"))


def lines_of(log: str) -> list[str]:
    """The lines worth showing, cut at WIDTH."""
    kept = [line.rstrip() for line in log.splitlines() if line.strip() and not LEFT_OUT.search(line)]
    kept = [line for line in kept if not INSTALLER.match(line) or re.search(r"PLAY|TASK|ok=", line)]
    return [line if len(line) <= WIDTH else line[: WIDTH - 1] + "…" for line in kept]


def picture(lines: list[str]) -> str:
    """The lines as SVG, coloured as the terminal colours them."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text("$ bpa apply", style="bold"))
    for line in lines:
        text = Text(line)
        for pattern, style in COLOURS:
            text.highlight_regex(pattern, style)
        console.print(text)
    drawn = console.export_svg(title="bpa apply", unique_id="apply")
    # Rich names a font on somebody's server; the reader's own monospace will do.
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.S)


def main(log: Path) -> None:
    """Write both."""
    lines = lines_of(log.read_text())
    (DOCS / "apply.svg").write_text(picture(lines))
    readme = DOCS.parent / "README.md"
    block = "<!-- recording -->\n```text\n$ bpa apply\n" + "\n".join(lines) + "\n```\n<!-- /recording -->"
    readme.write_text(re.sub(r"<!-- recording -->.*?<!-- /recording -->", lambda _: block, readme.read_text(), flags=re.S))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
