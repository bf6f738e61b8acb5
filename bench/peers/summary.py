#!/usr/bin/env python3
"""Compares troupe with its peers.

Usage: summary.py RESULTS FOLDER

Reads result lines (workload peer workers n seconds per_op other_cores), prints a table, and writes
FOLDER/table.md and FOLDER/plot.svg. Only quiet runs count: those during which other programs kept
at most MAX_OTHER cores busy (environment, default 0.1). A figure from disturbed runs only has a '~'.
"""
import collections
import os
import statistics
import subprocess
import sys

MAX_OTHER = float(os.environ.get("MAX_OTHER", "0.1"))
UNITS = {"idle": ("bytes", 1.0), "sleepers": ("bytes", 1.0), "nqueens": ("ms", 1e6)}  # else: ns
COLORS = {"troupe": "#d1495b", "tokio": "#30638e", "go": "#00798c", "erlang": "#edae49",
          "caf": "#7d7f7d", "asyncio": "#b497bd", "uvloop": "#6a4c93",
          "libuv": "#5b8c5a"}

Figure = collections.namedtuple("Figure", "label median least runs quiet")


def base(workload):
    """skynet-async and skynet are variants of one workload."""
    return workload.split("-")[0]


def unit(workload):
    return UNITS.get(base(workload), ("ns", 1.0))


def read_runs(path):
    """{(workload, peer, workers): [(per_op, other_cores)]}; runs that failed are left out."""
    runs = collections.OrderedDict()
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if len(words) != 7:
                continue
            if words[4] == "failed":
                print("failed:", " ".join(words[:4]), file=sys.stderr)
                continue
            key = words[0], words[1], int(words[2])
            runs.setdefault(key, []).append((float(words[5]), float(words[6])))
    return runs


def row(workload, others):
    """Where it counts: ask-timed has a row of its own, since others have it, too."""
    return workload if workload in others else base(workload)


def label(workload, peer, workers, counted):
    """A peer's name, with the variant if it is not the usual one."""
    variant = workload[len(counted) + 1:]
    if workers == 0:
        variant = "1 thread"
    return f"{peer} ({variant})" if variant and peer != "troupe" else peer


def figure(key, runs, counted):
    quiet = [per_op for per_op, other in runs if other <= MAX_OTHER]
    use = quiet or [per_op for per_op, _ in runs]
    return Figure(label(*key, counted), statistics.median(use), min(use), len(use), bool(quiet))


def rows(runs):
    """{(workload, workers): (troupe's figure, peers' figures, the fastest first)}"""
    table = collections.OrderedDict()
    ours_all = {workload for workload, peer, _ in runs if peer == "troupe"}
    theirs_all = {workload for workload, peer, _ in runs if peer != "troupe"}
    for (workload, peer, workers), values in runs.items():
        if peer == "troupe":
            counted = row(workload, theirs_all)
            ours = figure((workload, peer, workers), values, counted)
            theirs = [figure(key, others, counted) for key, others in runs.items()
                      if key[1] != "troupe" and row(key[0], ours_all) == counted
                      and max(key[2], 1) == workers]
            table[workload, workers] = ours, sorted(theirs, key=lambda f: f.median)
    return table


# ---- tables ----

def number(workload, value):
    value /= unit(workload)[1]
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def cell(workload, fig):
    mark = "" if fig.quiet else " ~"
    return f"{number(workload, fig.median)} ({number(workload, fig.least)}){mark}"


HEAD = ("workload", "workers", "unit", "troupe: median (min)", "fastest peer", "its median (min)",
        "ratio")


def compare(table):
    """The lines of the first table, as tuples of strings."""
    lines = []
    for (workload, workers), (ours, theirs) in table.items():
        line = [workload, str(workers), unit(workload)[0], cell(workload, ours)]
        if theirs:
            best = theirs[0]
            line += [best.label, cell(workload, best), f"{best.median / ours.median:.2f}"]
        else:
            line += ["-", "-", "-"]
        lines.append(tuple(line))
    return lines


def print_table(lines):
    widths = [max(len(line[i]) for line in [HEAD] + lines) for i in range(len(HEAD))]
    for line in [HEAD] + lines:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip())


def markdown(head, lines):
    return "\n".join("| " + " | ".join(line) + " |"
                     for line in [head, ("---",) * len(head)] + lines) + "\n"


def everybody(table):
    """The lines of the second table: each peer's median."""
    lines = []
    for (workload, workers), (ours, theirs) in table.items():
        others = ", ".join(f"{f.label} {number(workload, f.median)}" for f in theirs)
        lines.append((workload, str(workers), unit(workload)[0], number(workload, ours.median),
                      others or "-"))
    return lines


def write_markdown(path, table):
    with open(path, "w", encoding="utf-8") as file:
        file.write("Median (minimum) of the quiet runs; ratio of the medians; ~: only disturbed "
                   "runs.\n\n")
        file.write(markdown(HEAD, compare(table)))
        file.write("\nMedians of all:\n\n")
        file.write(markdown(("workload", "workers", "unit", "troupe", "peers"), everybody(table)))


# ---- plot ----

def series(table, workers):
    """{peer: {workload: median}}, the best variant of each peer."""
    found = collections.OrderedDict((peer, {}) for peer in COLORS)
    for (workload, k), (ours, theirs) in table.items():
        if k != workers:
            continue
        scale = unit(workload)[1]
        found["troupe"][workload] = ours.median / scale
        for fig in theirs:  # the fastest first
            found[fig.label.split()[0]].setdefault(workload, fig.median / scale)
    return {peer: medians for peer, medians in found.items() if medians}


def plot_block(name, workloads, peers):
    """A gnuplot data block: a line for each workload, a column for each peer."""
    lines = []
    for workload in workloads:
        kind = unit(workload)[0]
        title = workload if kind == "ns" else f"{workload} ({kind})"
        values = [f"{peers[peer].get(workload, 'NaN')}" for peer in peers]
        lines.append(f'"{title}" ' + " ".join(values))
    return f"${name} << END\n" + "\n".join(lines) + "\nEND\n"


def plot_panel(name, workers, workloads, peers):
    bars = [f"${name} using {i + 2}:xtic(1) title '{peer}' linecolor rgb '{COLORS[peer]}'"
            for i, peer in enumerate(peers)]
    return (plot_block(name, workloads, peers) +
            f"set title '{workers} worker{'s' if workers > 1 else ''}'\n" +
            "plot " + ", \\\n    ".join(bars) + "\n")


PLOT_HEAD = """set terminal svg size 1200,{height} font 'sans-serif,13' background '#ffffff'
set style data histogram
set style histogram clustered gap 1.5
set style fill solid 0.95 noborder
set logscale y
set yrange [1:*]
set ylabel 'ns an operation (lower is better)'
set grid ytics linecolor rgb '#dddddd'
set xtics rotate by -30 scale 0 font ',12'
set key outside right top
set rmargin 14
set multiplot layout {panels},1
"""


def write_plot(path, table):
    counts = sorted({workers for _, workers in table})
    script = PLOT_HEAD.format(height=430 * len(counts), panels=len(counts))
    for workers in counts:
        workloads = [workload for workload, k in table if k == workers]
        script += plot_panel(f"workers{workers}", workers, workloads, series(table, workers))
    drawn = subprocess.run(["gnuplot"], input=script + "unset multiplot\n", text=True, check=True,
                           stdout=subprocess.PIPE).stdout
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line.rstrip() + "\n" for line in drawn.rstrip().splitlines())


def main(results, folder):
    table = rows(read_runs(results))
    if not table:
        sys.exit("no results")
    print_table(compare(table))
    write_markdown(os.path.join(folder, "table.md"), table)
    write_plot(os.path.join(folder, "plot.svg"), table)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
