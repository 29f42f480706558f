//! Matrix products over strided f32 slices: a checked wrapper of the `gemm` crate.

use gemm::Parallelism;

/// A strided, read-only matrix.
#[derive(Clone, Copy)]
pub struct Mat<'a> {
	data: &'a [f32],
	rows: usize,
	cols: usize,
	row_stride: usize,
	col_stride: usize,
}

/// A strided matrix to write into.
pub struct MatMut<'a> {
	data: &'a mut [f32],
	rows: usize,
	cols: usize,
	row_stride: usize,
}

/// How many threads a product may take.
#[derive(Clone, Copy)]
pub enum Threads {
	/// The caller's only: for products inside a parallel loop.
	One,
	/// All of the pool that the caller runs in.
	All,
}

fn fits(len: usize, rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> bool {
	rows == 0 || cols == 0 || (rows - 1) * row_stride + (cols - 1) * col_stride < len
}

impl<'a> Mat<'a> {
	/// `rows × cols`, row after row.
	pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
		Self::strided(data, rows, cols, cols)
	}

	/// `rows × cols`, rows `row_stride` elements apart.
	pub fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
		assert!(fits(data.len(), rows, cols, row_stride, 1), "matrix leaves its slice");
		Self {
			data,
			rows,
			cols,
			row_stride,
			col_stride: 1,
		}
	}

	/// The transpose, without moving anything.
	pub fn t(self) -> Self {
		Self {
			rows: self.cols,
			cols: self.rows,
			row_stride: self.col_stride,
			col_stride: self.row_stride,
			..self
		}
	}
}

impl<'a> MatMut<'a> {
	/// `rows × cols`, row after row.
	pub fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
		Self::strided(data, rows, cols, cols)
	}

	/// `rows × cols`, rows `row_stride` elements apart.
	pub fn strided(data: &'a mut [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
		assert!(
			cols <= row_stride && fits(data.len(), rows, cols, row_stride, 1),
			"matrix leaves its slice"
		);
		Self {
			data,
			rows,
			cols,
			row_stride,
		}
	}
}

/// `dst = lhs · rhs · scale`, or `dst += …` when `accumulate`.
pub fn product(dst: MatMut<'_>, accumulate: bool, lhs: Mat<'_>, rhs: Mat<'_>, scale: f32, threads: Threads) {
	assert!(
		lhs.cols == rhs.rows && dst.rows == lhs.rows && dst.cols == rhs.cols,
		"shapes of a product do not fit"
	);
	let parallelism = match threads {
		Threads::One => Parallelism::None,
		Threads::All => Parallelism::Rayon(rayon::current_num_threads()),
	};
	// SAFETY: the three views were checked against their slices when they were made, the shapes just now, and `dst` is
	// an exclusive borrow, so it overlaps neither operand.
	unsafe {
		gemm::gemm(
			dst.rows,
			dst.cols,
			lhs.cols,
			dst.data.as_mut_ptr(),
			1,
			dst.row_stride as isize,
			accumulate,
			lhs.data.as_ptr(),
			lhs.col_stride as isize,
			lhs.row_stride as isize,
			rhs.data.as_ptr(),
			rhs.col_stride as isize,
			rhs.row_stride as isize,
			1.0,
			scale,
			false,
			false,
			false,
			parallelism,
		);
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn product_should_transpose_scale_and_accumulate() {
		let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
		let b = [1.0, 0.0, 2.0, 1.0, 1.0, 1.0];
		let mut out = [10.0f32; 4];
		product(
			MatMut::new(&mut out, 2, 2),
			true,
			Mat::new(&a, 2, 3),
			Mat::new(&b, 2, 3).t(),
			2.0,
			Threads::One,
		);
		assert_eq!(out, [24.0, 22.0, 42.0, 40.0]);
		product(
			MatMut::new(&mut out, 2, 2),
			false,
			Mat::new(&a, 3, 2).t(),
			Mat::new(&b, 3, 2),
			1.0,
			Threads::All,
		);
		assert_eq!(out, [12.0, 8.0, 16.0, 10.0]);
	}

	#[test]
	#[should_panic(expected = "leaves its slice")]
	fn view_should_be_refused_when_larger_than_its_slice() {
		Mat::new(&[0.0; 5], 2, 3);
	}
}
