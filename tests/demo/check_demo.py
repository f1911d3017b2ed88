"""Check the scores of a finished demo: `python tests/demo/check_demo.py [comparison.csv]`.

On the historical scenes the U-Net must be ahead of the best baseline, for both sensors by more than
chance (the interval of the difference lies above zero), for the one without SWIR by 0.10 kappa.
"""

import csv
import sys
from pathlib import Path

TABLE = Path("results/demo/evaluation/comparison.csv")
#: Least lead in kappa by sensor.
LEADS = {"spot2": 0.10, "spot4": 0.0}


def problems(table: Path) -> list[str]:
    """Print the rows of the historical scenes and give what is wrong with them."""
    with table.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["judged_on"] == "historical"]
    for row in rows:
        lead = f"{row['lead_low']:.5} < {row['lead']:.5} < {row['lead_high']:.5}"
        print(f"{row['name']:26} kappa {row['kappa']:.5}  {f'lead {lead}' if row['lead'] else ''}")
    found = []
    for sensor, least in LEADS.items():
        row = next((r for r in rows if r["name"] == f"unet-{sensor}"), None)
        if row is None or not row["lead_low"]:
            found.append(f"unet-{sensor}: has no lead with an interval")
        elif row["same_pixels"] != "True":
            found.append(f"unet-{sensor}: was judged on other pixels than {row['best_baseline']}")
        elif float(row["lead"]) < least or float(row["lead_low"]) <= 0:
            found.append(
                f"unet-{sensor}: leads {row['best_baseline']} by {row['lead']} (from "
                f"{row['lead_low']}), expected {least} at least and an interval above zero"
            )
    return found


if __name__ == "__main__":
    sys.exit("\n".join(problems(Path(sys.argv[1]) if sys.argv[1:] else TABLE)) or 0)
