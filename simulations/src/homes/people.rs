//! Who lives in a home that is made up, and what that draws: appliances that run because somebody is in and awake.
//!
//! Whole watts and minutes; nothing here is a float. Each home has traits of its own (people, hours, appliances), and
//! each of its days is drawn alone, so any day of any home can be asked for at once.

use super::calendar::Day;
use super::draw::{Purpose, draw};
use super::weather::Sky;
use crate::network::random::Random;

/// Darker than this outdoors, light is switched on: W/m² on level ground.
const DARK_W_PER_M2: i64 = 60;
const MINUTES: u64 = 24 * 60;
/// Of a hundred households in Germany, so many have up to this number of people (Destatis, 2022: 41, 34, 12, 9, 4).
const PEOPLE: [u64; 5] = [41, 75, 87, 96, 100];

/// A household's traits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Household {
    seed: u64,
    home: u64,
    people: u64,
    base_w: u64,
    light_w: u64,
    screen_w: u64,
    cooks_w: u64,
    wakes: u64,
    sleeps: u64,
    leaves: u64,
    returns: u64,
    works_at_home: bool,
    has_dryer: bool,
    has_dishwasher: bool,
    heats_water: bool,
}

/// Power over a time, in minutes of the wall's clock.
struct Use {
    from: u64,
    minutes: u64,
    watts: u64,
}

impl Household {
    pub(super) fn new(seed: u64, home: usize) -> Self {
        let home = home as u64;
        let mut random = draw(seed, Purpose::Household, home, 0);
        let hundred = random.below(100);
        let people = 1 + PEOPLE.iter().filter(|limit| hundred >= **limit).count() as u64;
        let retired = random.chance(300);
        let wakes = if retired { random.between(390, 510) } else { random.between(320, 430) };
        Self {
            seed,
            home,
            people,
            base_w: random.between(60, 120) + people * random.between(15, 38),
            light_w: random.between(25, 70) + people * 14,
            screen_w: random.between(60, 160),
            cooks_w: if random.chance(850) { random.between(1_100, 2_400) } else { 150 },
            wakes,
            sleeps: random.between(1_310, 1_430),
            leaves: wakes + random.between(45, 110),
            returns: random.between(880, 1_100),
            works_at_home: retired || random.chance(280),
            has_dryer: random.chance(120 + people * 90),
            has_dishwasher: random.chance(380 + people * 120),
            heats_water: random.chance(180),
        }
    }

    /// What it draws, in watt-minutes in each slot of a day.
    pub(super) fn draws(&self, number: usize, day: &Day, sky: &[Sky]) -> Vec<i64> {
        let slot_minutes = day.minutes() / day.slots;
        let mut random = draw(self.seed, Purpose::Habits, self.home, number as u64);
        let weekend = day.date.weekday().to_monday_one_offset() > 5;
        let hours = self.awake(weekend, &mut random);
        let mut slots = self.base(day.slots, slot_minutes, &mut random);
        self.light(&hours, day, sky, &mut slots);
        for used in self.appliances(&hours, weekend, &mut random) {
            spread(&used, day, slot_minutes, &mut slots);
        }
        slots
    }

    /// When somebody is in and awake, in minutes of the day: morning and evening, or all day long.
    fn awake(&self, weekend: bool, random: &mut Random) -> Vec<[u64; 2]> {
        let late = if weekend { random.between(30, 130) } else { random.below(25) };
        let (wakes, sleeps) = (self.wakes + late, (self.sleeps + random.below(50)).min(MINUTES - 10));
        // A day out, or a holiday.
        if random.chance(if weekend { 90 } else { 25 }) {
            return vec![[wakes, wakes + 45]];
        }
        let stays = if weekend { random.chance(600) } else { self.works_at_home || random.chance(80) };
        if stays {
            return vec![[wakes, sleeps]];
        }
        let (leaves, returns) = if weekend {
            let leaves = random.between(600, 900);
            (leaves, leaves + random.between(90, 300))
        } else {
            (self.leaves + random.below(25), self.returns + random.below(70))
        };
        vec![[wakes, leaves.max(wakes + 30)], [returns.min(sleeps - 60), sleeps]]
    }

    /// What never stops: refrigerators, standby, a router. The refrigerator's motor runs now and then.
    fn base(&self, slots: usize, slot_minutes: usize, random: &mut Random) -> Vec<i64> {
        let (minutes, fridge_w) = (slot_minutes as u64, 45);
        let mut slot = || {
            let fridge = if random.chance(450) { fridge_w } else { 0 };
            i64::try_from((self.base_w - fridge_w * 9 / 20 + fridge) * minutes).expect("it is small")
        };
        (0..slots).map(|_| slot()).collect()
    }

    fn light(&self, hours: &[[u64; 2]], day: &Day, sky: &[Sky], slots: &mut [i64]) {
        let slot_minutes = day.minutes() / day.slots;
        for (slot, sky) in slots.iter_mut().zip(sky).enumerate().map(|(number, (slot, sky))| ((number, slot), sky)) {
            let (number, slot) = slot;
            let minute = u64::from(day.wall_minute(number));
            let someone = hours.iter().any(|[from, to]| (*from..*to).contains(&minute));
            if someone && sky.level_watts() < DARK_W_PER_M2 {
                *slot += i64::try_from(self.light_w * slot_minutes as u64).expect("it is small");
            }
        }
    }

    fn appliances(&self, hours: &[[u64; 2]], weekend: bool, random: &mut Random) -> Vec<Use> {
        let mut uses = Vec::new();
        let (first, last) = (hours[0], hours[hours.len() - 1]);
        let meals = self.people.min(3);
        // Breakfast: kettle, coffee, toast. Dinner, and at weekends lunch: a stove that goes on and off.
        uses.push(Use { from: first[0] + random.between(8, 25), minutes: 3 + 2 * meals, watts: 1_500 });
        let at_home_at = |minute: u64| hours.iter().any(|[from, to]| (*from..*to).contains(&minute));
        let lunch = random.between(700, 770);
        if at_home_at(lunch) && random.chance(if weekend { 800 } else { 700 }) {
            uses.push(Use { from: lunch, minutes: 18 + 5 * meals, watts: self.cooks_w });
        }
        let dinner = random.between(1_070, 1_180);
        if at_home_at(dinner) && random.chance(500) {
            uses.push(Use { from: dinner, minutes: 16 + 7 * meals, watts: self.cooks_w });
        }
        // Screens and what else people use when they sit down.
        for [from, to] in hours {
            let minutes = (to - from) * random.between(40, 80) / 100;
            uses.push(Use {
                from: to - minutes - (to - minutes - from) / 2,
                minutes,
                watts: self.screen_w + 18 * self.people,
            });
        }
        let washing = random.chance(90 + 95 * self.people);
        if washing {
            let from = random.between(first[0] + 20, (last[1] - 180).max(first[0] + 21));
            uses.push(Use { from, minutes: 25, watts: 1_900 });
            uses.push(Use { from: from + 25, minutes: 65, watts: 180 });
            if self.has_dryer && random.chance(700) {
                uses.push(Use { from: from + 100, minutes: 75, watts: 1_100 });
            }
        }
        if self.has_dishwasher && random.chance(220 + 130 * self.people) {
            // After lunch, if somebody is in then, or in the evening.
            let from = if at_home_at(lunch + 60) { lunch + 60 } else { last[1] - random.between(30, 180) };
            uses.push(Use { from, minutes: 18, watts: 1_900 });
            uses.push(Use { from: from + 18, minutes: 40, watts: 90 });
            uses.push(Use { from: from + 58, minutes: 16, watts: 1_900 });
        }
        if self.heats_water {
            for _ in 0..self.people {
                let from =
                    if random.chance(600) { first[0] + random.below(40) } else { last[1] - random.between(20, 90) };
                uses.push(Use { from, minutes: random.between(8, 16), watts: 3_500 });
            }
        }
        // Vacuum cleaner, iron, hair dryer, oven, tools.
        for _ in 0..random.below(2 + self.people) {
            let [from, to] = *random.pick(hours);
            let from = random.between(from, to);
            uses.push(Use { from, minutes: random.between(4, 30), watts: random.between(600, 1_900) });
        }
        uses
    }
}

/// Adds what is used to the slots in which it is; what would last beyond midnight ends there.
fn spread(used: &Use, day: &Day, slot_minutes: usize, slots: &mut [i64]) {
    let begins = day.elapsed(usize::try_from(used.from).unwrap_or(usize::MAX));
    let ends = (begins + usize::try_from(used.minutes).unwrap_or(0)).min(day.minutes());
    let mut minute = begins;
    while minute < ends {
        let slot = minute / slot_minutes;
        let until = ((slot + 1) * slot_minutes).min(ends);
        slots[slot] += i64::try_from(used.watts * (until - minute) as u64).expect("a day's use is small");
        minute = until;
    }
}
