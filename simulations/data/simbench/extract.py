#!/usr/bin/env python3
"""Makes the household meters in this folder out of the SimBench database.

Needs Python 3.11 or newer, nothing but its standard library, and the package that holds the database:

    python3 -m venv /tmp/simbench && /tmp/simbench/bin/pip install --no-deps simbench==1.6.3
    /tmp/simbench/bin/python extract.py

The output does not depend on the machine: all sums are exact decimals. See README.md for what it means.
"""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
DATABASE = "networks/1-complete_data-mixed-all-2-sw"  # scenario 2: the one with heat pumps and charging points
LOCAL = ZoneInfo("Europe/Berlin")
STEP = timedelta(minutes=15)
KWH_PER_KWP = 950  # yearly yield of a roof in Germany

Series = list[Decimal]


@dataclass(frozen=True)
class Home:
    """A household. Loads are (profile, kWh a year), the charging point is (profile, kW), the roof is (profile, kWp)."""

    load: tuple[str, int]
    weeks_later: int = 0  # where two homes share a profile, the other lives it this many weeks later
    heat_pump: tuple[str, int] | None = None
    charging_point: tuple[str, Decimal] | None = None
    roof: tuple[str, Decimal] | None = None


# The roofs are four of one region (their clouds come on the same days), facing different ways.
HOMES = [
    Home(load=("H0-A", 3500)),
    Home(load=("H0-C", 4500), roof=("PV4", Decimal("8.0"))),
    Home(load=("H0-B", 2800)),
    Home(load=("H0-L", 4000), roof=("PV3", Decimal("9.8"))),
    Home(load=("H0-G", 2200)),
    Home(load=("H0-B", 3600), weeks_later=1, heat_pump=("Air_Parallel_1", 3200), roof=("PV1", Decimal("12.0"))),
    Home(load=("H0-C", 3000), weeks_later=1, charging_point=("HLS_A_11.0", Decimal("11.0"))),
    Home(load=("H0-G", 3200), weeks_later=2, roof=("PV7", Decimal("5.0"))),
    Home(
        load=("H0-L", 5200),
        weeks_later=2,
        heat_pump=("Soil_Alternative_1", 4000),
        charging_point=("HLS_A_3.7", Decimal("3.7")),
        roof=("PV4", Decimal("14.5")),
    ),
    Home(load=("H0-A", 1900), weeks_later=1),
]

# Folder, first local midnight, days.
PERIODS = [("", datetime(2016, 6, 8, tzinfo=LOCAL), 7), ("winter-day", datetime(2016, 1, 20, tzinfo=LOCAL), 1)]


def main() -> None:
    spec = find_spec("simbench")
    if spec is None or spec.origin is None:
        raise SystemExit("the package simbench is not installed here: see the head of this file")
    database = Path(spec.origin).parent / DATABASE
    start, loads = read(database / "LoadProfile.csv")
    also_start, plants = read(database / "RESProfile.csv")
    assert start == also_start
    for number, home in enumerate(HOMES, 1):
        registers = meter(home, loads, plants)
        for folder, begin, days in PERIODS:
            first = (begin - start) // STEP
            write(HERE / folder / f"household-{number}.csv", start, registers, first, first + days * 96)


def read(path: Path) -> tuple[datetime, dict[str, Series]]:
    """The instant of the first row, and a column for each profile. Checks that the local times have no surprises."""
    with path.open(newline="") as file:
        names, *rows = csv.reader(file, delimiter=";")
    start = datetime.strptime(rows[0][0], "%d.%m.%Y %H:%M").replace(tzinfo=LOCAL).astimezone(UTC)
    for number, row in enumerate(rows):
        local = (start + number * STEP).astimezone(LOCAL)
        assert row[0] == local.strftime("%d.%m.%Y %H:%M"), f"row {number} of {path.name} is {row[0]}, not {local}"
    columns = zip(*rows)
    return start, {name: [Decimal(value) for value in column] for name, column in zip(names, columns) if name != "time"}


def meter(home: Home, loads: dict[str, Series], plants: dict[str, Series]) -> list[tuple[int, int]]:
    """Import and export in Wh since the year began, before each row and after the last."""
    profile, kwh = home.load
    shift = home.weeks_later * 7 * 96
    series = loads[profile + "_pload"]
    used = energy(series[shift:] + series[:shift], kwh)
    if home.heat_pump:
        profile, kwh = home.heat_pump
        used = add(used, energy(loads[profile + "_pload"], kwh))
    if home.charging_point:
        profile, kw = home.charging_point
        used = add(used, [part * kw * 1000 / 4 for part in loads[profile + "_pload"]])
    if home.roof:
        profile, kwp = home.roof
        used = add(used, [-part for part in energy(plants[profile], kwp * KWH_PER_KWP)])
    imported = exported = Decimal(0)
    registers = [(0, 0)]
    for net in used:
        imported += max(net, Decimal(0))
        exported += max(-net, Decimal(0))
        registers.append((int(imported), int(exported)))
    return registers


def energy(series: Series, kwh: Decimal | int) -> Series:
    """The profile in Wh a row, such that the year has this many kWh."""
    factor = kwh * 1000 / sum(series)
    return [part * factor for part in series]


def add(one: Series, other: Series) -> Series:
    return [a + b for a, b in zip(one, other, strict=True)]


def write(path: Path, start: datetime, registers: list[tuple[int, int]], first: int, last: int) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="\n") as file:
        print("at,import_wh,export_wh", file=file)
        for number in range(first, last + 1):
            at = (start + number * STEP).strftime("%Y-%m-%dT%H:%M:%SZ")
            print(at, *registers[number], sep=",", file=file)


if __name__ == "__main__":
    main()
