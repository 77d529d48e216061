//! The accepted rows of one meter, in the order of their instants.
//!
//! Invariant: neither register ever falls from one row to the next, and none rose faster than the connection allows.

use std::time::Duration;

use wattswap_matching::{UtcMillis, WattHours, Watts};

use super::{Judgement, Limits, MAX_ROWS, Measured, MeterId, Quality, Reading, Reason, Row, Verdict};

/// A connection's fuses carry more than their rating for a while: a quarter more is still believed.
const SPEED_MARGIN: (u128, u128) = (5, 4);
/// Registers advance in steps, of 10 Wh at the coarsest that is of use here: two readings may be a step apart at once.
const REGISTER_STEP: WattHours = WattHours(10);
/// Where nothing vouches for the older of two rows, because the registers have not moved yet or because it would be the
/// first, they are compared as if no more delivery time than this lay between them: over a long gap even the life of a
/// meter would look like plausible consumption.
const LONGEST_FIRST_GAP: Duration = Duration::from_secs(24 * 3600);
/// A gap is one only if it is longer than a slot by this part: readings once a slot come with some jitter.
const GAP_JITTER_PART: u128 = 8;
/// When a meter has too many rows, this part is made free at once, so that it does not happen at every row.
const SPARE_PART: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Registers {
    import: WattHours,
    export: WattHours,
}

impl Registers {
    fn of(row: &Row) -> Self {
        Self { import: row.import, export: row.export }
    }

    /// Why they can't have come of `old` in this delivery time.
    fn implausible_since(self, old: Self, millis: u128, limits: &Limits) -> Option<Reason> {
        let (import, export) = (self.import - old.import, self.export - old.export);
        if import < WattHours::ZERO || export < WattHours::ZERO {
            Some(Reason::WentBack)
        } else if import > most(limits.import, millis) || export > most(limits.export, millis) {
            Some(Reason::TooFast)
        } else {
            None
        }
    }
}

/// What a meter showed, and when.
type Shown = (UtcMillis, Registers);

#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    /// In the order of their instants, each once. Not a tree: rows come at the end, and are looked up far more often.
    rows: Vec<Shown>,
    /// Rows up to this instant were dropped for want of room.
    forgotten: Option<UtcMillis>,
}

impl Series {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The instants of the first and the last row.
    pub(super) fn reach(&self) -> Option<(UtcMillis, UtcMillis)> {
        Some((self.rows.first()?.0, self.rows.last()?.0))
    }

    /// Where a row of this instant is, or would be.
    fn find(&self, at: UtcMillis) -> Result<usize, usize> {
        match self.rows.last() {
            Some((last, _)) if *last < at => return Err(self.rows.len()),
            _ => {}
        }
        // Meters are read at even intervals, mostly: then it is as far from the end as these say.
        let [.., (before, _), (last, _)] = self.rows.as_slice() else {
            return self.rows.binary_search_by_key(&at, |(at, _)| *at);
        };
        let back = usize::try_from((last.0 - at.0) / (last.0 - before.0)).unwrap_or(usize::MAX);
        match (self.rows.len() - 1).checked_sub(back) {
            Some(guess) if self.rows[guess].0 == at => Ok(guess),
            _ => self.rows.binary_search_by_key(&at, |(at, _)| *at),
        }
    }

    /// Judges a row, and keeps it if it counts.
    pub(super) fn admit(&mut self, row: &Row, limits: &Limits) -> Judgement {
        if let Some(verdict) = self.refuses(row) {
            return Judgement { verdict, withdrawn: Vec::new() };
        }
        let withdrawn = match self.misfit(row.at, Registers::of(row), limits) {
            None => Vec::new(),
            Some(reason) if self.starts_anew(row.at) => self.withdraw_all(&row.meter, reason),
            Some(reason) => return Judgement { verdict: Verdict::Quarantined(reason), withdrawn: Vec::new() },
        };
        self.put(row, limits);
        Judgement { verdict: Verdict::Accepted, withdrawn }
    }

    /// What is to be said of a row that can't count, whatever its neighbours are.
    fn refuses(&self, row: &Row) -> Option<Verdict> {
        if self.forgotten.is_some_and(|forgotten| row.at <= forgotten) {
            return Some(Verdict::Quarantined(Reason::TooOld));
        }
        match self.find(row.at).map(|found| self.rows[found].1) {
            Ok(kept) if kept == Registers::of(row) => Some(Verdict::Duplicate),
            Ok(kept) => Some(Verdict::Conflict { kept_import: kept.import, kept_export: kept.export }),
            Err(_) if row.import.min(row.export) < WattHours::ZERO => Some(Verdict::Quarantined(Reason::WentBack)),
            Err(_) => None,
        }
    }

    /// Keeps a row that counts.
    pub(super) fn put(&mut self, row: &Row, limits: &Limits) {
        match self.find(row.at) {
            Ok(found) => self.rows[found].1 = Registers::of(row),
            Err(place) => self.rows.insert(place, (row.at, Registers::of(row))),
        }
        if self.rows.len() > MAX_ROWS {
            self.make_room(limits);
        }
    }

    /// All rows, which count no more for this reason.
    fn withdraw_all(&mut self, meter: &MeterId, reason: Reason) -> Vec<Reading> {
        let withdraw = |(at, Registers { import, export })| Reading {
            row: Row { meter: meter.clone(), at, import, export },
            verdict: Verdict::Quarantined(reason),
        };
        std::mem::take(&mut self.rows).into_iter().map(withdraw).collect()
    }

    /// Whether a row that does not fit begins the series again. As long as the registers have never moved there is no
    /// saying whether the rows before (a meter's first word may well be a spurious zero) or this one is wrong, and no
    /// energy depends on it.
    fn starts_anew(&self, at: UtcMillis) -> bool {
        !self.has_moved() && self.reach().is_some_and(|(_, last)| last < at)
    }

    fn has_moved(&self) -> bool {
        let ends = self.rows.first().zip(self.rows.last());
        ends.is_some_and(|((_, first), (_, last))| first != last)
    }

    fn misfit(&self, at: UtcMillis, new: Registers, limits: &Limits) -> Option<Reason> {
        let (earlier, later) = self.rows.split_at(self.find(at).unwrap_or_else(|place| place));
        let (before, after) = (earlier.last(), later.first());
        let vouched = before.is_some() && self.has_moved();
        let believed = |elapsed: Duration| {
            let delivered = delivered_millis(elapsed, limits);
            if vouched { delivered } else { delivered.min(LONGEST_FIRST_GAP.as_millis()) }
        };
        let risen = before.and_then(|(earlier, old)| new.implausible_since(*old, believed(at.since(*earlier)), limits));
        let rises = || after.and_then(|(later, next)| next.implausible_since(new, believed(later.since(at)), limits));
        risen.or_else(rises)
    }

    /// Energy between two instants within the reach of the rows.
    pub(super) fn energy(&self, start: UtcMillis, end: UtcMillis, limits: &Limits) -> Measured {
        let around = self.around(start, end);
        let (from, to) = (registers_at(around, start), registers_at(around, end));
        let gaps = around.windows(2).map(|pair| pair[1].0.0 - pair[0].0.0);
        let longest = u128::from(gaps.max().unwrap_or(0));
        let slot = limits.slot_length.as_millis();
        let quality = if longest > slot + slot / GAP_JITTER_PART { Quality::Estimated } else { Quality::Exact };
        Measured { import: to.import - from.import, export: to.export - from.export, quality }
    }

    /// The rows of an interval, from the last one that is not after its start to the first one that is not before its
    /// end.
    fn around(&self, start: UtcMillis, end: UtcMillis) -> &[Shown] {
        let first = self.find(start).unwrap_or_else(|place| place.saturating_sub(1));
        let inside = self.rows[first..].iter().take_while(|(at, _)| *at < end).count();
        &self.rows[first..self.rows.len().min(first + inside + 1)]
    }

    /// Thins the older half of the rows out to those next to slot boundaries, which changes no slot's energy. If that
    /// is not enough, drops the oldest.
    fn make_room(&mut self, limits: &Limits) {
        let slot = limits.slot_length.as_millis().max(1);
        let slot_of = |at: UtcMillis| u128::from(at.0) / slot;
        let older: Vec<UtcMillis> = self.rows.iter().take(MAX_ROWS / 2).map(|(at, _)| *at).collect();
        let mut place = 0_usize;
        self.rows.retain(|_| {
            let neighbours = place.checked_sub(1).and_then(|before| Some((older.get(before)?, older.get(place + 1)?)));
            place += 1;
            neighbours.is_none_or(|(before, after)| slot_of(*before) != slot_of(*after))
        });
        let beyond = self.rows.len().saturating_sub(MAX_ROWS - MAX_ROWS / SPARE_PART);
        self.forgotten = self.rows.drain(..beyond).next_back().map(|(at, _)| at).or(self.forgotten);
    }
}

/// What the meter would have shown at an instant within the reach of these rows.
fn registers_at(rows: &[Shown], at: UtcMillis) -> Registers {
    // Most slots begin and end with a reading.
    if let Some((_, exactly)) = [rows.first(), rows.last()].into_iter().flatten().find(|(row, _)| *row == at) {
        return *exactly;
    }
    let later = rows.partition_point(|(row, _)| *row < at).min(rows.len().saturating_sub(1));
    let Some((later_at, to)) = rows.get(later) else {
        return Registers { import: WattHours::ZERO, export: WattHours::ZERO };
    };
    let (earlier_at, from) = &rows[if *later_at > at { later.saturating_sub(1) } else { later }];
    let (part, whole) = (at.since(*earlier_at).as_millis(), later_at.since(*earlier_at).as_millis());
    Registers {
        import: interpolate(from.import, to.import, part, whole),
        export: interpolate(from.export, to.export, part, whole),
    }
}

/// How much delivery time passes in `elapsed` on the clock.
fn delivered_millis(elapsed: Duration, limits: &Limits) -> u128 {
    elapsed.as_millis() * limits.delivery_time.as_millis() / limits.slot_length.as_millis().max(1)
}

/// The most by which a register may grow in this delivery time.
fn most(power: Watts, millis: u128) -> WattHours {
    let (numerator, denominator) = SPEED_MARGIN;
    let watt_hours = u128::from(power.0) * millis * numerator / (denominator * 3_600_000);
    WattHours(i64::try_from(watt_hours).unwrap_or(i64::MAX)) + REGISTER_STEP
}

fn interpolate(from: WattHours, to: WattHours, part: u128, whole: u128) -> WattHours {
    if whole == 0 {
        return from;
    }
    let grown = u128::from((to - from).0.unsigned_abs());
    from + WattHours(i64::try_from(grown * part / whole).expect("a part of a register is no larger than it"))
}
