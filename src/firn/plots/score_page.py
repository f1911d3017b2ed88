"""Tables of scores as a page for a browser."""

import html
import os
from collections.abc import Mapping, Sequence
from typing import Any

from firn.files import write_text
from firn.plots.evaluation import JUDGED_ON, count_text, number_text

Row = Mapping[str, Any]

#: Columns of the HTML table: key in the rows, heading.
_COLUMNS = {
    "kappa": "Kappa",
    "overall_accuracy": "Overall accuracy",
    "f1_ground": "F1 ground",
    "f1_snow": "F1 snow",
    "f1_cloud": "F1 cloud",
    "snow_cloud_free_f1": "F1 snow, cloud-free",
    "expected_calibration_error": "Calibration error",
    "lead": "Lead in kappa over the best baseline",
}
#: A page of tables that needs nothing else.
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Scores</title><style>
body {{ font: 14px sans-serif; margin: 1.5em; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .3em .8em; text-align: right; border-bottom: 1px solid #ddd; }}
th:first-child, td:first-child {{ text-align: left; }}
th {{ border-bottom: 2px solid #555; vertical-align: bottom; }}
small {{ color: #555; white-space: nowrap; display: block; }}
</style></head><body>
{tables}
</body></html>
"""
#: What tables with intervals end with.
INTERVALS = (
    "<p>In brackets: 95 % interval, bootstrap over scenes; those of differences are paired.</p>"
)


def write_comparison_html(
    path: str | os.PathLike[str], rows: Sequence[Row], situations: Sequence[Row]
) -> None:
    """Write the tables of scores as an HTML page that needs nothing else, atomically.

    Parameters
    ----------
    path : path
    rows, situations : sequence of mapping
        As `firn.evaluation.comparison_table` and `situation_table` give them.
    """
    tables = []
    for judged_on, title in JUDGED_ON.items():
        here = [row for row in rows if row["judged_on"] == judged_on]
        if not here:
            continue
        head = "".join(f"<th>{name}</th>" for name in ("Experiment", "Scenes", *_COLUMNS.values()))
        body = "\n".join(_table_row(row) for row in here)
        tables.append(f"<h2>Scores on {title}</h2>\n<table><tr>{head}</tr>\n{body}\n</table>")
        hard = [row for row in situations if row["judged_on"] == judged_on]
        tables.append(_situation_table(hard) if hard else "")
    write_text(path, PAGE.format(tables="\n".join([*tables, INTERVALS])))


def _table_row(row: Row) -> str:
    cells = [html.escape(row["name"]), str(row["n_scenes"])]
    for key in _COLUMNS:
        low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
        span = "" if low is None else f"<small>[{number_text(low)}, {number_text(high)}]</small>"
        cells.append(number_text(row[key]) + span)
    if row["same_pixels"] is False:
        cells[-1] += "<small>on other pixels than the baseline</small>"
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _situation_table(rows: Sequence[Row]) -> str:
    """Table of the share of pixels that are right: a line per situation, a column per method."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    lines: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        key = row["sensor"], row["area"], row["situation"]
        lines.setdefault(key, {})[row["method"]] = row
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("Situation", "Pixels", *methods))
    body = []
    for (sensor, area, situation), by_method in lines.items():
        pixels = max(row["n_pixels"] for row in by_method.values())
        cells = [html.escape(f"{sensor}, {area}: {situation}"), count_text(pixels)]
        cells += [
            number_text(by_method[name]["right"]) if name in by_method else "-" for name in methods
        ]
        body.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    title = "Share of pixels that are right, where maps are known to fail"
    return f"<h3>{title}</h3>\n<table><tr>{head}</tr>\n" + "\n".join(body) + "\n</table>"
