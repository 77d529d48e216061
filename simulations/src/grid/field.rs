//! A complex quantity of every node, phase and time step, laid out so that time steps fill registers.
//!
//! A register holds as many time steps as the machine has room for (8 with AVX-512, 4 with AVX2, 2 with NEON). So a batch
//! of eight is split into groups of that width, and each group has its rows one after the other: for each node its
//! phases, for each phase the real parts of all time steps of the group and then the imaginary parts.

use num_complex::Complex64;
use pulp::{Simd, WithSimd};

/// How many time steps are solved side by side.
pub const LANES: usize = 8;

/// A register of AVX-512, and a cache line.
const ALIGNMENT: usize = 64;
/// Rows begin at an aligned address, so there is a little too much room.
const SLACK: usize = ALIGNMENT / size_of::<f64>();

/// A node's quantity in all phases and the time steps of a group: real and imaginary parts.
pub(super) type Wide<S, const P: usize> = [[<S as Simd>::f64s; 2]; P];

/// The quantity.
#[derive(Debug)]
pub(super) struct Field<const P: usize> {
    values: Vec<f64>,
    first: usize,
    rows: usize,
    width: usize,
}

/// Tells how many time steps a register of this machine holds.
pub(super) struct Width;

impl WithSimd for Width {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F64_LANES.min(LANES)
    }
}

impl<const P: usize> Field<P> {
    /// All nought.
    pub fn new(rows: usize, width: usize) -> Self {
        let values = vec![0.0; rows * P * 2 * LANES + SLACK];
        // Where an address can't be aligned, all works as well and only takes longer.
        let first = Some(values.as_ptr().align_offset(ALIGNMENT)).filter(|first| *first <= SLACK).unwrap_or(0);
        Self { values, first, rows, width }
    }

    fn index(&self, row: usize, phase: usize, part: usize, lane: usize) -> usize {
        let (group, lane) = (lane / self.width, lane % self.width);
        self.first + (((group * self.rows + row) * P + phase) * 2 + part) * self.width + lane
    }

    /// What a row and phase holds in a time step.
    pub fn get(&self, row: usize, phase: usize, lane: usize) -> Complex64 {
        let part = |part| self.values[self.index(row, phase, part, lane)];
        Complex64::new(part(0), part(1))
    }

    /// All phases of a row in a time step.
    pub fn row(&self, row: usize, lane: usize) -> [Complex64; P] {
        std::array::from_fn(|phase| self.get(row, phase, lane))
    }

    /// Adds to what a row and phase holds in a time step.
    pub fn add(&mut self, row: usize, phase: usize, lane: usize, value: Complex64) {
        for (part, value) in [value.re, value.im].into_iter().enumerate() {
            let index = self.index(row, phase, part, lane);
            self.values[index] += value;
        }
    }

    /// All nought again.
    pub fn clear(&mut self) {
        self.values.fill(0.0);
    }

    /// The same in every row and time step.
    pub fn fill(&mut self, value: [Complex64; P]) {
        for (number, register) in self.values[self.first..].chunks_exact_mut(self.width).enumerate() {
            let (phase, part) = (number / 2 % P, number % 2);
            register.fill(if part == 0 { value[phase].re } else { value[phase].im });
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of a group of time steps.
    #[inline(always)]
    pub fn group<S: Simd>(&self, group: usize) -> &[Wide<S, P>] {
        let size = self.rows * P * 2 * self.width;
        let values = &self.values[self.first + group * size..][..size];
        S::as_simd_f64s(values).0.as_chunks().0.as_chunks().0
    }

    /// The rows of a group of time steps, to change.
    #[inline(always)]
    pub fn group_mut<S: Simd>(&mut self, group: usize) -> &mut [Wide<S, P>] {
        let size = self.rows * P * 2 * self.width;
        let values = &mut self.values[self.first + group * size..][..size];
        S::as_mut_simd_f64s(values).0.as_chunks_mut().0.as_chunks_mut().0
    }
}

/// Complex arithmetic on registers, in plain loops: what a closure computes would be compiled without the machine's
/// instructions. Multiplication and addition are not fused into one rounding: that would be slow on machines without an
/// instruction for it, or give other bits there.
#[derive(Clone, Copy)]
pub(super) struct Arithmetic<S: Simd>(pub S);

impl<S: Simd> Arithmetic<S> {
    /// Nought in all phases.
    #[inline(always)]
    pub fn zero<const P: usize>(self) -> Wide<S, P> {
        [[self.0.splat_f64s(0.0); 2]; P]
    }

    #[inline(always)]
    pub fn add(self, a: [S::f64s; 2], b: [S::f64s; 2]) -> [S::f64s; 2] {
        [self.0.add_f64s(a[0], b[0]), self.0.add_f64s(a[1], b[1])]
    }

    #[inline(always)]
    pub fn sub(self, a: [S::f64s; 2], b: [S::f64s; 2]) -> [S::f64s; 2] {
        [self.0.sub_f64s(a[0], b[0]), self.0.sub_f64s(a[1], b[1])]
    }

    /// Adds in all phases.
    #[inline(always)]
    pub fn sum<const P: usize>(self, mut a: Wide<S, P>, b: Wide<S, P>) -> Wide<S, P> {
        for phase in 0..P {
            a[phase] = self.add(a[phase], b[phase]);
        }
        a
    }

    /// Subtracts in all phases.
    #[inline(always)]
    pub fn difference<const P: usize>(self, mut a: Wide<S, P>, b: Wide<S, P>) -> Wide<S, P> {
        for phase in 0..P {
            a[phase] = self.sub(a[phase], b[phase]);
        }
        a
    }

    #[inline(always)]
    pub fn times(self, a: [S::f64s; 2], factor: Complex64) -> [S::f64s; 2] {
        let (re, im) = (self.0.splat_f64s(factor.re), self.0.splat_f64s(factor.im));
        let simd = self.0;
        [
            simd.sub_f64s(simd.mul_f64s(a[0], re), simd.mul_f64s(a[1], im)),
            simd.add_f64s(simd.mul_f64s(a[0], im), simd.mul_f64s(a[1], re)),
        ]
    }

    /// `own` times each phase and `mutual` times the sum of all: a product with a matrix that treats all phases alike.
    #[inline(always)]
    pub fn product<const P: usize>(self, row: Wide<S, P>, own: Complex64, mutual: Complex64) -> Wide<S, P> {
        let mut product = row;
        for phase in &mut product {
            *phase = self.times(*phase, own);
        }
        // One phase that stands for three balanced ones has no other to couple with.
        if P > 1 {
            let mut sum = row[0];
            for phase in &row[1..] {
                sum = self.add(sum, *phase);
            }
            let mutual = self.times(sum, mutual);
            for phase in &mut product {
                *phase = self.add(*phase, mutual);
            }
        }
        product
    }

    /// Squares of the magnitudes.
    #[inline(always)]
    pub fn norm_squared(self, a: [S::f64s; 2]) -> S::f64s {
        self.0.add_f64s(self.0.mul_f64s(a[0], a[0]), self.0.mul_f64s(a[1], a[1]))
    }

    /// The real part of voltage times conjugate current, of all phases.
    #[inline(always)]
    pub fn real_power<const P: usize>(self, voltage: &Wide<S, P>, current: &Wide<S, P>) -> S::f64s {
        let simd = self.0;
        let mut sum = simd.splat_f64s(0.0);
        for phase in 0..P {
            let ([vr, vi], [ir, ii]) = (voltage[phase], current[phase]);
            sum = simd.add_f64s(sum, simd.add_f64s(simd.mul_f64s(vr, ir), simd.mul_f64s(vi, ii)));
        }
        sum
    }

    /// The current that a constant power draws at a voltage: the conjugate of `power / voltage`.
    #[inline(always)]
    pub fn drawn(self, power: [S::f64s; 2], voltage: [S::f64s; 2]) -> [S::f64s; 2] {
        let simd = self.0;
        let inverse = simd.div_f64s(simd.splat_f64s(1.0), self.norm_squared(voltage));
        let ([p, q], [re, im]) = (power, voltage);
        [
            simd.mul_f64s(simd.add_f64s(simd.mul_f64s(p, re), simd.mul_f64s(q, im)), inverse),
            simd.mul_f64s(simd.sub_f64s(simd.mul_f64s(p, im), simd.mul_f64s(q, re)), inverse),
        ]
    }
}
