#!/usr/bin/env python3
"""Cuts the rural street in this folder out of the SimBench database: its grid, and three weeks of its profiles.

    python3 -m venv /tmp/simbench && /tmp/simbench/bin/pip install simbench==1.6.3 pandapower==3.5.6
    /tmp/simbench/bin/python cut.py

The output does not depend on the machine. See README.md for what it means.
"""

import csv
import gzip
import io
import json
from datetime import datetime, timedelta
from pathlib import Path

import pandas
import simbench

HERE = Path(__file__).parent
GRID = "1-LV-rural2--2-sw"  # scenario 2: with heat pumps, charging points and batteries
# The first row of each week, in local time. No clock is changed in any of them.
WEEKS = {"summer": "08.06.2016 00:00", "winter": "18.01.2016 00:00", "spring": "11.04.2016 00:00"}
ROWS = 7 * 96
COLUMNS = {
    "bus": ["name", "vn_kv", "type"],
    "ext_grid": ["name", "bus", "vm_pu", "va_degree"],
    "trafo": "name std_type hv_bus lv_bus sn_mva vn_hv_kv vn_lv_kv vk_percent vkr_percent pfe_kw i0_percent shift_degree "
    "tap_side tap_neutral tap_min tap_max tap_step_percent tap_pos".split(),
    "line": "name std_type from_bus to_bus length_km r_ohm_per_km x_ohm_per_km c_nf_per_km max_i_ka parallel".split(),
    "load": ["name", "bus", "p_mw", "q_mvar", "sn_mva", "profile"],
    "sgen": ["name", "bus", "type", "p_mw", "q_mvar", "sn_mva", "profile"],
    "storage": "name bus p_mw q_mvar sn_mva min_e_mwh max_e_mwh soc_percent efficiency_percent "
    "self-discharge_percent_per_day profile".split(),
    "switch": ["bus", "element", "et", "closed"],
}


def main() -> None:
    net = simbench.get_simbench_net(GRID)
    for table, columns in COLUMNS.items():
        elements = net[table][columns].copy()
        if table == "bus":  # pandapower keeps places as GeoJSON
            points = [json.loads(point)["coordinates"] for point in net.bus["geo"]]
            elements["x"], elements["y"] = zip(*points)
        elements.to_csv(HERE / f"{table}.csv", index_label=table, lineterminator="\n")
    profiles = used(net)
    (HERE / "weeks").mkdir(exist_ok=True)
    for week, first in WEEKS.items():
        write(HERE / "weeks" / f"{week}_profiles.csv.gz", profiles, first)


def used(net) -> pandas.DataFrame:
    """A column for each profile that an element follows: of loads two, active and reactive power."""
    loads = [f"{name}_{power}" for name in sorted(set(net.load["profile"])) for power in ("pload", "qload")]
    storages = sorted(set(net.storage["profile"]))
    # A storage's profile is named after the PV that charges it, whose own profile is wanted as well.
    plants = sorted(set(net.sgen["profile"]) | {name.split("_")[1] for name in storages})
    tables = [net.profiles["load"][["time", *loads]], net.profiles["renewables"][plants], net.profiles["storage"][storages]]
    return pandas.concat(tables, axis=1)


def write(path: Path, profiles: pandas.DataFrame, first: str) -> None:
    begin = profiles.index[profiles["time"] == first][0]
    week = profiles.iloc[begin : begin + ROWS]
    start = datetime.strptime(first, "%d.%m.%Y %H:%M")
    for number, time in enumerate(week["time"]):
        expected = (start + number * timedelta(minutes=15)).strftime("%d.%m.%Y %H:%M")
        assert time == expected, f"row {number} of {path.name} is {time}, not {expected}"
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(week.columns)
    for row in week.itertuples(index=False):
        rows.writerow([row[0], *(written(value) for value in row[1:])])
    path.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))


def written(value: float) -> str:
    """Rounded to seven decimals: a thousandth of a watt of the largest element."""
    return f"{value:.7f}".rstrip("0").rstrip(".") if round(value, 7) else "0"



if __name__ == "__main__":
    main()
