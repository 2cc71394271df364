"""Taking containerd's drop-in back, by the real script in a real shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bpa.core.host.containerd import UNMAKE


@pytest.mark.parametrize("there", [True, False])
def test_the_drop_in_goes_and_containerd_is_restarted_where_it_is_still_there(tmp_path: Path, there: bool) -> None:
    folder, tools = tmp_path / "conf.d", tmp_path / "bin"
    for one in (folder, tools):
        one.mkdir()
    (folder / "bpa-kata.toml").touch()
    (tools / "systemctl").write_text(f"""#!/bin/sh
[ "$1" = cat ] && exit {0 if there else 1}
echo "$*" >>{tmp_path}/done
""")
    (tools / "systemctl").chmod(0o755)
    subprocess.run(["sh", "-c", UNMAKE, "sh", str(folder / "bpa-kata.toml")], check=True,
                   env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    assert not (folder / "bpa-kata.toml").exists()
    assert (tmp_path / "done").exists() == there
