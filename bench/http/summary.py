#!/usr/bin/env python3
"""Compares troupe's HTTP server with its peers.

Usage: summary.py FOLDER [JSON]

Reads FOLDER/http.txt (lines: workload peer name number name number ..., or workload peer failed),
prints a table for each workload, and writes the same to FOLDER/http.md, and for machines to JSON.
Medians; only of quiet runs, where there are any: those during which other programs kept at most
MAX_OTHER cores busy (environment, default 0.15). A figure from disturbed runs only has a '~'.
"""
import collections
import json
import os
import statistics
import sys

MAX_OTHER = float(os.environ.get("MAX_OTHER", "0.15"))
MEMORY = ("idle", "held")
TITLES = {
    "hello": "hello: us of server CPU a request",
    "pipelined": "pipelined, 16 deep: us of server CPU a request",
    "orders": "orders, JSON checked and answered: us of server CPU a request",
    "room": "room of 200: us of server CPU a delivery",
    "idle": "idle: bytes of memory a connection",
    "held": "held at once: bytes of memory a connection",
}
CPU_HEAD = ("", "user", "sys", "total", "ratio", "per s", "p50 us", "p99 us", "runs")
MEMORY_HEAD = ("", "bytes", "ratio", "connections", "held", "runs")


def read_runs(path):
    """{workload: {peer: [{name: number}]}}; and the cases that failed."""
    runs, failed = collections.OrderedDict(), []
    with open(path, encoding="utf-8") as file:
        for line in file:
            workload, peer, *rest = line.split()
            if rest == ["failed"] or len(rest) < 4:
                failed.append(f"{workload}/{peer}")
                continue
            run = {name: float(value) for name, value in zip(rest[::2], rest[1::2])}
            runs.setdefault(workload, collections.OrderedDict()).setdefault(peer, []).append(run)
    return runs, failed


def median(values):
    return round(statistics.median(values), 4)


def cpu_row(runs):
    quiet = [run for run in runs if run["other"] <= MAX_OTHER]
    use = quiet or runs

    def each(name, scale):
        return median(run[name] * scale / run.get("requests", run.get("deliveries")) for run in use)
    row = {
        "user_us": each("user", 1e6), "sys_us": each("sys", 1e6),
        "total_us": median((run["user"] + run["sys"]) * 1e6
                           / run.get("requests", run.get("deliveries")) for run in use),
        "per_second": median(run.get("requests", run.get("deliveries")) / run["seconds"]
                             for run in use),
        "errors": sum(run.get("errors", 0) for run in use),
        "runs": len(use), "disturbed": not quiet,
    }
    for name in ("p50", "p99"):
        known = [run[name] for run in use if run.get(name)]  # wrk says 0 of some pipelined runs
        if known:
            row[name + "_us"] = median(known)
    return row


def memory_row(runs):
    return {"bytes": median(run["bytes"] / run["connections"] for run in runs),
            "connections": median(run["connections"] for run in runs),
            "held": median(run["held"] for run in runs), "runs": len(runs)}


def rows_of(workload, peers):
    """[(peer, row)], the cheapest first, each with its ratio to ours."""
    key = "bytes" if workload in MEMORY else "total_us"
    make = memory_row if workload in MEMORY else cpu_row
    rows = {peer: make(runs) for peer, runs in peers.items()}
    ours = rows.get("troupe", {}).get(key)
    for row in rows.values():
        row["ratio"] = round(row[key] / ours, 3) if ours else None
    return sorted(rows.items(), key=lambda item: item[1][key])


# ---- tables ----

def number(value, digits=2):
    if value is None:
        return "-"
    return f"{value:.{digits}f}" if value < 1000 else f"{value:,.0f}"


def cells(workload, peer, row):
    if workload in MEMORY:
        return (peer, number(row["bytes"], 0), number(row["ratio"]), number(row["connections"], 0),
                number(row["held"], 0), str(row["runs"]))
    mark = " ~" if row["disturbed"] else ""
    errors = f", {row['errors']:.0f} errors" if row["errors"] else ""
    return (peer, number(row["user_us"]), number(row["sys_us"]), number(row["total_us"]) + mark,
            number(row["ratio"]), number(row["per_second"], 0), number(row.get("p50_us"), 0),
            number(row.get("p99_us"), 0), f"{row['runs']}{errors}")


def plain(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join([line[0].ljust(widths[0])] +
                               [word.rjust(width) for word, width in zip(line[1:], widths[1:])])
                     for line in lines)


def markdown(lines):
    ruled = [lines[0], ("---",) + ("---:",) * (len(lines[0]) - 1)] + lines[1:]
    return "\n".join("| " + " | ".join(line) + " |" for line in ruled)


def main(folder, json_path=None):
    runs, failed = read_runs(os.path.join(folder, "http.txt"))
    tables = {workload: rows_of(workload, peers) for workload, peers in runs.items()}
    with open(os.path.join(folder, "http.md"), "w", encoding="utf-8") as file:
        file.write("Medians of the quiet runs; ratio: to troupe; ~: only disturbed runs.\n")
        for workload, rows in tables.items():
            head = MEMORY_HEAD if workload in MEMORY else CPU_HEAD
            lines = [head] + [cells(workload, peer, row) for peer, row in rows]
            print(f"\n{TITLES[workload]}\n{plain(lines)}")
            file.write(f"\n{TITLES[workload]}:\n\n{markdown(lines)}\n")
    if json_path:
        with open(json_path, "w", encoding="utf-8") as file:
            json.dump([{"workload": workload, "peer": peer, **row}
                       for workload, rows in tables.items() for peer, row in rows], file, indent=1)
            file.write("\n")
    if failed:
        sys.exit("failed: " + " ".join(failed))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
