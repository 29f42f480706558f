//! Products inside a parallel loop, on one thread, of operands that are packed once and used many times: attention's.

use super::math::round;
use super::pack;
use super::product::{Elements, Rhs};
use super::room::Room;
use super::tile::{Kernel, Place};
use half::bf16;
use std::marker::PhantomData;

/// A right operand, `k × n`, packed whole: panels `[units, COLUMNS]`.
pub struct Panels<K> {
	packed: Room,
	units: usize,
	n: usize,
	kernel: PhantomData<K>,
}

impl<K: Kernel> Panels<K> {
	/// From `x [k, n]`, or `[n, k]` where `deep_rows`. The processor has the kernel's instructions.
	pub fn new(x: &[f32], (k, n): (usize, usize), deep_rows: bool) -> Self {
		let units = pack::units::<K>(k);
		let mut packed = Room::new(n.div_ceil(K::COLUMNS) * units * K::COLUMNS);
		let mut narrow = vec![bf16::ZERO; if K::PAIRS { x.len() } else { 0 }];
		round(&mut narrow, x);
		let elements = if K::PAIRS {
			Elements::Bf16(&narrow)
		} else {
			Elements::F32(x)
		};
		let rhs = match deep_rows {
			true => Rhs::new(elements, n, k).t(),
			false => Rhs::new(elements, k, n),
		};
		// SAFETY: panels are only made where the processor has the instructions.
		unsafe { K::pack(&rhs, 0..n, 0..units, &mut packed, units * K::COLUMNS) };
		Self {
			packed,
			units,
			n,
			kernel: PhantomData,
		}
	}
}

/// A left operand packed whole. Its room is used again.
pub struct Rows<K> {
	packed: Vec<u32>,
	units: usize,
	rows: usize,
	kernel: PhantomData<K>,
}

impl<K> Default for Rows<K> {
	fn default() -> Self {
		Self {
			packed: Vec::new(),
			units: 0,
			rows: 0,
			kernel: PhantomData,
		}
	}
}

impl<K: Kernel> Rows<K> {
	fn reset(&mut self, rows: usize, depth: usize) {
		self.units = pack::units::<K>(depth);
		self.rows = rows;
		self.packed.resize(rows.div_ceil(K::ROWS) * self.units * K::ROWS, 0);
	}

	/// From `x [rows, stride]`, of which `depth` columns count.
	pub fn pack(&mut self, x: &[f32], stride: usize, rows: usize, depth: usize) {
		self.reset(rows, depth);
		for (i, to) in self.packed.chunks_exact_mut(self.units * K::ROWS).enumerate() {
			let end = (stride * rows.min((i + 1) * K::ROWS)).min(x.len());
			// SAFETY: rows are only packed where the processor has the instructions.
			unsafe { K::pack_rows(&x[i * K::ROWS * stride..end], stride, depth, to) };
		}
	}

	/// From the transpose of `x [depth, columns]`.
	pub fn pack_t(&mut self, x: &[f32], depth: usize, columns: usize) {
		self.reset(columns, depth);
		for (i, to) in self.packed.chunks_exact_mut(self.units * K::ROWS).enumerate() {
			let part = (i * K::ROWS, K::ROWS.min(columns - i * K::ROWS));
			// SAFETY: as above.
			unsafe { K::pack_t(x, columns, depth, part, to) };
		}
	}
}

/// Which part of the right operand a product takes.
#[derive(Clone, Copy)]
pub struct Part {
	/// First column, a multiple of a tile's.
	pub column: usize,
	/// Columns.
	pub columns: usize,
	/// First row, an even number of [`Kernel::STEP`]s.
	pub row: usize,
}

/// `c [rows, columns] = a · b`, or `c +=` where `held`.
pub fn product<K: Kernel>(c: &mut [f32], held: bool, a: &Rows<K>, b: &Panels<K>, part: Part) {
	let from = pack::units::<K>(part.row);
	assert!(part.column.is_multiple_of(K::COLUMNS) && part.row.is_multiple_of(2 * K::STEP));
	assert!(part.column + part.columns <= b.n && from + a.units <= b.units);
	assert_eq!(c.len(), a.rows * part.columns, "result of a product");
	// SAFETY: operands are packed only where the processor has the instructions; `end` is below.
	unsafe { K::begin() };
	for column in (0..part.columns).step_by(K::COLUMNS) {
		let panel = (part.column + column) / K::COLUMNS;
		let b_at = &b.packed[(panel * b.units + from) * K::COLUMNS..][..a.units * K::COLUMNS];
		for (i, a_at) in a.packed.chunks_exact(a.units * K::ROWS).enumerate() {
			let row = i * K::ROWS;
			let to = c[row * part.columns + column..].as_mut_ptr();
			let place = Place {
				to,
				stride: part.columns,
				rows: K::ROWS.min(a.rows - row),
				columns: K::COLUMNS.min(part.columns - column),
				held: if held { to } else { std::ptr::null() },
				bias: std::ptr::null(),
			};
			// SAFETY: operands are packed only where the processor has the instructions; both hold `units` units, and
			// the place lies inside `c`.
			unsafe { K::tile(a.units, a_at.as_ptr(), b_at.as_ptr(), &place) };
		}
	}
	// SAFETY: as above.
	unsafe { K::end() };
}

/// Whether a kernel's products of small matrices are what sums in f64 are, whichever way operands are packed. The processor
/// has the instructions.
pub fn is_right<K: Kernel>() -> bool {
	let (m, k, n) = (K::ROWS + 13, 75, K::COLUMNS + 7);
	let numbers = |len: usize, step: usize| {
		(0..len)
			.map(|i| (i * step % 10_007) as f32 / 5_003.0 - 1.0)
			.collect::<Vec<f32>>()
	};
	let seen = |x: f32| {
		if K::PAIRS {
			bf16::from_f32(x).to_f64()
		} else {
			f64::from(x)
		}
	};
	let (x, w) = (numbers(m * k, 7_919), numbers(k * n, 5_741));
	[false, true].into_iter().all(|turned| {
		let at = |i: usize, j: usize, rows: usize, columns: usize| if turned { j * rows + i } else { i * columns + j };
		let mut rows = Rows::<K>::default();
		match turned {
			true => rows.pack_t(&x, k, m),
			false => rows.pack(&x, k, m, k),
		}
		let whole = Part {
			column: 0,
			columns: n,
			row: 0,
		};
		let mut c = vec![1f32; m * n];
		product(&mut c, true, &rows, &Panels::new(&w, (k, n), turned), whole);
		c.iter().enumerate().all(|(place, found)| {
			let (i, j) = (place / n, place % n);
			let product = |l: usize| seen(x[at(i, l, m, k)]) * seen(w[at(l, j, k, n)]);
			let expected = 1.0 + (0..k).map(product).sum::<f64>();
			(f64::from(*found) - expected).abs() < 1e-4
		})
	})
}
