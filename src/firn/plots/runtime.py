"""Figure of the run time of each stage."""

from matplotlib.figure import Figure

from firn.plots.style import PALETTE, new_figure, panel_letters, styled


@styled
def runtime_figure(jobs: dict[str, list[tuple[float, float]]]) -> Figure:
    """Draw wall time per rule (summed over its jobs) and the largest memory of a job.

    Parameters
    ----------
    jobs : dict of rule to list of (seconds, megabytes)
        As `firn.job_times.read_benchmarks` gives them.
    """
    rules = sorted(jobs, key=lambda rule: sum(seconds for seconds, _ in jobs[rule]))
    figure = new_figure(17, 0.5 * len(rules) + 3)
    time, memory = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    totals = [sum(seconds for seconds, _ in jobs[rule]) for rule in rules]
    peaks = [max((mb for _, mb in jobs[rule] if mb == mb), default=0.0) for rule in rules]
    bars = time.barh(rules, totals, color=PALETTE[0])
    time.bar_label(
        bars,
        [
            f" {_duration(total)} ({len(jobs[rule])})"
            for total, rule in zip(totals, rules, strict=True)
        ],
        fontsize=6.5,
    )
    time.set_xlabel("Wall time, sum over jobs (s); number of jobs in brackets")
    time.margins(x=0.25)
    memory.barh(rules, peaks, color=PALETTE[4])
    memory.set_xlabel("Largest resident memory of a job (MB)")
    for axes in (time, memory):
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
    panel_letters((time, memory))
    return figure


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"
