//! Memory in huge pages: products walk weights and results row after row, and each row lies in another page of 4 KiB.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, which asks for huge pages where a block is large. Where the system has none, or gives them to all,
/// nothing changes.
pub struct HugePages;

/// Bytes from which a block is large: the rows of a step's activations.
const LARGE: usize = 1 << 20;

// SAFETY: every call is the system's; advice changes no contents.
unsafe impl GlobalAlloc for HugePages {
	unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
		advised(System.alloc(layout), layout.size())
	}

	unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
		advised(System.alloc_zeroed(layout), layout.size())
	}

	unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
		advised(System.realloc(block, layout, size), size)
	}

	unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
		System.dealloc(block, layout);
	}
}

#[cfg(target_os = "linux")]
fn advised(block: *mut u8, size: usize) -> *mut u8 {
	const PAGE: usize = 4096;
	if size >= LARGE && !block.is_null() {
		// The pages of both ends too, so that neighbours join.
		let before = block as usize % PAGE;
		let len = (before + size).next_multiple_of(PAGE);
		// SAFETY: pages of which the block has a part; advice changes no contents, and an error leaves them as they were.
		unsafe { libc::madvise(block.sub(before).cast(), len, libc::MADV_HUGEPAGE) };
	}
	block
}

#[cfg(not(target_os = "linux"))]
fn advised(block: *mut u8, _: usize) -> *mut u8 {
	block
}
