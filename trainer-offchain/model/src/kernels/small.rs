//! Products inside a parallel loop, on one thread, of operands that are packed once and used many times: attention's.

use super::pack;
use super::product::{Elements, Rhs};
use super::tile::{tile_bf16, tile_f32, Place, COLUMNS, ROWS};
use half::bf16;

/// A right operand, `k × n`, packed whole: panels of 32 columns, `[units, 32]` each.
pub struct Panels {
	packed: Vec<u32>,
	units: usize,
	n: usize,
	pairs: bool,
}

impl Panels {
	/// From `x [k, n]`, or `[n, k]` where `deep_rows`.
	pub fn new(x: &[f32], (k, n): (usize, usize), deep_rows: bool, pairs: bool) -> Self {
		let units = pack::units(k, pairs);
		let mut packed = vec![0u32; n.div_ceil(COLUMNS) * units * COLUMNS];
		let narrow: Vec<bf16> = match pairs {
			true => x.iter().map(|x| bf16::from_f32(*x)).collect(),
			false => Vec::new(),
		};
		let elements = if pairs {
			Elements::Bf16(&narrow)
		} else {
			Elements::F32(x)
		};
		let rhs = match deep_rows {
			true => Rhs::new(elements, n, k).t(),
			false => Rhs::new(elements, k, n),
		};
		for (panel, to) in packed.chunks_exact_mut(units * COLUMNS).enumerate() {
			// SAFETY: panels are only made where the processor has AVX-512.
			unsafe { pack::rhs(&rhs, panel * COLUMNS, 0, units, to) };
		}
		Self {
			packed,
			units,
			n,
			pairs,
		}
	}
}

/// A left operand packed whole: panels of 14 rows, `[units, 14]` each. Its room is used again.
#[derive(Default)]
pub struct Rows {
	packed: Vec<u32>,
	units: usize,
	rows: usize,
}

impl Rows {
	fn reset(&mut self, rows: usize, depth: usize, pairs: bool) {
		self.units = pack::units(depth, pairs);
		self.rows = rows;
		self.packed.resize(rows.div_ceil(ROWS) * self.units * ROWS, 0);
	}

	/// From `x [rows, stride]`, of which `depth` columns count.
	pub fn pack(&mut self, x: &[f32], stride: usize, rows: usize, depth: usize, pairs: bool) {
		self.reset(rows, depth, pairs);
		for (i, to) in self.packed.chunks_exact_mut(self.units * ROWS).enumerate() {
			let end = (stride * rows.min((i + 1) * ROWS)).min(x.len());
			pack::lhs_panel(&x[i * ROWS * stride..end], stride, depth, pairs, to);
		}
	}

	/// From the transpose of `x [depth, columns]`.
	pub fn pack_t(&mut self, x: &[f32], depth: usize, columns: usize, pairs: bool) {
		self.reset(columns, depth, pairs);
		for (i, to) in self.packed.chunks_exact_mut(self.units * ROWS).enumerate() {
			let part = (i * ROWS, ROWS.min(columns - i * ROWS));
			// SAFETY: rows are only packed where the processor has AVX-512, pairs where it has bf16.
			unsafe { pack::lhs_panel_t(x, columns, depth, part, pairs, to) };
		}
	}
}

/// Which part of the right operand a product takes.
#[derive(Clone, Copy)]
pub struct Part {
	/// First column, a multiple of 32.
	pub column: usize,
	/// Columns.
	pub columns: usize,
	/// First row, even.
	pub row: usize,
}

/// `c [rows, columns] = a · b`, or `c +=` where `held`.
pub fn product(c: &mut [f32], held: bool, a: &Rows, b: &Panels, part: Part) {
	let from = if b.pairs { part.row / 2 } else { part.row };
	assert!(part.column.is_multiple_of(COLUMNS) && part.row.is_multiple_of(2));
	assert!(part.column + part.columns <= b.n && from + a.units <= b.units);
	assert_eq!(c.len(), a.rows * part.columns, "result of a product");
	for column in (0..part.columns).step_by(COLUMNS) {
		let panel = (part.column + column) / COLUMNS;
		let b_at = &b.packed[(panel * b.units + from) * COLUMNS..][..a.units * COLUMNS];
		for (i, a_at) in a.packed.chunks_exact(a.units * ROWS).enumerate() {
			let row = i * ROWS;
			let place = Place {
				to: c[row * part.columns + column..].as_mut_ptr(),
				stride: part.columns,
				rows: ROWS.min(a.rows - row),
				columns: COLUMNS.min(part.columns - column),
				accumulate: held,
				bias: std::ptr::null(),
			};
			// SAFETY: operands are packed only where the processor has what their form needs; both hold `units` units,
			// and the place lies inside `c`.
			unsafe {
				match b.pairs {
					true => tile_bf16(a.units, a_at.as_ptr(), b_at.as_ptr(), &place),
					false => tile_f32(a.units, a_at.as_ptr(), b_at.as_ptr(), &place),
				}
			}
		}
	}
}
