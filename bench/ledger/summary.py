#!/usr/bin/env python3
"""Compares the ledger with its peers.

Usage: summary.py FOLDER [JSON]

Reads FOLDER/ledger.txt (lines: workload variant name number name number ..., or workload variant
failed), prints a table for each workload, and writes the same to FOLDER/ledger.md, and for machines
to the file JSON; '-': to standard output, in the place of the table.
Medians; only of quiet runs, where there are any: those during which other programs kept at most
MAX_OTHER cores busy (environment, default 0.15). A figure from disturbed runs only has a '~'.
"""
import collections
import json
import os
import statistics
import sys

MAX_OTHER = float(os.environ.get("MAX_OTHER", "0.15"))
TRANSFERS_HEAD = ("", "per s", "ratio", "p50 ms", "p99 ms", "CPU us", "runs")
LOGINS_HEAD = ("", "p50 us", "p99 us", "p50 us beside", "p99 us beside", "p99 ratio", "logins/s",
               "runs")


def read_runs(path):
    """{(workload, group, variant): [{name: number}]}, and the cases that failed. A group is a number
    of connections, or of those that log in."""
    runs, failed = collections.OrderedDict(), []
    with open(path, encoding="utf-8") as file:
        for line in file:
            workload, variant, *rest = line.split()
            if rest == ["failed"] or len(rest) < 4:
                failed.append(f"{workload}/{variant}")
                continue
            run = {name: float(value) for name, value in zip(rest[::2], rest[1::2])}
            group = int(run.get("connections", run.get("hashers", 0)))
            runs.setdefault((workload, group, variant), []).append(run)
    return runs, failed


def row_of(runs):
    """Medians of each figure, and of what follows from two of them in each run."""
    quiet = [run for run in runs if run.get("other", 0) <= MAX_OTHER]
    use = quiet or runs
    row = {name: round(statistics.median(run[name] for run in use), 3) for name in use[0]}
    row.update(runs=len(use), disturbed=not quiet)
    for name in ("transfers", "logins", "reads"):
        if name in row:
            row[name + "_per_second"] = round(
                statistics.median(run[name] / run["seconds"] for run in use), 2)
    if "transfers" in row:
        row["cpu_us"] = round(statistics.median(
            (run["user"] + run["sys"]) * 1e6 / max(run["transfers"], 1) for run in use), 2)
    for name in ("errors", "refused"):
        if name in row:
            row[name] = sum(run[name] for run in use)
    return row


def number(value, digits=0):
    return f"{value:,.{digits}f}"


def transfers_table(rows, connections):
    ours = rows.get(("transfers", connections, "troupe"), {}).get("transfers_per_second")
    lines = []
    for (workload, group, variant), row in rows.items():
        if workload != "transfers" or group != connections:
            continue
        row["ratio"] = round(ours / row["transfers_per_second"], 3) if ours else None
        errors = f", {row['errors']:.0f} errors" if row["errors"] else ""
        lines.append((variant, number(row["transfers_per_second"]) + " ~" * row["disturbed"],
                      number(row["ratio"], 2) if ours else "-", number(row["p50"] / 1e3, 2),
                      number(row["p99"] / 1e3, 2), number(row["cpu_us"]),
                      f"{row['runs']}{errors}"))
    return [TRANSFERS_HEAD] + lines


def logins_table(rows):
    lines = []
    for (workload, group, variant), row in rows.items():
        alone = rows.get((workload, 0, variant))
        if workload != "logins" or group == 0 or not alone:
            continue
        row["p99_ratio"] = round(row["p99"] / alone["p99"], 3)
        lines.append((variant, number(alone["p50"]), number(alone["p99"]) + " ~" * alone["disturbed"],
                      number(row["p50"]), number(row["p99"]) + " ~" * row["disturbed"],
                      number(row["p99_ratio"], 2), number(row["logins_per_second"], 1),
                      str(row["runs"])))
    return [LOGINS_HEAD] + lines


def tables_of(rows):
    """[(title, lines)] of what was measured."""
    tables = []
    for connections in sorted({group for workload, group, _ in rows if workload == "transfers"}):
        word = "connection" if connections == 1 else "connections"
        tables.append((f"transfers, {connections} {word} (ratio: troupe's rate to this one's)",
                       transfers_table(rows, connections)))
    if any(workload == "logins" for workload, _, _ in rows):
        tables.append(("reading an account, alone, and beside logins on all cores",
                       logins_table(rows)))
    disk = rows.get(("disk", 0, "disk"))
    if disk:
        tables.append(("the disk: appending 4 KiB and fdatasync",
                       [("", "p50 us", "p99 us"), ("disk", number(disk["p50"]), number(disk["p99"]))]))
    return tables


def plain(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join([line[0].ljust(widths[0])] +
                               [word.rjust(width) for word, width in zip(line[1:], widths[1:])])
                     for line in lines)


def markdown(lines):
    ruled = [lines[0], ("---",) + ("---:",) * (len(lines[0]) - 1)] + lines[1:]
    return "\n".join("| " + " | ".join(line) + " |" for line in ruled)


def write_json(rows, path):
    text = json.dumps([{"workload": workload, "group": group, "variant": variant, **row}
                       for (workload, group, variant), row in rows.items()], indent=1)
    if path == "-":
        print(text)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def main(folder, json_path=None):
    runs, failed = read_runs(os.path.join(folder, "ledger.txt"))
    rows = collections.OrderedDict((key, row_of(of_one)) for key, of_one in runs.items())
    tables = tables_of(rows)
    with open(os.path.join(folder, "ledger.md"), "w", encoding="utf-8") as file:
        file.write("Medians of the quiet runs; ~: only disturbed runs.\n")
        for title, lines in tables:
            file.write(f"\n{title}:\n\n{markdown(lines)}\n")
            if json_path != "-":
                print(f"\n{title}\n{plain(lines)}")
    if json_path:
        write_json(rows, json_path)
    if failed:
        sys.exit("failed: " + " ".join(failed))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
