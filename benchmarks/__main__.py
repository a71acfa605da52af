"""`python -m benchmarks [NAME ...]`: runs the benchmarks, prints a table, writes build/bench.json.

A benchmark is a function without arguments that gives a `Result`; it is entered in `BENCHMARKS` under its name.
Naming some measures those and keeps the other records of the file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from benchmarks.result import Result
from twinpack.cli import output

BENCHMARKS: dict[str, str] = {
    "command_start": "benchmarks.command_start:run",
    "filter_vs_filterpy_n4": "benchmarks.filters:filterpy_n4",
    "filter_vs_filterpy_n6": "benchmarks.filters:filterpy_n6",
    "filter_vs_filterpy_n8": "benchmarks.filters:filterpy_n8",
    "filter_vs_numpy_n6": "benchmarks.filters:vs_numpy",
    "filter_vs_progpy": "benchmarks.filters:vs_progpy",
    "filter_two_threads": "benchmarks.filters:two_threads",
    "filter_f32": "benchmarks.filters:single_precision",
    "filter_steps_per_s_n6": "benchmarks.filters:steps_per_second",
    "state_bytes_per_twin": "benchmarks.filters:bytes_per_twin",
    "filter_scaling": "benchmarks.filters:scaling",
    "hybrid_vs_physics": "benchmarks.hybrids:beside_its_physics",
    "kernel_compile_n6_s": "benchmarks.kernels:compiling",
    "warm_start_s": "benchmarks.kernels:warm_start",
    "sobol_vs_loop": "benchmarks.sensitivity:vs_loop",
    "sobol_runs_vs_compiled_loop": "benchmarks.sensitivity:vs_compiled_loop",
    "forecast_vehicles_per_s": "benchmarks.forecast:vehicles_per_s",
    "forecast_100k_s": "benchmarks.forecast:seconds",
    "forecast_memory_mb": "benchmarks.forecast:memory",
    "loop_filter_s": "benchmarks.loop:run",
    "decode_json_us": "benchmarks.messages:json_samples",
    "decode_msgpack_us": "benchmarks.messages:msgpack_columns",
    "decode_packed_us": "benchmarks.messages:msgpack_packed",
    "ingest_msgs_per_s": "benchmarks.ingest:messages_per_second",
    "ingest_samples_per_s": "benchmarks.ingest:samples_per_second",
    "ingest_packed_samples_per_s": "benchmarks.ingest:packed_samples_per_second",
    "ingest_memory_mb": "benchmarks.ingest:resident_memory",
    "rules_samples_per_s": "benchmarks.rules:samples_per_second",
    "cells_samples_per_s": "benchmarks.cells:samples_per_second",
    "rules_vs_plain_python": "benchmarks.rules:beside_plain_python",
    "alarm_latency_p95_ms": "benchmarks.alarms:latency",
    "lake_vehicle_day_ms": "benchmarks.lake:vehicle_day",
    "fleet_latest_ms": "benchmarks.lake:fleet_latest",
    "api_vehicle_list_p95_ms": "benchmarks.api:vehicle_list",
    "api_vehicle_detail_p95_ms": "benchmarks.api:vehicle_detail",
    "api_vehicle_day_p95_ms": "benchmarks.api:vehicle_day",
    "api_requests_per_s": "benchmarks.api:requests",
    "api_alarm_event_p95_ms": "benchmarks.api:events",
}
RECORD = Path("build/bench.json")


def measure(names: list[str]) -> dict[str, Result]:
    """Runs the named benchmarks one after the other."""
    results = {}
    for name in names:
        output.note(f"measuring {name}")
        results[name] = benchmark(name)()
    return results


def benchmark(name: str) -> Callable[[], Result]:
    """The function entered under a name."""
    module, _, function = BENCHMARKS[name].partition(":")
    found: Callable[[], Result] = getattr(import_module(module), function)
    return found


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
