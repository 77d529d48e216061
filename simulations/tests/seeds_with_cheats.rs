//! Seeds of `soak --cheats` that once found something find nothing any more.

use wattswap_simulations::network::Options;
use wattswap_simulations::network::simulation::run;

const WITH_CHEATS: [(u64, &str); 3] = [
    (732_039, "a checker missed the copy of a trade in a cheat's log"),
    (734_342, "a household that was restored twice reported a trade beyond an end of which it knew nothing yet"),
    (940_020, "an order that was filled by what was void a moment later was wanted a second time meanwhile"),
];

#[test]
fn seeds_with_cheats_that_found_something_find_nothing_any_more() {
    for (seed, reason) in WITH_CHEATS {
        eprintln!("seed {seed}: {reason}");
        let outcome = run(&Options::drawn_with_cheats(seed), u64::MAX);
        assert_eq!(outcome.finding, None, "seed {seed}");
    }
}
