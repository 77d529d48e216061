//! Every failure of real meters that has cost somebody money, as data; and what must hold whatever comes in.

use proptest::prelude::*;

use super::*;

const SLOT: u64 = 900_000;
/// A round instant on a slot boundary.
const T0: u64 = 1_800_000_000_000;
const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

fn limits() -> Limits {
    let slot = Duration::from_millis(SLOT);
    Limits { import: Watts(11_000), export: Watts(8_000), slot_length: slot, delivery_time: slot }
}

fn meter(name: &str) -> MeterId {
    MeterId::new(name).expect("a good name")
}

fn row(name: &str, at: u64, import: i64, export: i64) -> Row {
    Row { meter: meter(name), at: UtcMillis(at), import: WattHours(import), export: WattHours(export) }
}

/// A metering whose clock is far ahead of all rows.
fn judge(metering: &mut Metering, row: &Row) -> Verdict {
    metering.judge(UtcMillis(T0 + 1_000 * DAY), row).verdict
}

fn fed(rows: &[(u64, i64, i64)]) -> Metering {
    let mut metering = Metering::new(limits());
    for (at, import, export) in rows {
        judge(&mut metering, &row("house", *at, *import, *export));
    }
    metering
}

/// Import, export and how well they are known.
type Energy = Option<(i64, i64, Quality)>;

fn energy(metering: &Metering, start: u64, end: u64) -> Energy {
    metering.energy(UtcMillis(start), UtcMillis(end)).map(|m| (m.import.0, m.export.0, m.quality))
}

use Quality::{Estimated, Exact};
use Reason::{TooFast, TooOld, WentBack};
use Verdict::{Accepted, Duplicate, Quarantined};

fn conflict(import: i64, export: i64) -> Verdict {
    Verdict::Conflict { kept_import: WattHours(import), kept_export: WattHours(export) }
}

/// Minutes after T0, import, export, what becomes of it.
type Case = (u64, i64, i64, Verdict);

fn check(name: &str, rows: &[Case], expected: &[(u64, u64, Energy)]) {
    let mut metering = Metering::new(limits());
    for (minute, import, export, verdict) in rows {
        let judged = judge(&mut metering, &row("house", T0 + minute * MINUTE, *import, *export));
        assert_eq!(judged, *verdict, "{name}: {import}/{export} at minute {minute}");
    }
    for (from, to, measured) in expected {
        let found = energy(&metering, T0 + from * MINUTE, T0 + to * MINUTE);
        assert_eq!(found, *measured, "{name}: from minute {from} to {to}");
    }
}

#[test]
fn a_register_that_ran_backwards_never_becomes_energy() {
    let quarantined = Quarantined(WentBack);
    check(
        "a spurious zero between two good rows (a house was once billed 53.7 MWh in a quarter of an hour)",
        &[
            (0, 53_700_000, 0, Accepted),
            (15, 53_700_500, 0, Accepted),
            (20, 0, 0, quarantined),
            (30, 53_701_000, 0, Accepted),
        ],
        &[(0, 15, Some((500, 0, Exact))), (15, 30, Some((500, 0, Exact)))],
    );
    check(
        "one register dips, the other is fine",
        &[(0, 5_000, 700, Accepted), (15, 5_100, 700, Accepted), (30, 5_200, 699, quarantined)],
        &[(0, 15, Some((100, 0, Exact))), (15, 30, None)],
    );
    check(
        "low rows that agree with each other do not outvote what was there: a new meter needs a new name",
        &[
            (0, 900_000, 0, Accepted),
            (15, 900_100, 0, Accepted),
            (30, 0, 0, quarantined),
            (45, 50, 0, quarantined),
            (60, 100, 0, quarantined),
            (75, 900_500, 0, Accepted),
        ],
        &[(0, 15, Some((100, 0, Exact))), (15, 75, Some((400, 0, Estimated)))],
    );
    check("a register below zero", &[(0, -1, 0, quarantined), (1, 0, i64::MIN, quarantined), (2, 0, 0, Accepted)], &[]);
}

#[test]
fn what_a_meter_says_first_is_no_baseline_until_its_registers_move() {
    check(
        "zeros first, then the life of the meter",
        &[(0, 0, 0, Accepted), (5, 0, 0, Accepted), (15, 5_000_000, 10, Accepted), (30, 5_000_300, 10, Accepted)],
        &[(0, 15, None), (15, 30, Some((300, 0, Exact)))],
    );
    check(
        "zeros first, and then nothing for a year, in which the connection could carry it",
        &[(0, 0, 0, Accepted), (525_600, 5_000_000, 0, Accepted), (525_615, 5_000_100, 0, Accepted)],
        &[(0, 15, None), (525_600, 525_615, Some((100, 0, Exact)))],
    );
    check(
        "a good row, a spurious zero, good rows again, before anything moved",
        &[(0, 5_000_000, 0, Accepted), (1, 0, 0, Accepted), (2, 5_000_001, 0, Accepted), (17, 5_000_201, 0, Accepted)],
        &[(0, 15, None), (2, 17, Some((200, 0, Exact)))],
    );
    check(
        "a brand-new meter really starts at zero",
        &[(0, 0, 0, Accepted), (15, 250, 0, Accepted), (30, 250, 400, Accepted)],
        &[(0, 30, Some((250, 400, Exact)))],
    );
    check(
        "a zero that comes late, from before the first row, is no beginning either",
        &[
            (500_000, 5_000_000, 0, Accepted),
            (500_015, 5_000_100, 0, Accepted),
            (0, 0, 0, Quarantined(TooFast)),
            (499_985, 4_999_900, 0, Accepted),
        ],
        &[(0, 15, None), (499_985, 500_000, Some((100, 0, Exact)))],
    );
}

#[test]
fn no_register_grows_faster_than_the_connection_can_carry() {
    // 11 kW and 8 kW, a quarter more, for 15 minutes: 3437 and 2500 Wh; and a register's step of 10 Wh.
    let start = (0, 1_000, 1_000, Accepted);
    let moved = (15, 1_001, 1_001, Accepted);
    let too_fast = Quarantined(TooFast);
    check("import at the limit", &[start, moved, (30, 1_001 + 3_447, 1_001, Accepted)], &[]);
    check("import above it", &[start, moved, (30, 1_001 + 3_448, 1_001, too_fast)], &[]);
    check("export at the limit", &[start, moved, (30, 1_001, 1_001 + 2_510, Accepted)], &[]);
    check("export above it", &[start, moved, (30, 1_001, 1_001 + 2_511, too_fast)], &[]);
    check(
        "kWh taken for Wh, for a moment: the spike leaves nothing behind",
        &[start, moved, (30, 1_200_000, 1_001, too_fast), (45, 1_400, 1_001, Accepted)],
        &[(15, 45, Some((399, 0, Estimated)))],
    );
    check(
        "after an outage of a day the register may have grown by what a day can carry",
        &[start, moved, (15 + 1_440, 1_001 + 100_000, 1_001, Accepted)],
        &[(15, 15 + 1_440, Some((100_000, 0, Estimated)))],
    );
    check(
        "a late row is held against the row after it too",
        &[start, moved, (45, 4_800, 1_001, Accepted), (44, 1_100, 1_001, too_fast), (40, 3_900, 1_001, Accepted)],
        &[],
    );
}

#[test]
fn a_row_sent_again_is_told_from_a_contradiction() {
    check(
        "same instant",
        &[
            (0, 100, 7, Accepted),
            (15, 200, 7, Accepted),
            (15, 200, 7, Duplicate),
            (15, 201, 7, conflict(200, 7)),
            (15, -1, 7, conflict(200, 7)),
            (15, 200, 8, conflict(200, 7)),
            (0, 100, 7, Duplicate),
            (15, 0, 0, conflict(200, 7)),
        ],
        &[(0, 15, Some((100, 0, Exact)))],
    );
    check(
        "a quarantined row does not occupy its instant",
        &[
            (0, 100, 7, Accepted),
            (15, 200, 7, Accepted),
            (30, 0, 0, Quarantined(WentBack)),
            (30, 0, 0, Quarantined(WentBack)),
            (30, 250, 7, Accepted),
        ],
        &[(15, 30, Some((50, 0, Exact)))],
    );
}

#[test]
fn late_rows_count_where_they_fit() {
    check(
        "backfill between neighbours makes an estimate exact",
        &[(0, 0, 0, Accepted), (60, 400, 0, Accepted), (30, 300, 0, Accepted), (15, 50, 0, Accepted)],
        &[(0, 15, Some((50, 0, Exact))), (15, 30, Some((250, 0, Exact))), (30, 60, Some((100, 0, Estimated)))],
    );
    check(
        "backfill that does not fit",
        &[
            (0, 100, 0, Accepted),
            (60, 400, 0, Accepted),
            (30, 401, 0, Quarantined(WentBack)),
            (30, 99, 0, Quarantined(WentBack)),
        ],
        &[(0, 60, Some((300, 0, Estimated)))],
    );
    check(
        "history from before the first row",
        &[(60, 400, 0, Accepted), (0, 100, 0, Accepted), (30, 200, 0, Accepted), (15, 401, 0, Quarantined(WentBack))],
        &[(0, 60, Some((300, 0, Estimated)))],
    );
}

#[test]
fn clocks_may_be_ahead_a_little() {
    let now = UtcMillis(T0);
    let five_minutes = 5 * MINUTE;
    let ahead = Quarantined(Reason::ClockAhead);
    for (at, verdict) in
        [(T0, Accepted), (T0 + five_minutes, Accepted), (T0 + five_minutes + 1, ahead), (u64::MAX, ahead)]
    {
        let mut metering = Metering::new(limits());
        assert_eq!(metering.judge(now, &row("house", at, 1, 1)).verdict, verdict, "at {at}");
    }
}

#[test]
fn a_time_lapse_scales_the_speed_limit_and_nothing_else() {
    // Slots of 15 s that stand for 15 minutes: the registers run 60 times faster than the clock.
    let mut metering = Metering::new(Limits { slot_length: Duration::from_secs(15), ..limits() });
    let rows = [(0, 0, Accepted), (15_000, 3_447, Accepted), (30_000, 3_447 + 3_448, Quarantined(TooFast))];
    for (at, import, verdict) in rows {
        assert_eq!(judge(&mut metering, &row("house", T0 + at, import, 0)), verdict);
    }
    assert_eq!(energy(&metering, T0, T0 + 15_000), Some((3_447, 0, Exact)));
}

#[test]
fn energy_is_interpolated_at_the_boundaries_and_adds_up() {
    // Readings 5 minutes off the boundaries; 100 Wh in each quarter of an hour, then 7 Wh.
    let metering = fed(&[
        (T0 + 5 * MINUTE, 1_000, 0),
        (T0 + 20 * MINUTE, 1_100, 0),
        (T0 + 35 * MINUTE, 1_200, 0),
        (T0 + 50 * MINUTE, 1_207, 0),
    ]);
    let cases = [
        ("not yet begun at the start", 0, 15, None),
        ("100 x 5/15 and 100 x 10/15, rounded down at each boundary", 15, 30, Some((100, 0, Exact))),
        ("1200 less 1166, and 7 x 10/15", 30, 45, Some((38, 0, Exact))),
        ("not yet ended", 45, 60, None),
        ("ends at the last row", 45, 50, Some((3, 0, Exact))),
        ("all of it", 5, 50, Some((207, 0, Exact))),
        ("nothing", 30, 30, None),
        ("upside down", 30, 15, None),
    ];
    for (name, from, to, expected) in cases {
        assert_eq!(energy(&metering, T0 + from * MINUTE, T0 + to * MINUTE), expected, "{name}");
    }
}

#[test]
fn a_gap_longer_than_a_slot_is_an_estimate_and_jitter_is_none() {
    for (gap, quality) in [(15 * MINUTE, Exact), (15 * MINUTE + 110_000, Exact), (15 * MINUTE + 120_000, Estimated)] {
        let metering = fed(&[(T0 - MINUTE, 0, 0), (T0 - MINUTE + gap, 160, 0), (T0 + 20 * MINUTE, 200, 0)]);
        let (_, _, found) = energy(&metering, T0, T0 + SLOT).expect("covered");
        assert_eq!(found, quality, "a gap of {gap} ms");
    }
}

#[test]
fn a_day_has_as_many_slots_as_its_clock_says_and_they_add_up() {
    // Local days of 92, 96 and 100 slots are the same thing in UTC: a row of slots.
    for slots in [92, 96, 100] {
        let rows: Vec<(u64, i64, i64)> = (0..=slots).map(|n| (T0 + n * SLOT, 37 * n.cast_signed(), 0)).collect();
        let metering = fed(&rows);
        let total: i64 = (0..slots)
            .map(|n| energy(&metering, T0 + n * SLOT, T0 + (n + 1) * SLOT).expect("covered"))
            .map(|(import, _, quality)| (import, assert_eq!(quality, Exact)).0)
            .sum();
        assert_eq!(total, 37 * slots.cast_signed());
    }
}

#[test]
fn meters_add_up_and_a_replaced_one_does_not_hold_up_the_rest() {
    let mut metering = Metering::new(limits());
    let mut push = |name: &str, minute: u64, import: i64| {
        let judged = judge(&mut metering, &row(name, T0 + minute * MINUTE, import, 0));
        assert_eq!(judged, Accepted, "{name} at minute {minute}");
        metering.clone()
    };
    push("house", 0, 7_000);
    push("house", 15, 7_100);
    push("barn", 0, 10);
    let one_is_late = push("house", 30, 7_200);
    assert_eq!(energy(&one_is_late, T0, T0 + SLOT), None, "the barn has not reported yet");
    push("barn", 15, 20);
    let both = push("barn", 30, 40);
    assert_eq!(energy(&both, T0, T0 + SLOT), Some((110, 0, Exact)));
    assert_eq!(energy(&both, T0 + SLOT, T0 + 2 * SLOT), Some((120, 0, Exact)));

    // The house's meter is replaced at minute 35, after a last reading at minute 33; the new one starts at 0.
    push("house", 33, 7_220);
    push("house-2", 35, 0);
    push("house-2", 45, 50);
    let too_early_to_say = push("barn", 45, 40);
    assert_eq!(energy(&too_early_to_say, T0 + 2 * SLOT, T0 + 3 * SLOT), None);
    for (minute, import) in [(60, 150), (75, 250), (90, 350), (93, 360)] {
        push("house-2", minute, import);
    }
    let replaced = push("barn", 90, 40);
    assert_eq!(energy(&replaced, T0, T0 + SLOT), Some((110, 0, Exact)), "the new meter counts nothing before it began");
    assert_eq!(
        energy(&replaced, T0 + 2 * SLOT, T0 + 3 * SLOT),
        Some((20 + 50, 0, Estimated)),
        "two minutes are missing"
    );
    assert_eq!(energy(&replaced, T0 + 4 * SLOT, T0 + 5 * SLOT), Some((100, 0, Estimated)), "the barn has a gap");
    let dense = push("barn", 60, 40);
    assert_eq!(energy(&dense, T0 + 3 * SLOT, T0 + 4 * SLOT), Some((100, 0, Exact)), "the old meter is out");
}

#[test]
fn meters_are_bounded_and_a_row_that_does_not_count_makes_none() {
    let mut metering = Metering::new(limits());
    assert_eq!(judge(&mut metering, &row("never", T0, -5, 0)), Quarantined(WentBack));
    for n in 0..MAX_METERS {
        assert_eq!(judge(&mut metering, &row(&format!("meter-{n}"), T0, 1, 1)), Accepted);
    }
    assert_eq!(judge(&mut metering, &row("one-more", T0, 1, 1)), Quarantined(Reason::TooManyMeters));
    assert_eq!(judge(&mut metering, &row("meter-0", T0 + 1, 2, 1)), Accepted);
}

#[test]
fn rows_are_bounded_and_thinning_changes_no_slot() {
    let every = 10_000;
    let rows = 2 * MAX_ROWS as u64;
    let mut metering = Metering::new(limits());
    let mut all = BTreeMap::new();
    for n in 0..rows {
        // Off the boundaries, so that they are interpolated.
        let (at, import) = (T0 + 3_000 + n * every, (n * n % 7 + n * 20).cast_signed());
        all.insert(at, import);
        assert_eq!(judge(&mut metering, &row("house", at, import, 0)), Accepted);
    }
    let kept = metering.meters[&meter("house")].len();
    assert!(kept <= MAX_ROWS, "{kept} rows");
    let register = |at: u64| {
        let (earlier, from) = all.range(..=at).next_back().expect("before");
        let (later, to) = all.range(at..).next().expect("after");
        if later == earlier {
            *from
        } else {
            from + (to - from) * (at - earlier).cast_signed() / (later - earlier).cast_signed()
        }
    };
    for n in 1..rows * every / SLOT {
        let (start, end) = (T0 + n * SLOT, T0 + (n + 1) * SLOT);
        assert_eq!(energy(&metering, start, end), Some((register(end) - register(start), 0, Exact)), "slot {n}");
    }
}

#[test]
fn without_room_the_oldest_rows_go_and_stay_gone() {
    let mut metering = Metering::new(limits());
    for n in 0..=MAX_ROWS as u64 {
        assert_eq!(judge(&mut metering, &row("house", T0 + n * SLOT, n.cast_signed(), 0)), Accepted);
    }
    assert!(metering.meters[&meter("house")].len() <= MAX_ROWS);
    assert_eq!(judge(&mut metering, &row("house", T0, 0, 0)), Quarantined(TooOld));
    assert_eq!(judge(&mut metering, &row("house", T0 + (MAX_ROWS as u64) * SLOT, MAX_ROWS as i64, 0)), Duplicate);
}

#[test]
fn a_spurious_first_word_is_withdrawn_and_says_so() {
    let mut metering = Metering::new(limits());
    let zero = row("house", T0, 0, 0);
    judge(&mut metering, &zero);
    let life = row("house", T0 + SLOT, 5_000_000, 10);
    let withdrawn = vec![Reading { row: zero, verdict: Quarantined(TooFast) }];
    assert_eq!(metering.judge(UtcMillis(T0 + DAY), &life), Judgement { verdict: Accepted, withdrawn });
    let next = row("house", T0 + 2 * SLOT, 5_000_300, 10);
    assert_eq!(metering.judge(UtcMillis(T0 + DAY), &next), Judgement { verdict: Accepted, withdrawn: vec![] });
}

#[test]
fn a_verdict_once_given_outlasts_the_limits_that_it_was_given_by() {
    let readings = [
        Reading { row: row("house", T0, 0, 0), verdict: Accepted },
        Reading { row: row("house", T0 + SLOT, 100, 0), verdict: Accepted },
        Reading { row: row("house", T0 + 2 * SLOT, 9_000, 0), verdict: Quarantined(TooFast) },
    ];
    let mut metering = Metering::new(Limits { import: Watts(1), ..limits() });
    readings.iter().for_each(|reading| metering.restore(reading));
    assert_eq!(energy(&metering, T0, T0 + SLOT), Some((100, 0, Exact)));
    assert_eq!(energy(&metering, T0 + SLOT, T0 + 2 * SLOT), None);
    metering.set_limits(limits());
    assert_eq!(judge(&mut metering, &readings[2].row), Quarantined(TooFast));
}

#[test]
fn names_of_meters_are_checked() {
    let longest = "x".repeat(MeterId::MAX_BYTES);
    for good in ["a", "DE00056266802AO6G56M11SN51G21M24S", "shelly:em.0_1-2", &longest] {
        assert_eq!(MeterId::new(good).map(|id| id.to_string()), Ok(good.to_owned()));
    }
    for bad in ["", "a b", "zähler", "a/b", "a\n", &format!("{longest}x")] {
        assert_eq!(MeterId::new(bad), Err(BadMeterId), "{bad:?}");
    }
}

#[test]
fn the_imbalance_is_what_the_supplier_settles() {
    let measured = |import, export| Measured { import: WattHours(import), export: WattHours(export), quality: Exact };
    for (import, export, bought, expected) in
        [(500, 0, 400, 100), (500, 0, 600, -100), (0, 300, -300, 0), (20, 320, -100, -200)]
    {
        assert_eq!(imbalance(measured(import, export), WattHours(bought)), WattHours(expected));
    }
}

/// Rows as anybody could send them: few instants and few values, so that they collide.
fn garbage() -> impl Strategy<Value = Vec<(u64, i64, i64)>> {
    let value = prop_oneof![4 => 0..4_000_i64, 1 => Just(0), 1 => -2..2_i64, 1 => any::<i64>()];
    prop::collection::vec((0..40_u64, value.clone(), value), 0..60)
        .prop_map(|rows| rows.into_iter().map(|(n, import, export)| (T0 + n * 7 * MINUTE, import, export)).collect())
}

/// Rows of a meter that works, and beside each perhaps one that can't be true at that time.
fn meter_with_hiccups() -> impl Strategy<Value = Vec<(Row, Option<Row>)>> {
    let step =
        (1..20 * MINUTE, 0..=100_u64, 0..=100_u64, prop::option::of((1..60_000_u64, any::<bool>(), 1..9_000_000_i64)));
    prop::collection::vec(step, 1..50).prop_map(|steps| {
        let (mut at, mut import, mut export) = (T0, 5_000_000_i64, 9_000_000_i64);
        let first = (row("house", at, import - 1, export), None);
        let second = (row("house", at + 10 * MINUTE, import, export), None);
        at += 10 * MINUTE;
        let rest = steps.into_iter().map(|(later, import_part, export_part, hiccup)| {
            at += later;
            import += (11_000 * later * import_part / 100 / 3_600_000).cast_signed();
            export += (8_000 * later * export_part / 100 / 3_600_000).cast_signed();
            let hiccup = hiccup.map(|(after, is_low, by)| match is_low {
                true => row("house", at + after, import - 1 - by % 5_000_000, export),
                false => row("house", at + after, import + 300 + by, export),
            });
            (row("house", at, import, export), hiccup)
        });
        [first, second].into_iter().chain(rest).collect()
    })
}

proptest! {
    #[test]
    fn energy_is_never_more_than_the_accepted_registers_say(
        rows in garbage(),
        cuts in prop::collection::vec(0..300_u64, 2..8),
    ) {
        let mut metering = Metering::new(limits());
        let mut accepted: Vec<(i64, i64)> = Vec::new();
        for (at, import, export) in rows {
            if judge(&mut metering, &row("house", at, import, export)) == Accepted {
                accepted.push((import, export));
            }
        }
        let span = |values: &mut dyn Iterator<Item = i64>| {
            let (least, most) = values.fold((i64::MAX, 0), |(least, most), value| (least.min(value), most.max(value)));
            most.saturating_sub(least)
        };
        let mut cuts: Vec<u64> = cuts.into_iter().map(|minute| T0 + minute * MINUTE).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let parts: Vec<_> = cuts.windows(2).map(|cut| energy(&metering, cut[0], cut[1])).collect();
        for (import, export, _) in parts.iter().flatten() {
            prop_assert!((0..=span(&mut accepted.iter().map(|row| row.0))).contains(import));
            prop_assert!((0..=span(&mut accepted.iter().map(|row| row.1))).contains(export));
        }
        if let (Some(parts), [first, .., last]) = (parts.into_iter().collect::<Option<Vec<_>>>(), &*cuts) {
            let (import, export, _) = energy(&metering, *first, *last).expect("its parts are known");
            prop_assert_eq!(parts.iter().map(|part| part.0).sum::<i64>(), import);
            prop_assert_eq!(parts.iter().map(|part| part.1).sum::<i64>(), export);
        }
    }

    #[test]
    fn hiccups_change_nothing(rows in meter_with_hiccups()) {
        let (mut clean, mut hurt) = (Metering::new(limits()), Metering::new(limits()));
        for (good, hiccup) in &rows {
            prop_assert_eq!(judge(&mut clean, good), Accepted);
            prop_assert_eq!(judge(&mut hurt, good), Accepted);
            if let Some(hiccup) = hiccup {
                let verdict = judge(&mut hurt, hiccup);
                prop_assert!(matches!(verdict, Quarantined(WentBack | TooFast)), "{:?}", verdict);
            }
        }
        for n in 0..80 {
            let (start, end) = (T0 + n * SLOT, T0 + (n + 1) * SLOT);
            prop_assert_eq!(energy(&clean, start, end), energy(&hurt, start, end));
        }
    }

    #[test]
    fn good_rows_count_in_any_order(rows in meter_with_hiccups(), order in any::<prop::sample::Index>()) {
        let rows: Vec<Row> = rows.into_iter().map(|(good, _)| good).collect();
        let (mut in_order, mut turned) = (Metering::new(limits()), Metering::new(limits()));
        for row in &rows {
            judge(&mut in_order, row);
        }
        let pivot = order.index(rows.len());
        for row in rows[pivot..].iter().rev().chain(&rows[..pivot]) {
            prop_assert_eq!(judge(&mut turned, row), Accepted);
        }
        for n in 0..80 {
            let (start, end) = (T0 + n * SLOT, T0 + (n + 1) * SLOT);
            prop_assert_eq!(energy(&in_order, start, end), energy(&turned, start, end));
        }
    }

    #[test]
    fn what_was_stored_brings_back_the_same_energies(rows in garbage()) {
        let slower = Limits { import: Watts(1), export: Watts(1), ..limits() };
        let (mut before, mut after) = (Metering::new(limits()), Metering::new(slower));
        let mut store = BTreeMap::new();
        for (at, import, export) in rows {
            let row = row("house", at, import, export);
            let Judgement { verdict, withdrawn } = before.judge(UtcMillis(T0 + 1_000 * DAY), &row);
            withdrawn.into_iter().for_each(|reading| drop(store.insert(reading.row.at.0, reading)));
            if verdict.is_worth_storing() {
                store.insert(at, Reading { row, verdict });
            }
        }
        store.values().for_each(|reading| after.restore(reading));
        for n in 0..20 {
            let (start, end) = (T0 + n * SLOT, T0 + (n + 1) * SLOT);
            prop_assert_eq!(energy(&before, start, end), energy(&after, start, end));
        }
    }
}
