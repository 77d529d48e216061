//! Eight numbers that are computed side by side: the same quantity in eight time steps.
//!
//! Plain arrays with plain loops. Compiled inside of a function that `pulp` dispatches, each operation becomes one
//! or two instructions of whatever the machine at hand has (AVX-512, AVX2, NEON). Multiplication and addition are never
//! fused into one rounding, so that all machines compute the same bits.

use std::array::from_fn;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

use num_complex::Complex64;

/// How many time steps are solved side by side: one register of AVX-512, two of AVX2.
pub const LANES: usize = 8;

/// A real quantity in [`LANES`] time steps.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
pub struct Lanes(pub [f64; LANES]);

impl Lanes {
    /// Nought in each.
    pub const ZERO: Self = Self([0.0; LANES]);

    /// The same in each.
    #[inline(always)]
    #[must_use]
    pub fn all(value: f64) -> Self {
        Self([value; LANES])
    }

    /// The square root of each.
    #[inline(always)]
    #[must_use]
    pub fn sqrt(self) -> Self {
        Self(self.0.map(f64::sqrt))
    }

    /// The larger of each two.
    #[inline(always)]
    #[must_use]
    pub fn larger(self, other: Self) -> Self {
        Self(from_fn(|lane| if self.0[lane] > other.0[lane] { self.0[lane] } else { other.0[lane] }))
    }
}

impl Add for Lanes {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] + other.0[lane]))
    }
}

impl Sub for Lanes {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] - other.0[lane]))
    }
}

impl Mul for Lanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] * other.0[lane]))
    }
}

impl Mul<f64> for Lanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: f64) -> Self {
        Self(self.0.map(|value| value * factor))
    }
}

impl Div for Lanes {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] / other.0[lane]))
    }
}

/// A complex quantity in [`LANES`] time steps: a voltage, a current, or a power.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phasor {
    /// Real parts.
    pub re: Lanes,
    /// Imaginary parts.
    pub im: Lanes,
}

impl Phasor {
    /// Nought in each.
    pub const ZERO: Self = Self { re: Lanes::ZERO, im: Lanes::ZERO };

    /// The same in each.
    #[inline(always)]
    #[must_use]
    pub fn all(value: Complex64) -> Self {
        Self { re: Lanes::all(value.re), im: Lanes::all(value.im) }
    }

    /// What it is in one time step.
    ///
    /// # Panics
    /// If `lane` is not below [`LANES`].
    #[must_use]
    pub fn lane(&self, lane: usize) -> Complex64 {
        Complex64::new(self.re.0[lane], self.im.0[lane])
    }

    /// Squares of the magnitudes.
    #[inline(always)]
    #[must_use]
    pub fn norm_squared(self) -> Lanes {
        self.re * self.re + self.im * self.im
    }
}

impl Add for Phasor {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }
}

impl AddAssign for Phasor {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Phasor {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }
}

impl Mul<Complex64> for Phasor {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: Complex64) -> Self {
        Self { re: self.re * factor.re - self.im * factor.im, im: self.re * factor.im + self.im * factor.re }
    }
}
