"""`python -m benchmarks [NAME ...]`: runs the benchmarks, prints a table, writes build/bench.json.

A benchmark is a module here with a function `run() -> Result`; it is entered in `BENCHMARKS` under its name.
Naming some measures those and keeps the other records of the file.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.result import Result
from twinpack.cli import output

BENCHMARKS: dict[str, str] = {
    "command_start": "benchmarks.command_start",
    "filter": "benchmarks.filter",
}
RECORD = Path("build/bench.json")


def measure(names: list[str]) -> dict[str, Result]:
    """Runs the named benchmarks one after the other."""
    results = {}
    for name in names:
        output.note(f"measuring {name}")
        results[name] = import_module(BENCHMARKS[name]).run()
    return results


def write(results: dict[str, Result], record: Path) -> None:
    """Writes the results, beside what the file already holds for benchmarks that still exist."""
    known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    kept = {name: entry for name, entry in known.items() if name in BENCHMARKS}
    record.parent.mkdir(parents=True, exist_ok=True)
    merged = kept | {name: result.as_json() for name, result in results.items()}
    record.write_text(json.dumps(merged, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def row(name: str, result: Result) -> list[str]:
    """One line of the table: three leading digits, whatever the size."""
    value, baseline = (output.significant(number, 3) for number in (result.value, result.baseline))
    return [name, value, baseline, result.unit, f"{output.significant(result.ratio, 2)} ×"]


def main(names: list[str]) -> int:
    """Measures, prints, writes."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        output.note(f"no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
        return 2
    output.make_streams_tolerant()
    results = measure(names or list(BENCHMARKS))
    output.table(["benchmark", "twinpack", "baseline", "unit", "better"], [row(*item) for item in results.items()])
    write(results, RECORD)
    output.note(f"wrote {RECORD}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
