//! Sun, clouds and temperature of a period, made from the seed: one weather for all homes.
//!
//! The generator's only floats: the sun's place in the sky and what reaches a roof. They are sums, products, quotients and
//! roots, which IEEE 754 rounds alike everywhere, and functions of the crate `libm`, which is Rust made of the same; the
//! machine's own mathematics, whose last bits differ, is not asked. What leaves is whole watts.

use std::f64::consts::{PI, TAU};

use super::calendar::{Calendar, Day};
use super::draw::{Purpose, draw};
use crate::network::random::Random;
use crate::scenario::document::Location;

/// Irradiance above the air, in W/m².
const SOLAR_W_PER_M2: f64 = 1361.0;
/// Under standard test conditions a module yields its peak power at this irradiance, in W/m².
const STANDARD_W_PER_M2: f64 = 1000.0;
/// What is left of that in practice: warm cells, inverter, cables, dirt (Reich et al. 2012 measured 0.7 to 0.9).
const PERFORMANCE: f64 = 0.88;
/// Share of the light that the ground gives back.
const ALBEDO: f64 = 0.2;

/// The weather of all slots.
#[derive(Clone, Debug)]
pub struct Weather {
    days: Vec<Vec<Sky>>,
}

/// The weather of a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sky {
    /// Where the sun is: east, north, up; a vector of length 1.
    sun: [f64; 3],
    /// Light straight from the sun, on a surface that faces it, in W/m².
    direct: f64,
    /// Light from all over the sky, on a level surface, in W/m².
    diffuse: f64,
    /// Outdoors, in thousandths of a degree Celsius.
    pub milli_celsius: i64,
}

/// A roof's modules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panels {
    /// Power under standard test conditions, in W.
    pub peak_w: u32,
    /// Where they face: a vector of length 1, east, north, up.
    normal: [f64; 3],
}

/// How the clouds of a day behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clouds {
    Few,
    Broken,
    Closed,
}

impl Weather {
    /// The weather of a period.
    pub(super) fn new(calendar: &Calendar, place: Location, seed: u64) -> Self {
        let mut random = draw(seed, Purpose::Weather, 0, 0);
        let mut clouds = Clouds::Broken;
        let mut warmer = 0_i64;
        let day = |day: &Day| {
            let winter = in_winter(day);
            clouds = clouds.next(winter, &mut random);
            // Warm and cold spells: what a day deviates by, it keeps most of.
            warmer = warmer * 3 / 4 + i64::try_from(random.below(5_001)).unwrap_or(0) - 2_500;
            skies(calendar, day, place, clouds, warmer, &mut random)
        };
        Self { days: calendar.days.iter().map(day).collect() }
    }

    /// The slots of a day.
    pub(super) fn day(&self, day: usize) -> &[Sky] {
        &self.days[day]
    }
}

impl Clouds {
    /// The next day's: a Markov chain, with more closed skies in winter.
    fn next(self, winter: u64, random: &mut Random) -> Self {
        // Of a thousand days after one such day: how many have few clouds, and how many broken ones. Winter takes from
        // both up to as many as stand behind.
        let (few, broken, [less_few, less_broken]) = match self {
            Self::Few => (620, 280, [220, 0]),
            Self::Broken => (300, 500, [140, 100]),
            Self::Closed => (170, 420, [100, 180]),
        };
        let few = few - less_few * winter / 1000;
        let broken = broken - less_broken * winter / 1000;
        match random.below(1000) {
            drawn if drawn < few => Self::Few,
            drawn if drawn < few + broken => Self::Broken,
            _ => Self::Closed,
        }
    }

    /// What clouds leave of a clear sky's light, in thousandths: slot after slot from the one before.
    fn clearness(self, before: u64, random: &mut Random) -> u64 {
        let (chance_of_change, [least, most]) = match self {
            Self::Few => (150, [850, 1000]),
            // Either a cloud is before the sun, or it is not.
            Self::Broken if random.chance(450) => (400, [700, 1000]),
            Self::Broken => (400, [220, 520]),
            Self::Closed => (300, [120, 480]),
        };
        if before < least || before > most || random.chance(chance_of_change) {
            random.between(least, most)
        } else {
            before
        }
    }
}

/// How far into winter a day is, in thousandths: 0 in the middle of summer, 1000 in the middle of winter.
fn in_winter(day: &Day) -> u64 {
    let angle = TAU * (day_of_year(day) - 15.0) / 365.25;
    ((1.0 + libm::cos(angle)) * 500.0) as u64
}

fn day_of_year(day: &Day) -> f64 {
    f64::from(day.date.day_of_year())
}

/// The mean temperature of a day of the year in Germany, in thousandths of a degree; it is coldest in the middle of January.
pub(super) fn normal_milli_celsius(day_of_year: f64) -> i64 {
    (9_600.0 - 9_300.0 * libm::cos(TAU * (day_of_year - 18.0) / 365.25)) as i64
}

fn skies(
    calendar: &Calendar,
    day: &Day,
    place: Location,
    clouds: Clouds,
    warmer: i64,
    random: &mut Random,
) -> Vec<Sky> {
    let normal = normal_milli_celsius(day_of_year(day)) + warmer;
    let mut clearness = 0;
    (0..day.slots)
        .map(|slot| {
            // In broken skies a cloud that has come stays for a while.
            if clouds != Clouds::Broken || slot.is_multiple_of(2) {
                clearness = clouds.clearness(clearness, random);
            }
            let middle = calendar.instant(day, slot).0 + u64::from(calendar.slot_minutes) * 30_000;
            let sun = sun(day, middle, place);
            let (direct, diffuse) = light(sun[2], clearness as f64 / 1000.0);
            // Coldest at 4, warmest at 16 o'clock.
            let hour = f64::from(day.wall_minute(slot)) / 60.0;
            let swing = if clouds == Clouds::Closed { 1_800.0 } else { 4_200.0 };
            let of_day = -swing * libm::cos(TAU * (hour - 4.0) / 24.0);
            Sky { sun, direct, diffuse, milli_celsius: normal + of_day as i64 }
        })
        .collect()
}

/// Where the sun is at an instant: declination after Cooper (1969), equation of time after Spencer (1971), both as in
/// Duffie and Beckman, Solar Engineering of Thermal Processes, chapter 1.
fn sun(day: &Day, millis: u64, place: Location) -> [f64; 3] {
    let number = day_of_year(day);
    let declination = 23.45_f64.to_radians() * libm::sin(TAU * (284.0 + number) / 365.0);
    let b = TAU * (number - 1.0) / 365.0;
    let minutes = 229.2
        * (0.000_075 + 0.001_868 * libm::cos(b)
            - 0.032_077 * libm::sin(b)
            - 0.014_615 * libm::cos(2.0 * b)
            - 0.040_89 * libm::sin(2.0 * b));
    let utc_hours = (millis % 86_400_000) as f64 / 3_600_000.0;
    let solar_hours = utc_hours + place.longitude_degrees / 15.0 + minutes / 60.0;
    let hour_angle = (solar_hours - 12.0) * PI / 12.0;
    let latitude = place.latitude_degrees.to_radians();
    let (sin_d, cos_d) = (libm::sin(declination), libm::cos(declination));
    let (sin_l, cos_l) = (libm::sin(latitude), libm::cos(latitude));
    let (sin_h, cos_h) = (libm::sin(hour_angle), libm::cos(hour_angle));
    [-cos_d * sin_h, cos_l * sin_d - sin_l * cos_d * cos_h, sin_l * sin_d + cos_l * cos_d * cos_h]
}

/// Light straight from the sun and from the sky, in W/m²: a clear sky after Meinel and Meinel (1976), of which clouds take
/// the direct part first.
fn light(up: f64, clearness: f64) -> (f64, f64) {
    if up <= 0.02 {
        return (0.0, 0.0);
    }
    let air_mass = 1.0 / up;
    let clear_direct = SOLAR_W_PER_M2 * libm::pow(0.7, libm::pow(air_mass, 0.678));
    let clear_diffuse = 0.1 * clear_direct;
    let whole = clearness * (clear_direct * up + clear_diffuse);
    let direct = clear_direct * clearness * clearness * clearness;
    (direct, whole - direct * up)
}

impl Panels {
    /// Modules that face so many degrees east of north, and are tilted by so many.
    #[must_use]
    pub fn new(peak_w: u32, azimuth_degrees: u32, tilt_degrees: u32) -> Self {
        let [azimuth, tilt] = [azimuth_degrees, tilt_degrees].map(|degrees| f64::from(degrees).to_radians());
        let level = libm::sin(tilt);
        Self { peak_w, normal: [level * libm::sin(azimuth), level * libm::cos(azimuth), libm::cos(tilt)] }
    }

    /// What they yield under a sky, in whole watts.
    pub(super) fn watts(&self, sky: &Sky) -> i64 {
        let facing = self.normal.iter().zip(sky.sun).map(|(normal, sun)| normal * sun).sum::<f64>().max(0.0);
        let seen = (1.0 + self.normal[2]) / 2.0;
        let ground = ALBEDO * (1.0 - self.normal[2]) / 2.0 * (sky.direct * sky.sun[2] + sky.diffuse);
        let irradiance = sky.direct * facing + sky.diffuse * seen + ground;
        let power = f64::from(self.peak_w) * PERFORMANCE * irradiance / STANDARD_W_PER_M2;
        // An inverter is no larger than the modules' peak.
        power.clamp(0.0, f64::from(self.peak_w)) as i64
    }
}

impl Sky {
    /// Light on level ground, in whole W/m².
    pub(super) fn level_watts(&self) -> i64 {
        (self.direct * self.sun[2].max(0.0) + self.diffuse) as i64
    }
}
