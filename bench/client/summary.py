#!/usr/bin/env python3
"""Compares troupe's HTTP client with its peers.

Usage: summary.py FOLDER [JSON]

Reads FOLDER/client.txt (lines: peer name number name number ..., or peer failed), prints a table,
and writes the same to FOLDER/client.md, and for machines to the file JSON; '-': to standard output,
in the place of the table.
Medians; only of quiet runs, where there are any: those during which other programs kept at most
MAX_OTHER cores busy (environment, default 0.15). A figure from disturbed runs only has a '~'.
"""
import collections
import json
import os
import statistics
import sys

MAX_OTHER = float(os.environ.get("MAX_OTHER", "0.15"))
HEAD = ("", "user", "sys", "total", "ratio", "runs")


def read_runs(path):
    """{peer: [{name: number}]}, and the peers that failed."""
    runs, failed = collections.OrderedDict(), []
    with open(path, encoding="utf-8") as file:
        for line in file:
            peer, *rest = line.split()
            if len(rest) < 4:
                failed.append(peer)
                continue
            run = {name: float(value) for name, value in zip(rest[::2], rest[1::2])}
            runs.setdefault(peer, []).append(run)
    return runs, failed


def row_of(runs):
    quiet = [run for run in runs if run["other"] <= MAX_OTHER]
    use = quiet or runs

    def each(*names):
        return round(statistics.median(sum(run[name] for name in names) * 1e6 / run["requests"]
                                       for run in use), 3)
    return {"user_us": each("client_user"), "sys_us": each("client_sys"),
            "total_us": each("client_user", "client_sys"),
            "errors": sum(run["errors"] for run in use), "runs": len(use), "disturbed": not quiet}


def cells(peer, row):
    errors = f", {row['errors']:.0f} errors" if row["errors"] else ""
    return (peer, f"{row['user_us']:.1f}", f"{row['sys_us']:.1f}",
            f"{row['total_us']:.1f}" + " ~" * row["disturbed"],
            f"{row['ratio']:.2f}" if row["ratio"] else "-", f"{row['runs']}{errors}")


def plain(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join([line[0].ljust(widths[0])] +
                               [word.rjust(width) for word, width in zip(line[1:], widths[1:])])
                     for line in lines)


def markdown(lines):
    ruled = [lines[0], ("---",) + ("---:",) * (len(lines[0]) - 1)] + lines[1:]
    return "\n".join("| " + " | ".join(line) + " |" for line in ruled)


def main(folder, json_path=None):
    runs, failed = read_runs(os.path.join(folder, "client.txt"))
    rows = {peer: row_of(of_one) for peer, of_one in runs.items()}
    ours = rows.get("troupe", {}).get("total_us")
    for row in rows.values():
        row["ratio"] = round(row["total_us"] / ours, 3) if ours else None
    ordered = sorted(rows.items(), key=lambda item: item[1]["total_us"])
    lines = [HEAD] + [cells(peer, row) for peer, row in ordered]
    title = "us of CPU that a client takes for a request"
    with open(os.path.join(folder, "client.md"), "w", encoding="utf-8") as file:
        file.write(f"{title}; medians of the quiet runs; ratio: to troupe; ~: only disturbed runs:\n\n"
                   f"{markdown(lines)}\n")
    text = json.dumps([{"peer": peer, **row} for peer, row in ordered], indent=1)
    print(text if json_path == "-" else f"\n{title}\n{plain(lines)}")
    if json_path and json_path != "-":
        with open(json_path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    if failed:
        sys.exit("failed: " + " ".join(failed))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
