//! Memory for packed operands, used again: clearing it anew takes as long as half the packing.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard};

/// Elements with what their last user left in them.
#[derive(Default)]
pub struct Room {
	all: Vec<u32>,
	len: usize,
}

/// What nobody uses, at most [`KEPT`] elements together: 32 MiB.
static FREE: Mutex<Vec<Vec<u32>>> = Mutex::new(Vec::new());
const KEPT: usize = 1 << 23;

fn free() -> MutexGuard<'static, Vec<Vec<u32>>> {
	FREE.lock().unwrap_or_else(|e| e.into_inner())
}

/// Gives back what nobody uses.
pub fn clear() {
	free().clear();
}

impl Room {
	/// `len` elements of any value.
	pub fn new(len: usize) -> Self {
		if len == 0 {
			return Self::default();
		}
		let mut free = free();
		// The smallest that is large enough, or else the largest, which grows.
		let best = (0..free.len()).min_by_key(|i| match free[*i].len() {
			held if held >= len => (false, held),
			held => (true, usize::MAX - held),
		});
		let mut all = best.map_or(Vec::new(), |i| free.swap_remove(i));
		drop(free);
		if all.len() < len {
			all = vec![0; len];
		}
		if cfg!(test) {
			// No test passes because it found zeros.
			all.fill(u32::MAX);
		}
		Self { all, len }
	}
}

impl Drop for Room {
	fn drop(&mut self) {
		if self.all.is_empty() {
			return;
		}
		let mut free = free();
		if free.iter().map(Vec::len).sum::<usize>() + self.all.len() <= KEPT {
			free.push(std::mem::take(&mut self.all));
		}
	}
}

impl Deref for Room {
	type Target = [u32];

	fn deref(&self) -> &[u32] {
		&self.all[..self.len]
	}
}

impl DerefMut for Room {
	fn deref_mut(&mut self) -> &mut [u32] {
		&mut self.all[..self.len]
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn room_should_have_its_length_whatever_is_used_again() {
		for len in [5, 100, 0, 7] {
			let (mut one, other) = (Room::new(len), Room::new(len));
			one.fill(len as u32);
			assert!(one.len() == len && other.len() == len);
			assert!(len == 0 || one.as_ptr() != other.as_ptr());
		}
	}
}
