"""The peers of the power flow: power-grid-model and OpenDSS on the IEEE European LV feeder, 1440 steps of a day.

Started by `bench-simulations grid` (see grid.rs there) with the feeder's folder and a folder for results. Reads the name of a method
from each line of its input, runs the day once, and answers with the processor time in microseconds a step. After
`voltages METHOD`, it writes the voltages of all buses in volts, step by step, as doubles, into a file and answers its name.
Building the model is not timed, nor is reading profiles.
"""

import csv
import gzip
import math
import os
import sys
import time

import dss
import numpy as np
import power_grid_model as pgm

FOLDER, RESULTS = sys.argv[1:3]
STEPS = 1440
BASE_KV = 0.416


def table(name):
    with open(os.path.join(FOLDER, name), newline="") as file:
        rows = (line for line in file if not line.startswith("#"))
        return [{key.strip(): value.strip() for key, value in row.items()} for row in csv.DictReader(rows)]


def profiles():
    name = next(name for name in os.listdir(FOLDER) if "profile" in name and name.endswith(".gz"))
    with gzip.open(os.path.join(FOLDER, name), "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


LINES, LOADS = table("Lines.csv"), table("Loads.csv")
CODES = {row["Name"]: row for row in table("LineCodes.csv")}
(TRANSFORMER,) = table("Transformer.csv")
PROFILES = profiles()
BUSES = list(dict.fromkeys(["1"] + [row[end] for row in LINES for end in ("Bus1", "Bus2")]))
KILOWATTS = np.array([PROFILES["p" + row["Yearly"].removeprefix("Shape_")] for row in LOADS])
TAN = [math.tan(math.acos(float(row["PF"]))) for row in LOADS]


class PowerGridModel:
    """The feeder, and a batch of loads."""

    def __init__(self):
        first = {bus: number for number, bus in enumerate([TRANSFORMER["bus1"], *BUSES])}
        node = pgm.initialize_array("input", "node", len(first))
        node["id"] = range(len(first))
        node["u_rated"] = [11e3] + [BASE_KV * 1e3] * len(BUSES)
        line = pgm.initialize_array("input", "line", len(LINES))
        line["id"] = range(2000, 2000 + len(LINES))
        line["from_node"] = [first[row["Bus1"]] for row in LINES]
        line["to_node"] = [first[row["Bus2"]] for row in LINES]
        line["from_status"] = line["to_status"] = 1
        kilometres = np.array([float(row["Length"]) / 1e3 for row in LINES])
        for ours, theirs in (("r1", "R1"), ("x1", "X1"), ("r0", "R0"), ("x0", "X0")):
            line[ours] = kilometres * [float(CODES[row["LineCode"]][theirs]) for row in LINES]
        for nought in ("c1", "tan1", "c0", "tan0"):
            line[nought] = 0.0
        line["i_n"] = 1e3
        transformer = pgm.initialize_array("input", "transformer", 1)
        rated, r, x = float(TRANSFORMER["MVA"]) * 1e6, float(TRANSFORMER["% resistance"]), float(TRANSFORMER["%XHL"])
        transformer["id"], transformer["from_node"], transformer["to_node"] = 4000, first[TRANSFORMER["bus1"]], first["1"]
        transformer["from_status"] = transformer["to_status"] = 1
        transformer["u1"], transformer["u2"], transformer["sn"] = 11e3, BASE_KV * 1e3, rated
        transformer["uk"], transformer["pk"] = math.hypot(r, x) / 100, rated * r / 100
        transformer["i0"] = transformer["p0"] = 0.0
        transformer["winding_from"], transformer["winding_to"] = pgm.WindingType.delta, pgm.WindingType.wye_n
        transformer["clock"] = 1
        transformer["tap_side"] = pgm.BranchSide.from_side
        transformer["tap_pos"] = transformer["tap_min"] = transformer["tap_max"] = transformer["tap_nom"] = 0
        transformer["tap_size"] = 0.0
        source = pgm.initialize_array("input", "source", 1)
        source["id"], source["node"], source["status"], source["u_ref"] = 5000, first[TRANSFORMER["bus1"]], 1, 1.05
        source["sk"], source["rx_ratio"], source["z01_ratio"] = math.sqrt(3) * 11e3 * 3e3, 0.25, 1.0
        load = pgm.initialize_array("input", "asym_load", len(LOADS))
        load["id"] = range(6000, 6000 + len(LOADS))
        load["node"] = [first[row["Bus"]] for row in LOADS]
        load["status"], load["type"] = 1, pgm.LoadGenType.const_power
        load["p_specified"] = load["q_specified"] = 0.0
        self.model = pgm.PowerGridModel(
            {"node": node, "line": line, "transformer": transformer, "source": source, "asym_load": load}
        )
        self.update = pgm.initialize_array("update", "asym_load", (STEPS, len(LOADS)))
        self.update["id"] = load["id"]
        self.update["p_specified"] = self.update["q_specified"] = 0.0
        for number, row in enumerate(LOADS):
            phase = "ABC".index(row["phases"])
            self.update["p_specified"][:, number, phase] = KILOWATTS[number] * 1e3
            self.update["q_specified"][:, number, phase] = KILOWATTS[number] * 1e3 * TAN[number]

    def run(self, method):
        return self.model.calculate_power_flow(
            symmetric=False,
            error_tolerance=1e-8,
            calculation_method=method,
            update_data={"asym_load": self.update},
            threading=-1,
            output_component_types=["node"],
        )

    def timed(self, method):
        start = time.process_time()
        self.run(method)
        return time.process_time() - start

    def voltages(self, method):
        return self.run(method)["node"]["u"][:, 1:, :]


class OpenDss:
    """The same circuit, loads with constant power, run by OpenDSS's own loop of the mode `yearly` in steps of a minute."""

    def __init__(self, tolerance):
        self.dss = dss.DSS.NewContext()
        self.dss.AllowForms = False
        text = self.text
        text("clear")
        text("set defaultbasefrequency=50")
        text(f"new circuit.feeder bus1={TRANSFORMER['bus1']} basekv=11 pu=1.05 isc3=3000 isc1=5")
        text(
            f"new transformer.tr1 buses=[{TRANSFORMER['bus1']} 1] conns=[delta wye] kvs=[11 {BASE_KV}] kvas=[800 800] "
            f"xhl={TRANSFORMER['%XHL']} %loadloss={TRANSFORMER['% resistance']} sub=y"
        )
        for name, code in CODES.items():
            values = " ".join(f"{key.lower()}={code[key]}" for key in ("R1", "X1", "R0", "X0", "C1", "C0"))
            text(f"new linecode.{name} nphases=3 {values} units=km")
        for row in LINES:
            text(
                f"new line.{row['Name']} bus1={row['Bus1']} bus2={row['Bus2']} phases=3 linecode={row['LineCode']} "
                f"length={row['Length']} units=m"
            )
        for number, row in enumerate(LOADS):
            values = " ".join(map(repr, KILOWATTS[number].tolist()))
            text(f"new loadshape.s{number} npts={STEPS} minterval=1 useactual=yes mult=({values})")
            phase = "ABC".index(row["phases"]) + 1
            # Without the wide limits loads would stop drawing constant power above 1.05 of 0.23 kV.
            text(
                f"new load.{row['Name']} bus1={row['Bus']}.{phase} phases=1 kv=0.23 kw=1 pf={row['PF']} model=1 "
                f"vminpu=0.5 vmaxpu=1.5 yearly=s{number}"
            )
        text(f"set voltagebases=[11 {BASE_KV}]")
        text("calcvoltagebases")
        text(f"set tolerance={tolerance}")
        self.dss.ActiveCircuit.Solution.MaxIterations = 100

    def text(self, command):
        self.dss.Text.Command = command

    def start(self, number):
        self.text(f"set mode=yearly stepsize=1m number={number} hour=0 sec=0")

    def timed(self):
        self.start(STEPS)
        start = time.process_time()
        self.dss.ActiveCircuit.Solution.Solve()
        return time.process_time() - start

    def voltages(self):
        self.start(1)
        circuit = self.dss.ActiveCircuit
        order = {name.lower(): number for number, name in enumerate(circuit.AllNodeNames)}
        nodes = [order[f"{bus.lower()}.{phase}"] for bus in BUSES for phase in (1, 2, 3)]
        steps = []
        for _ in range(STEPS):
            circuit.Solution.Solve()
            steps.append(circuit.AllBusVmag[nodes])
        return np.array(steps).reshape(STEPS, len(BUSES), 3)


def main():
    grid, loop, tight = PowerGridModel(), OpenDss(1e-4), OpenDss(1e-8)
    methods = pgm.CalculationMethod
    runs = {
        "iterative_current": (lambda: grid.timed(methods.iterative_current), lambda: grid.voltages(methods.iterative_current)),
        "newton_raphson": (lambda: grid.timed(methods.newton_raphson), lambda: grid.voltages(methods.newton_raphson)),
        "opendss": (loop.timed, loop.voltages),
        "opendss_tight": (tight.timed, tight.voltages),
    }
    for line in sys.stdin:
        *what, method = line.split()
        if what:
            name = os.path.join(RESULTS, method)
            np.ascontiguousarray(runs[method][1](), dtype="<f8").tofile(name)
            print(name, flush=True)
        else:
            print(runs[method][0]() * 1e6 / STEPS, flush=True)


main()
