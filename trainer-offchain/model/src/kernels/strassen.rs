//! One step of Strassen's algorithm: seven products of halves in place of eight, an eighth less work.
//!
//! Operands' quarters are added where they are packed, and each product is added to up to two quarters of the result, as by
//! Huang, Smith, Henry and van de Geijn, "Strassen's Algorithm Reloaded" (2016). Its error bound is larger
//! than the plain product's; what was measured is in docs/performance.md.

use super::avx2::{tile_into, COLUMNS, ROWS};
use super::math::vectorised;
use super::product::{Lhs, Rhs, Shared, Start};
use super::room::Room;
use super::tile::{Avx2, Kernel, Place};
use rayon::prelude::*;

/// Signs of the quarters (row 1, row 2; each left, right) of the left operand, the right one and the result in each product.
/// A quarter of the result comes first where its sign is positive.
const PRODUCTS: [[[i8; 4]; 3]; 7] = [
	[[1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1]],
	[[0, 0, 1, 1], [1, 0, 0, 0], [0, 0, 1, -1]],
	[[1, 0, 0, 0], [0, 1, 0, -1], [0, 1, 0, 1]],
	[[0, 0, 0, 1], [-1, 0, 1, 0], [1, 0, 1, 0]],
	[[1, 1, 0, 0], [0, 0, 0, 1], [-1, 1, 0, 0]],
	[[-1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1]],
	[[0, 1, 0, -1], [0, 0, 1, 1], [1, 0, 0, 0]],
];

/// Least rows, depth and columns for which what is saved is more than what adding costs.
const LEAST: [usize; 3] = [192, 512, 256];
/// Most units of half the depth that are packed at once.
const DEPTH: usize = 384;
/// Columns of each half that a task takes through the rows together.
const WIDTH: usize = 2 * COLUMNS;

/// Columns of the result that [`product`] makes; those after them are left.
pub fn columns(m: usize, k: usize, n: usize) -> usize {
	let n = n / (2 * COLUMNS) * 2 * COLUMNS;
	match k.is_multiple_of(2) && m >= LEAST[0] && k >= LEAST[1] && n >= LEAST[2] {
		true => n,
		false => 0,
	}
}

vectorised! {
	/// `to = x + y`, or `x - y`.
	fn join(to: &mut [u32], x: &[u32], y: &[u32], negative: bool) {
		let sign = if negative { -1.0 } else { 1.0 };
		for ((to, x), y) in to.iter_mut().zip(x).zip(y) {
			*to = (f32::from_bits(*x) + sign * f32::from_bits(*y)).to_bits();
		}
	}
}

/// The one or two quarters that take part: one with a positive sign, then perhaps another, and whether that is taken off.
fn parts(signs: &[i8; 4]) -> (usize, Option<(usize, bool)>) {
	let first = signs.iter().position(|s| *s > 0).unwrap_or(0);
	let second = (0..4).find(|i| *i != first && signs[*i] != 0);
	(first, second.map(|i| (i, signs[i] < 0)))
}

/// A left operand's halves: an even number of panels, each of an even number of units.
struct Left<'a> {
	packed: &'a [u32],
	/// Elements of half a panel.
	panel: usize,
	/// Panels of each half.
	panels: usize,
}

impl<'a> Left<'a> {
	fn new(packed: &'a [u32], units: usize) -> Self {
		let panel = units / 2 * ROWS;
		Self {
			packed,
			panel,
			panels: packed.len() / (4 * panel),
		}
	}

	/// Panel `i` of a quarter.
	fn of(&self, quarter: usize, i: usize) -> &'a [u32] {
		&self.packed[(2 * (i + quarter / 2 * self.panels) + quarter % 2) * self.panel..][..self.panel]
	}
}

/// A packed left operand's sums of quarters, one for each product; none where a quarter stands alone.
pub fn sums_of_quarters(packed: &[u32], units: usize) -> Vec<Room> {
	let left = Left::new(packed, units);
	let one = |[signs, ..]: &[[i8; 4]; 3]| {
		let (first, Some((second, negative))) = parts(signs) else {
			return Room::default();
		};
		let mut sums = Room::new(left.panels * left.panel);
		sums.par_chunks_mut(left.panel)
			.enumerate()
			.for_each(|(i, to)| join(to, left.of(first, i), left.of(second, i), negative));
		sums
	};
	PRODUCTS.iter().map(one).collect()
}

/// The first `n` columns, of [`columns`], of `c = start + lhs · rhs`.
pub fn product(c: &Shared, start: Start<'_>, lhs: &Lhs<'_>, rhs: &Rhs<'_>, n: usize) {
	let (sums, left) = (lhs.sums_of_quarters(), Left::new(&lhs.packed, rhs.k));
	let (half, half_k) = (n / 2, rhs.k / 2);
	let stretch = half_k.div_ceil(half_k.div_ceil(DEPTH));
	(0..half.div_ceil(WIDTH)).into_par_iter().for_each_init(
		|| (Room::new(4 * stretch * WIDTH), Room::new(stretch * WIDTH)),
		|(quarters, joined), task| {
			let columns = task * WIDTH..half.min((task + 1) * WIDTH);
			for from in (0..half_k).step_by(stretch) {
				let depth = stretch.min(half_k - from);
				let size = depth * columns.len();
				for (q, to) in quarters.chunks_exact_mut(size).enumerate().take(4) {
					let (row, column) = (q / 2 * half_k + from, q % 2 * half);
					let columns = column + columns.start..column + columns.end;
					// SAFETY: a left operand packed for this kernel exists only where the processor has its instructions.
					unsafe { Avx2::pack(rhs, columns, row..row + depth, to, depth * COLUMNS) };
				}
				for (i, [of_left, of_right, of_result]) in PRODUCTS.iter().enumerate() {
					let at = |q: usize| &quarters[q * size..][..size];
					let right = match parts(of_right) {
						(only, None) => at(only),
						(first, Some((second, negative))) => {
							join(&mut joined[..size], at(first), at(second), negative);
							&joined[..size]
						}
					};
					let alone = parts(of_left).0;
					let panel = |row: usize| match sums[i].is_empty() {
						true => &left.of(alone, row)[from * ROWS..],
						false => &sums[i][row * left.panel + from * ROWS..],
					};
					// Whether this is the first product that a quarter of the result is in; there all are positive.
					let first = |q: usize| from == 0 && PRODUCTS.iter().position(|p| p[2][q] != 0) == Some(i);
					let first = [0, 1, 2, 3].map(first);
					let place = |row: usize, column: usize, q: usize| {
						let (row, column) = ((row + q / 2 * left.panels) * ROWS, column + q % 2 * half);
						let at = row * rhs.n + column;
						let place = Place {
							to: c.at(at),
							stride: rhs.n,
							rows: ROWS.min(lhs.m.saturating_sub(row)),
							columns: COLUMNS,
							held: c.held(at, &start, first[q]),
							bias: match start.bias {
								Some(bias) if first[q] => bias[column..].as_ptr(),
								_ => std::ptr::null(),
							},
						};
						(place, of_result[q] < 0)
					};
					let (one, other) = parts(of_result);
					for block in (0..left.panels).step_by(Avx2::ROW_BLOCK / ROWS) {
						let rows = block..left.panels.min(block + Avx2::ROW_BLOCK / ROWS);
						for (column, b) in columns
							.clone()
							.step_by(COLUMNS)
							.zip(right.chunks_exact(depth * COLUMNS))
						{
							for row in rows.clone() {
								let places = [place(row, column, one), place(row, column, other.map_or(one, |o| o.0))];
								let places = &places[..1 + usize::from(other.is_some())];
								// SAFETY: panels hold `depth` units from `from` on; places lie inside `c`, in this task's
								// columns.
								unsafe { tile_into(depth, panel(row)[..depth * ROWS].as_ptr(), b.as_ptr(), places) };
							}
						}
					}
				}
			}
		},
	);
}
