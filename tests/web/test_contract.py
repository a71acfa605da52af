"""What the web app knows of the API is what the API is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"


def run(*command: str) -> str:
    return subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_the_kept_description_is_that_of_the_code() -> None:
    kept = json.loads((WEB / "openapi.json").read_text(encoding="utf-8"))

    assert json.loads(run("-m", "twinpack.api")) == kept, "say: python -m twinpack.api > web/openapi.json"


def test_the_types_are_those_of_the_description(tmp_path: Path) -> None:
    made = tmp_path / "types.d.ts"
    run("web/app.py", "npm", "exec", "--", "openapi-typescript", "openapi.json", "-o", str(made))

    assert made.read_text(encoding="utf-8") == (WEB / "src" / "api" / "types.d.ts").read_text(encoding="utf-8"), (
        "say: python web/app.py npm run types"
    )
