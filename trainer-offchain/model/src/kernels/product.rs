//! Products of activations with weights: `c = start + Σ lhs · rhs`.
//!
//! A task is a strip of columns of `c`. For every stretch of the depth it packs its part of the weight once and takes all
//! rows through it: the weight's panels stay in the second-level cache, a panel of rows in the first.

use super::room::Room;
use super::{with_kernel, Path};
use crate::mat::{self, Mat, MatMut, Threads};
use crate::nf4;
use half::bf16;
use std::ops::Range;

/// A weight's elements.
#[derive(Clone, Copy)]
pub enum Elements<'a> {
	/// f32.
	F32(&'a [f32]),
	/// bf16.
	Bf16(&'a [bf16]),
	/// Four bits, widened to f32 where they are packed.
	Nf4(nf4::Slice<'a>),
}

impl Elements<'_> {
	/// How many there are.
	#[allow(clippy::len_without_is_empty)]
	pub fn len(&self) -> usize {
		match self {
			Self::F32(x) => x.len(),
			Self::Bf16(x) => x.len(),
			Self::Nf4(x) => x.len(),
		}
	}
}

impl Elements<'_> {
	/// Adds row `row` of a matrix as wide as `to` to it.
	pub fn add_row(&self, to: &mut [f32], row: usize) {
		let range = row * to.len()..(row + 1) * to.len();
		match self {
			Self::F32(x) => to.iter_mut().zip(&x[range]).for_each(|(to, x)| *to += x),
			Self::Bf16(x) => to.iter_mut().zip(&x[range]).for_each(|(to, x)| *to += x.to_f32()),
			Self::Nf4(x) => {
				let mut wide = vec![0f32; to.len()];
				x.dequantise(range.start, &mut wide);
				to.iter_mut().zip(wide).for_each(|(to, x)| *to += x);
			}
		}
	}
}

/// The right operand, `k × n`.
#[derive(Clone, Copy)]
pub struct Rhs<'a> {
	pub(super) elements: Elements<'a>,
	pub(super) k: usize,
	pub(super) n: usize,
	/// Stored as `[n, k]`; else as `[k, n]`.
	pub(super) deep_rows: bool,
}

impl<'a> Rhs<'a> {
	/// Stored as `[k, n]`.
	pub fn new(elements: Elements<'a>, k: usize, n: usize) -> Self {
		assert_eq!(elements.len(), k * n, "a weight's size");
		let deep_rows = false;
		Self {
			elements,
			k,
			n,
			deep_rows,
		}
	}

	/// The transpose, without moving anything.
	pub fn t(self) -> Self {
		Self {
			k: self.n,
			n: self.k,
			deep_rows: !self.deep_rows,
			..self
		}
	}

	/// Some stored rows of it, as the depth.
	pub fn rows(self, rows: Range<usize>) -> Self {
		assert!(!self.deep_rows, "rows of a weight that is stored by columns");
		let (k, range) = (rows.len(), rows.start * self.n..rows.end * self.n);
		let elements = match self.elements {
			Elements::F32(x) => Elements::F32(&x[range]),
			Elements::Bf16(x) => Elements::Bf16(&x[range]),
			Elements::Nf4(x) => Elements::Nf4(x.slice(range)),
		};
		Self { elements, k, ..self }
	}

	/// (k, n).
	pub fn dims(&self) -> (usize, usize) {
		(self.k, self.n)
	}

	/// Whether [`Lhs`] has to be in pairs of bf16 for it.
	pub fn pairs(&self, path: Path) -> bool {
		path.has_pairs() && matches!(self.elements, Elements::Bf16(_))
	}
}

/// The left operand, `m × k`, ready for products with any number of right ones.
pub struct Lhs<'a> {
	x: &'a [f32],
	pub(super) m: usize,
	k: usize,
	path: Path,
	pairs: bool,
	pub(super) packed: Room,
}

impl<'a> Lhs<'a> {
	/// `x [m, k]`; `pairs` as [`Rhs::pairs`] says.
	pub fn new(x: &'a [f32], m: usize, k: usize, path: Path, pairs: bool) -> Self {
		assert_eq!(x.len(), m * k, "rows of a product");
		assert!(path.runs(), "the processor lacks what {path:?} needs");
		let packed = with_kernel!(path, pairs, K => super::pack::lhs::<K>(x, m, k), Room::default());
		Self {
			x,
			m,
			k,
			path,
			pairs,
			packed,
		}
	}
}

/// What a product is added to.
#[derive(Clone, Copy, Default)]
pub struct Start<'a> {
	/// What the result's place holds.
	pub held: bool,
	/// `[m, n]`.
	pub rows: Option<&'a [f32]>,
	/// `[n]`, to every row.
	pub bias: Option<&'a [f32]>,
}

impl Start<'_> {
	/// What the result's place holds, and nothing else.
	pub const HELD: Self = Self {
		held: true,
		rows: None,
		bias: None,
	};
}

/// `start + Σ lhs · rhs`, `[m, n]`, on all of rayon's threads.
pub fn product(start: Start<'_>, terms: &[(&Lhs<'_>, Rhs<'_>)]) -> Vec<f32> {
	let len = terms.first().map_or(0, |(lhs, rhs)| lhs.m * rhs.n);
	// Not cleared first: a large result would pass through memory once more, on one thread.
	let mut c = Vec::with_capacity(len);
	assert!(!start.held, "a new result holds nothing");
	// SAFETY: room for `len` elements, all of which are written.
	unsafe {
		into_place(c.as_mut_ptr(), start, terms);
		c.set_len(len);
	}
	c
}

/// The same into `c`.
pub fn product_into(c: &mut [f32], start: Start<'_>, terms: &[(&Lhs<'_>, Rhs<'_>)]) {
	let Some((lhs, rhs)) = terms.first() else { return };
	assert_eq!(c.len(), lhs.m * rhs.n, "result of a product");
	// SAFETY: the result's elements.
	unsafe { into_place(c.as_mut_ptr(), start, terms) };
}

/// Writes all of `c`, which need not hold anything if the start does not say so.
///
/// # Safety
/// `c` has room for the result.
unsafe fn into_place(c: *mut f32, start: Start<'_>, terms: &[(&Lhs<'_>, Rhs<'_>)]) {
	let Some((first, rhs)) = terms.first() else { return };
	let (m, n, path) = (first.m, rhs.n, first.path);
	for (lhs, rhs) in terms {
		assert!(
			lhs.m == m && rhs.n == n && lhs.k == rhs.k && (lhs.path, lhs.pairs) == (path, first.pairs),
			"shapes of a product do not fit"
		);
		assert!(lhs.k > 0, "a product over nothing");
		assert_eq!(lhs.pairs, rhs.pairs(path), "operands of a product differ in form");
	}
	if let Some(bias) = start.bias {
		assert_eq!(bias.len(), n, "bias of a product");
	}
	if let Some(rows) = start.rows {
		assert!(rows.len() == m * n && !start.held, "rows that a product is added to");
	}
	let by_crate = || {
		if !start.held {
			std::ptr::write_bytes(c, 0, m * n);
		}
		portable(std::slice::from_raw_parts_mut(c, m * n), start, terms, n);
	};
	if path == Path::Avx512 && terms.iter().any(|t| matches!(t.1.elements, Elements::Bf16(_))) {
		return by_crate();
	}
	with_kernel!(path, first.pairs, K => strips::product::<K>(c, start, terms), by_crate());
}

/// By the `gemm` crate; what is narrower than f32 is widened in blocks.
fn portable(c: &mut [f32], start: Start<'_>, terms: &[(&Lhs<'_>, Rhs<'_>)], n: usize) {
	if let Some(rows) = start.rows {
		c.copy_from_slice(rows);
	}
	if let Some(bias) = start.bias {
		for row in c.chunks_mut(n) {
			row.iter_mut().zip(bias).for_each(|(c, b)| *c += b);
		}
	}
	for (i, (lhs, rhs)) in terms.iter().enumerate() {
		let held = i > 0 || start.held || start.rows.is_some() || start.bias.is_some();
		let view = |data, deep_rows, k, n| match deep_rows {
			true => Mat::new(data, n, k).t(),
			false => Mat::new(data, k, n),
		};
		let x = Mat::new(lhs.x, lhs.m, lhs.k);
		match rhs.elements {
			Elements::F32(w) => {
				let w = view(w, rhs.deep_rows, rhs.k, n);
				mat::product(MatMut::new(c, lhs.m, n), held, x, w, 1.0, Threads::All);
			}
			Elements::Bf16(w) => widened(c, lhs, rhs, held, |from, wide| {
				wide.iter_mut().zip(&w[from..]).for_each(|(to, x)| *to = x.to_f32());
			}),
			Elements::Nf4(w) => widened(c, lhs, rhs, held, |from, wide| w.widen(from, wide)),
		}
	}
}

/// Rows of a narrow weight that are widened at once.
const WIDENED: usize = 512;

fn widened(c: &mut [f32], lhs: &Lhs<'_>, rhs: &Rhs<'_>, held: bool, widen: impl Fn(usize, &mut [f32])) {
	let (rows, width) = if rhs.deep_rows { (rhs.n, rhs.k) } else { (rhs.k, rhs.n) };
	let mut wide = vec![0f32; WIDENED.min(rows) * width];
	for from in (0..rows).step_by(WIDENED) {
		let count = WIDENED.min(rows - from);
		let wide = &mut wide[..count * width];
		widen(from * width, wide);
		let wide = Mat::new(wide, count, width);
		if rhs.deep_rows {
			let c = MatMut::strided(&mut c[from..], lhs.m, count, rhs.n);
			let x = Mat::new(lhs.x, lhs.m, lhs.k);
			mat::product(c, held, x, wide.t(), 1.0, Threads::All);
		} else {
			let x = Mat::strided(&lhs.x[from..], lhs.m, count, lhs.k);
			mat::product(
				MatMut::new(c, lhs.m, rhs.n),
				held || from > 0,
				x,
				wide,
				1.0,
				Threads::All,
			);
		}
	}
}

#[cfg(target_arch = "x86_64")]
mod strips {
	use super::{Elements, Lhs, Rhs, Start};
	use crate::kernels::pack;
	use crate::kernels::room::Room;
	use crate::kernels::tile::{Kernel, Place};
	use half::bf16;
	use rayon::prelude::*;
	use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T1};
	use std::ops::Range;

	/// Columns of a result below which it is cut into strips of at most this many, so that threads end together.
	const NARROW: (usize, usize) = (2048, 64);

	/// The result, written by tasks in columns that do not overlap.
	struct Shared(*mut f32);
	// SAFETY: each task writes only columns of its own.
	unsafe impl Sync for Shared {}

	impl Shared {
		fn at(&self, offset: usize) -> *mut f32 {
			self.0.wrapping_add(offset)
		}

		/// What is added to the sums that are written at `offset`, `first` of all or not.
		fn held(&self, offset: usize, start: &Start<'_>, first: bool) -> *const f32 {
			match start.rows {
				_ if start.held || !first => self.at(offset),
				Some(rows) => rows[offset..].as_ptr(),
				None => std::ptr::null(),
			}
		}
	}

	type Term<'a> = (&'a Lhs<'a>, Rhs<'a>);

	/// # Safety
	/// `c` has room for the result, and holds what the start says.
	pub unsafe fn product<K: Kernel>(c: *mut f32, start: Start<'_>, terms: &[Term<'_>]) {
		let (n, c) = (terms[0].1.n, Shared(c));
		let width = if n < NARROW.0 {
			K::BLOCKS.columns.min(NARROW.1)
		} else {
			K::BLOCKS.columns
		};
		let depth = terms.iter().map(|(_, rhs)| pack::units::<K>(rhs.k)).max();
		let depth = depth.map_or(0, |depth| depth.min(K::BLOCKS.depth));
		(0..n.div_ceil(width)).into_par_iter().for_each_init(
			|| Room::new(depth * width),
			|buffer, task| {
				let columns = task * width..n.min((task + 1) * width);
				strip::<K>(&c, start, terms, columns, buffer, depth * K::COLUMNS);
			},
		);
	}

	/// Bytes that the processor fetches at once.
	const LINE: usize = 64;

	/// Stored elements that are packed next, fetched while tiles are multiplied: packing waits for memory else, and of few rows
	/// it is a tenth of the work.
	struct Ahead {
		/// The row that is next, and how many are left.
		row: *const u8,
		rows: usize,
		stride: usize,
		/// Bytes of a row, and of those the first that is not fetched.
		bytes: usize,
		at: usize,
		/// Lines for each tile.
		each: usize,
	}

	impl Ahead {
		/// Some columns of some units of `rhs`, within `tiles` tiles.
		fn new<K: Kernel>(rhs: &Rhs<'_>, columns: Range<usize>, units: Range<usize>, tiles: usize) -> Self {
			let each = if K::PAIRS { 2 } else { 1 };
			let depth = rhs.k.min(each * units.start)..rhs.k.min(each * units.end);
			let (first, size) = match rhs.elements {
				Elements::F32(x) => (x.as_ptr().cast::<u8>(), size_of::<f32>()),
				Elements::Bf16(x) => (x.as_ptr().cast(), size_of::<bf16>()),
				// So few bytes that it does not matter.
				Elements::Nf4(_) => (std::ptr::null(), 0),
			};
			let (rows, within, stride) = match rhs.deep_rows {
				true => (columns, depth, rhs.k * size),
				false => (depth, columns, rhs.n * size),
			};
			let bytes = within.len() * size;
			Self {
				row: first.wrapping_add(rows.start * stride + within.start * size),
				rows: if bytes == 0 { 0 } else { rows.len() },
				stride,
				bytes,
				at: 0,
				each: (rows.len() * bytes.div_ceil(LINE)).div_ceil(tiles.max(1)),
			}
		}

		#[inline(always)]
		fn fetch(&mut self) {
			for _ in 0..self.each {
				if self.rows == 0 {
					return;
				}
				// SAFETY: a prefetch may name any address.
				unsafe { _mm_prefetch::<_MM_HINT_T1>(self.row.wrapping_add(self.at).cast()) };
				self.at += LINE;
				if self.at >= self.bytes {
					self.at = 0;
					self.row = self.row.wrapping_add(self.stride);
					self.rows -= 1;
				}
			}
		}
	}

	/// Panels of weights start `room` apart in `buffer`.
	fn strip<K: Kernel>(
		c: &Shared,
		start: Start<'_>,
		terms: &[Term<'_>],
		columns: Range<usize>,
		buffer: &mut [u32],
		room: usize,
	) {
		let parts = |(term, (_, rhs)): (usize, &Term<'_>)| {
			let units = pack::units::<K>(rhs.k);
			(0..units)
				.step_by(K::BLOCKS.depth)
				.map(move |from| (term, from..units.min(from + K::BLOCKS.depth)))
		};
		let parts: Vec<_> = terms.iter().enumerate().flat_map(parts).collect();
		// SAFETY: a packed left operand exists only where the processor has the instructions; `end` is below.
		unsafe { K::begin() };
		for (i, (term, part)) in parts.iter().enumerate() {
			let (lhs, rhs) = &terms[*term];
			let (units, depth) = (pack::units::<K>(rhs.k), part.len());
			// SAFETY: as above.
			unsafe { K::pack(rhs, columns.clone(), part.clone(), buffer, room) };
			let tiles = lhs.m.div_ceil(K::ROWS) * columns.len().div_ceil(K::COLUMNS);
			let mut ahead = match parts.get(i + 1) {
				Some((term, part)) => Ahead::new::<K>(&terms[*term].1, columns.clone(), part.clone(), tiles),
				// The strip that this thread takes next, most often.
				None => {
					let next = columns.end..rhs.n.min(columns.end + columns.len());
					Ahead::new::<K>(&terms[0].1, next, parts[0].1.clone(), tiles)
				}
			};
			for block in (0..lhs.m).step_by(K::BLOCKS.rows) {
				let rows = (block..lhs.m.min(block + K::BLOCKS.rows)).step_by(K::ROWS);
				for (column, b) in columns.clone().step_by(K::COLUMNS).zip(buffer.chunks(room)) {
					for row in rows.clone() {
						let a = &lhs.packed[(row / K::ROWS * units + part.start) * K::ROWS..][..depth * K::ROWS];
						let at = row * rhs.n + column;
						let place = Place {
							to: c.at(at),
							stride: rhs.n,
							rows: K::ROWS.min(lhs.m - row),
							columns: K::COLUMNS.min(rhs.n - column),
							held: c.held(at, &start, i == 0),
							bias: match start.bias {
								Some(bias) if i == 0 => bias[column..].as_ptr(),
								_ => std::ptr::null(),
							},
						};
						ahead.fetch();
						// SAFETY: `a` and `b` hold `depth` units; the place lies inside `c` in this task's columns;
						// the left operand is packed for this kernel.
						unsafe { K::tile(depth, a.as_ptr(), b.as_ptr(), &place) };
					}
				}
			}
		}
		// SAFETY: as above.
		unsafe { K::end() };
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use rand::{Rng, SeedableRng};

	fn random(len: usize, seed: u64) -> Vec<f32> {
		let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
		(0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
	}

	fn rounded(x: &[f32]) -> Vec<bf16> {
		x.iter().map(|x| bf16::from_f32(*x)).collect()
	}

	/// Every form of weight, every start, sizes around the tiles' and the depth's ends, against sums in f64.
	#[test]
	fn product_should_equal_sums_in_f64_on_every_path() {
		for (path, bf16_weight) in Path::available_for_weights() {
			for (m, k, n) in [
				(1, 1, 1),
				(13, 31, 33),
				(14, 16, 32),
				(15, 257, 31),
				(29, 515, 130),
				(3, 40, 2100),
				// Ends of AMX's tiles, and more than its depth.
				(32, 32, 64),
				(33, 64, 95),
				(65, 2081, 33),
				(201, 770, 310),
			] {
				for (transposed, start) in (0..8).map(|i| (i % 2 == 0, i / 2)) {
					check(path, (m, k, n), bf16_weight, transposed, start);
				}
			}
		}
	}

	#[test]
	fn four_bits_should_multiply_as_what_they_widen_to() {
		for path in Path::available() {
			for (m, k, n) in [(5, 33, 37), (15, 300, 70), (3, 40, 1100)] {
				let x = random(m * k, 1);
				let lhs = Lhs::new(&x, m, k, path, false);
				for deep_rows in [true, false] {
					let weight = nf4::Nf4::quantise(&random(k * n, 2), if deep_rows { [n, k] } else { [k, n] });
					let mut wide = vec![0f32; k * n];
					weight.dequantise(0, &mut wide);
					let result = |elements| {
						let rhs = match deep_rows {
							true => Rhs::new(elements, n, k).t(),
							false => Rhs::new(elements, k, n),
						};
						let mut c = vec![1f32; m * n];
						product_into(&mut c, Start::HELD, &[(&lhs, rhs)]);
						c
					};
					let (found, expected) = (result(Elements::Nf4(weight.all())), result(Elements::F32(&wide)));
					for (f, e) in found.iter().zip(expected) {
						assert!(
							(f - e).abs() < 1e-5,
							"{path:?} {m}x{k}x{n} {deep_rows}: {f}, expected {e}"
						);
					}
				}
			}
		}
	}

	fn check(path: Path, (m, k, n): (usize, usize, usize), bf16_weight: bool, transposed: bool, start: usize) {
		let (x, w, bias, held) = (random(m * k, 1), random(k * n, 2), random(n, 3), random(m * n, 4));
		let (x2, w2) = (random(m * 5, 5), random(5 * n, 6));
		let (w16, w216) = (rounded(&w), rounded(&w2));
		let elements = |wide: &'static [f32], narrow: &'static [bf16]| match bf16_weight {
			true => Elements::Bf16(narrow),
			false => Elements::F32(wide),
		};
		// Leaked: a test's closure cannot name the lifetimes otherwise.
		let (w, w16, w2, w216) = (&*w.leak(), &*w16.leak(), &*w2.leak(), &*w216.leak());
		let stored = |e, k, n| {
			if transposed {
				Rhs::new(e, n, k).t()
			} else {
				Rhs::new(e, k, n)
			}
		};
		let (rhs, rhs2) = (stored(elements(w, w16), k, n), stored(elements(w2, w216), 5, n));
		let pairs = rhs.pairs(path);
		let begin = Start {
			held: false,
			rows: (start & 1 == 1).then_some(&held),
			bias: (start & 2 == 2).then_some(&bias),
		};
		let (lhs, lhs2) = (Lhs::new(&x, m, k, path, pairs), Lhs::new(&x2, m, 5, path, pairs));
		let terms = [(&lhs, rhs), (&lhs2, rhs2)];
		let c = product(begin, &terms);
		let mut into = if start & 1 == 1 {
			held.clone()
		} else {
			vec![f32::NAN; m * n]
		};
		let begin = Start {
			held: start & 1 == 1,
			rows: None,
			..begin
		};
		product_into(&mut into, begin, &terms);
		assert_eq!(c, into, "{path:?} {m}x{k}x{n}: a new result and one in place");

		let seen = |x: f32| {
			if pairs {
				bf16::from_f32(x).to_f64()
			} else {
				f64::from(x)
			}
		};
		let weight = |w: &[f32], i: usize| match bf16_weight {
			true => bf16::from_f32(w[i]).to_f64(),
			false => f64::from(w[i]),
		};
		for i in 0..m {
			for j in 0..n {
				let at = |l: usize, k: usize| if transposed { j * k + l } else { l * n + j };
				let mut expected = f64::from(held[i * n + j]) * f64::from(start as u32 & 1);
				expected += f64::from(bias[j]) * f64::from(start as u32 >> 1);
				expected += (0..k).map(|l| seen(x[i * k + l]) * weight(w, at(l, k))).sum::<f64>();
				expected += (0..5).map(|l| seen(x2[i * 5 + l]) * weight(w2, at(l, 5))).sum::<f64>();
				let error = (f64::from(c[i * n + j]) - expected).abs();
				assert!(
					error < 1e-4,
					"{path:?} {m}x{k}x{n} bf16 {bf16_weight} t {transposed} start {start}, [{i}, {j}]: {error}"
				);
			}
		}
	}
}
