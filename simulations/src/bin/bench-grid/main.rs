//! How fast the power flow is.
use rustix::time::{ClockId, clock_gettime};
use std::path::Path;
use wattswap_simulations::grid::LANES;
use wattswap_simulations::grid::ieee;
use wattswap_simulations::grid::profiles::{self, Profiles};
use wattswap_simulations::grid::solver::{Settings, Solver, Start};

fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn run(solver: &Solver<3>, profiles: &Profiles, start: Start, out: bool) -> (f64, u32, f64) {
    let mut batch = solver.batch();
    let t = cpu();
    let mut it = 0;
    let mut low = 1e9_f64;
    let mut v = Vec::new();
    for block in (0..1440).step_by(LANES) {
        batch.clear();
        for lane in 0..LANES {
            profiles.draw(block + lane, lane, &mut batch);
        }
        let s = solver.solve(&mut batch, start);
        it += s.iterations();
        if out {
            s.voltages(&mut v);
            low = low.min(v[900][0][0]);
        }
    }
    ((cpu() - t) * 1e6 / 1440.0, it, low)
}

fn main() {
    let data = std::env::var("WATTSWAP_DATA").unwrap();
    let folder = Path::new(&data).join("ieee_european_lv");
    let feeder = ieee::read(&folder).unwrap();
    let profiles = Profiles::read(&profiles::find(&folder).unwrap(), &feeder).unwrap();
    for reduced in [false, true] {
        let solver = Solver::<3>::new(&feeder, Settings { reduced, ..Settings::default() }).unwrap();
        println!("{} nodes", solver.nodes());
        for start in [Start::Flat, Start::Warm] {
            for out in [false, true] {
                for _ in 0..4 {
                    let (us, it, low) = run(&solver, &profiles, start, out);
                    println!("{start:?} {out}: {us:.2} us/step, {:.2} iterations {low}", it as f64 / 180.0);
                }
            }
        }
    }
}
