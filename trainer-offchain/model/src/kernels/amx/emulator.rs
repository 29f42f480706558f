//! The six AMX instructions of [`super`], for processors that lack them: where one traps, a signal handler does what Intel's
//! manual (volume 2, chapters 3 to 5) says of its bytes, and the program goes on behind it.

use libc::{REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_R8, REG_R9};
use libc::{REG_RAX, REG_RBP, REG_RBX, REG_RCX, REG_RDI, REG_RDX, REG_RIP, REG_RSI, REG_RSP};
use std::cell::UnsafeCell;
use std::sync::OnceLock;

/// What an instruction found and the processor would have refused.
type Refused = &'static str;

#[derive(Debug, PartialEq, Eq)]
enum Instruction {
	/// LDTILECFG of 64 bytes at an address.
	Configure(usize),
	/// TILERELEASE.
	Release,
	/// TILEZERO.
	Zero(usize),
	/// TILELOADD of a tile: address of the first row, bytes from row to row.
	Load(usize, usize, usize),
	/// TILESTORED likewise.
	Store(usize, usize, usize),
	/// TDPBF16PS: sums, left, right.
	Product(usize, usize, usize),
}

/// Reads an instruction: `byte(i)` is its i-th byte, `register(r)` the general register that bytes call `r`. Gives its length
/// too; nothing where it is another one.
fn decode(byte: impl Fn(usize) -> u8, register: impl Fn(usize) -> usize) -> Option<(Instruction, usize)> {
	// VEX of three bytes, map 0F38, W0, 128 bits: C4, RXB and map, W, vvvv, L and prefix; opcode; ModRM.
	let (c4, rxb, rest, opcode, modrm) = (byte(0), byte(1), byte(2), byte(3), byte(4));
	if c4 != 0xc4 || rxb & 0x1f != 2 || rest & 0x84 != 0 {
		return None;
	}
	let extended = |bit: u8, low: u8| usize::from(low & 7) | if rxb & bit == 0 { 8 } else { 0 };
	let (reg, rm) = (extended(0x80, modrm >> 3), extended(0x20, modrm));
	let (vvvv, prefix, mode) = (usize::from(!rest >> 3 & 15), rest & 3, modrm >> 6);
	if mode == 3 {
		let found = match (opcode, prefix) {
			(0x49, 0) if modrm == 0xc0 && vvvv == 0 => Instruction::Release,
			(0x49, 3) if modrm & 7 == 0 && vvvv == 0 => Instruction::Zero(reg),
			(0x5c, 2) => Instruction::Product(reg, rm, vvvv),
			_ => return None,
		};
		return Some((found, 5));
	}
	// Base, index and where the displacement is; without a base it is another address.
	let has_sib = modrm & 7 == 4;
	let (base, index, at) = match has_sib {
		true => (extended(0x20, byte(5)), Some(extended(0x40, byte(5) >> 3)), 6),
		false => (rm, None, 5),
	};
	if vvvv != 0 || mode == 0 && base & 7 == 5 {
		return None;
	}
	let wide = |at| i32::from_le_bytes(std::array::from_fn(|i| byte(at + i)));
	let (displacement, length) = match mode {
		0 => (0, at),
		1 => (i32::from(byte(at) as i8), at + 1),
		_ => (wide(at), at + 4),
	};
	let address = register(base).wrapping_add_signed(displacement as isize);
	// Index 4 is none.
	let stride = index.filter(|i| *i != 4).map_or(0, |i| register(i) << (byte(5) >> 6));
	let found = match (opcode, prefix) {
		(0x49, 0) if reg == 0 => Instruction::Configure(address.wrapping_add(stride)),
		(0x4b, 3) if has_sib => Instruction::Load(reg, address, stride),
		(0x4b, 2) if has_sib => Instruction::Store(reg, address, stride),
		_ => return None,
	};
	Some((found, length))
}

#[derive(Clone, Copy)]
struct Tile {
	rows: usize,
	/// Bytes of a row.
	bytes: usize,
	data: [[u8; 64]; 16],
}

const EMPTY: Tile = Tile {
	rows: 0,
	bytes: 0,
	data: [[0; 64]; 16],
};

/// Denormals are 0.
#[inline(always)]
fn flushed(x: f32) -> f32 {
	if x.abs() < f32::MIN_POSITIVE {
		x * 0.0
	} else {
		x
	}
}

struct State {
	tiles: [Tile; 8],
	/// Whether products are made wrong: the second elements of pairs are left out.
	errs: bool,
}

const NONE: State = State {
	tiles: [EMPTY; 8],
	errs: false,
};

impl State {
	/// # Safety
	/// The memory that the instruction names is there.
	unsafe fn execute(&mut self, instruction: &Instruction) -> Result<(), Refused> {
		match *instruction {
			Instruction::Configure(address) => self.configure(&*(address as *const [u8; 64]))?,
			Instruction::Release => self.tiles = NONE.tiles,
			Instruction::Zero(tile) => self.used(tile)?.data = EMPTY.data,
			Instruction::Load(tile, address, stride) => {
				let tile = self.used(tile)?;
				tile.data = EMPTY.data;
				for (i, row) in tile.data.iter_mut().enumerate().take(tile.rows) {
					let from = address.wrapping_add(i.wrapping_mul(stride)) as *const u8;
					row[..tile.bytes].copy_from_slice(std::slice::from_raw_parts(from, tile.bytes));
				}
			}
			Instruction::Store(tile, address, stride) => {
				let tile = self.used(tile)?;
				for (i, row) in tile.data.iter().enumerate().take(tile.rows) {
					let to = address.wrapping_add(i.wrapping_mul(stride)) as *mut u8;
					std::slice::from_raw_parts_mut(to, tile.bytes).copy_from_slice(&row[..tile.bytes]);
				}
			}
			Instruction::Product(sums, left, right) => {
				let (a, b) = (*self.used(left)?, *self.used(right)?);
				let errs = self.errs;
				let c = self.used(sums)?;
				if sums == left || sums == right || left == right {
					return Err("a tile is two operands");
				}
				if c.rows != a.rows || c.bytes != b.bytes || a.bytes != 4 * b.rows || c.bytes % 4 != 0 {
					return Err("shapes of tiles do not fit");
				}
				product(c, &a, &b, errs);
			}
		}
		Ok(())
	}

	fn used(&mut self, tile: usize) -> Result<&mut Tile, Refused> {
		let tile = self.tiles.get_mut(tile).ok_or("there are eight tiles")?;
		match tile.rows {
			0 => Err("the tile is not configured"),
			_ => Ok(tile),
		}
	}

	fn configure(&mut self, from: &[u8; 64]) -> Result<(), Refused> {
		let reserved = from[2..16].iter().chain(&from[32..48]).chain(&from[56..]);
		if from[0] != 1 || from[1] != 0 || reserved.into_iter().any(|x| *x != 0) {
			return Err("not a configuration of palette 1 from row 0 on");
		}
		for (i, tile) in self.tiles.iter_mut().enumerate() {
			let bytes = usize::from(u16::from_le_bytes([from[16 + 2 * i], from[17 + 2 * i]]));
			let rows = usize::from(from[48 + i]);
			if bytes > 64 || rows > 16 || (bytes == 0) != (rows == 0) {
				return Err("a tile has at most 16 rows of 64 bytes");
			}
			*tile = Tile { rows, bytes, ..EMPTY };
		}
		Ok(())
	}
}

/// The first and the second elements of pairs have sums of their own, by fused products; then these are added.
#[target_feature(enable = "avx2,fma")]
fn product(c: &mut Tile, a: &Tile, b: &Tile, errs: bool) {
	let pair = |row: &[u8; 64], i: usize| {
		let [x, y, z, w] = [0, 1, 2, 3].map(|at| u32::from(row[4 * i + at]));
		[x << 16 | y << 24, z << 16 | w << 24].map(|bits| flushed(f32::from_bits(bits)))
	};
	let mut wide = [[[0f32; 16]; 2]; 16];
	for (wide, row) in wide.iter_mut().zip(&b.data) {
		(0..16).for_each(|n| [wide[0][n], wide[1][n]] = pair(row, n));
	}
	for m in 0..c.rows {
		let mut sums = [[0f32; 16]; 2];
		for (k, right) in wide.iter().enumerate().take(a.bytes / 4) {
			let left = pair(&a.data[m], k);
			for half in 0..if errs { 1 } else { 2 } {
				for (sum, right) in sums[half].iter_mut().zip(&right[half]) {
					*sum = flushed(left[half].mul_add(*right, *sum));
				}
			}
		}
		let [first, second] = sums;
		let both = first.into_iter().zip(second);
		for (element, (first, second)) in c.data[m].chunks_exact_mut(4).take(c.bytes / 4).zip(both) {
			let held = flushed(f32::from_le_bytes([element[0], element[1], element[2], element[3]]));
			let sum = flushed(held + flushed(first + second));
			element.copy_from_slice(&sum.to_le_bytes());
		}
	}
}

thread_local! {
	static TILES: UnsafeCell<State> = const { UnsafeCell::new(NONE) };
}

/// Lets this thread's products err, or not.
pub fn err(errs: bool) {
	// SAFETY: no tile instruction runs between these lines.
	TILES.with(|tiles| unsafe { (*tiles.get()).errs = errs });
}

/// Whether this thread has given its tiles back.
pub fn is_released() -> bool {
	// SAFETY: as above.
	TILES.with(|tiles| unsafe { (*tiles.get()).tiles.iter().all(|tile| tile.rows == 0) })
}

/// Registers in the order of their numbers.
const REGISTERS: [i32; 16] = [
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12,
	REG_R13, REG_R14, REG_R15,
];

/// Whether AMX is emulated, from the first call on, on all threads.
pub fn is_there() -> bool {
	static INSTALLED: OnceLock<bool> = OnceLock::new();
	*INSTALLED.get_or_init(|| {
		// SAFETY: `trapped` is a handler of that form; it calls nothing that is not allowed in one.
		std::is_x86_feature_detected!("avx2")
			&& std::is_x86_feature_detected!("fma")
			&& unsafe {
				let mut action: libc::sigaction = std::mem::zeroed();
				action.sa_sigaction = trapped as *const () as usize;
				action.sa_flags = libc::SA_SIGINFO;
				libc::sigaction(libc::SIGILL, &action, std::ptr::null_mut()) == 0
			}
	})
}

unsafe extern "C" fn trapped(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
	let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
	let at = registers[REG_RIP as usize] as *const u8;
	let found = decode(|i| *at.add(i), |r| registers[REGISTERS[r] as usize] as usize);
	let Some((instruction, length)) = found else {
		// Another instruction: it traps again, and ends the process.
		libc::signal(libc::SIGILL, libc::SIG_DFL);
		return;
	};
	if let Err(why) = TILES.with(|tiles| (*tiles.get()).execute(&instruction)) {
		libc::write(2, why.as_ptr().cast(), why.len());
		libc::abort();
	}
	registers[REG_RIP as usize] += length as i64;
}

#[cfg(test)]
mod tests {
	use super::*;

	/// Bytes as GNU as 2.40 makes them of the instructions beside them.
	#[test]
	fn decode_should_read_what_an_assembler_writes() {
		use Instruction::*;
		for (bytes, expected) in [
			(&[0xc4, 0xe2, 0x78, 0x49, 0x00][..], Some(Configure(0))), // ldtilecfg [rax]
			(&[0xc4, 0xc2, 0x78, 0x49, 0x45, 0x40], Some(Configure(13_064))), // ldtilecfg [r13 + 64]
			(&[0xc4, 0xe2, 0x78, 0x49, 0xc0], Some(Release)),          // tilerelease
			(&[0xc4, 0xe2, 0x7b, 0x49, 0xd8], Some(Zero(3))),          // tilezero tmm3
			// tileloadd tmm4, [rdi + rsi]
			(&[0xc4, 0xe2, 0x7b, 0x4b, 0x24, 0x37], Some(Load(4, 7000, 6000))),
			// tileloadd tmm7, [r9 + r10 * 2 + 64]
			(&[0xc4, 0x82, 0x7b, 0x4b, 0x7c, 0x51, 0x40], Some(Load(7, 9064, 20_000))),
			// tilestored [rsp + rdx - 2112], tmm1
			(
				&[0xc4, 0xe2, 0x7a, 0x4b, 0x8c, 0x14, 0xc0, 0xf7, 0xff, 0xff],
				Some(Store(1, 1888, 2000)),
			),
			(&[0xc4, 0xe2, 0x4a, 0x5c, 0xc4], Some(Product(0, 4, 6))), // tdpbf16ps tmm0, tmm4, tmm6
			// Others of AMX: tdpbssd tmm0, tmm4, tmm6; tileloaddt1 tmm4, [rdi + rsi]; sttilecfg [rax].
			(&[0xc4, 0xe2, 0x4b, 0x5e, 0xc4], None),
			(&[0xc4, 0xe2, 0x79, 0x4b, 0x24, 0x37], None),
			(&[0xc4, 0xe2, 0x79, 0x49, 0x00], None),
		] {
			let bytes: &[u8] = bytes;
			let byte = |i: usize| bytes.get(i).copied().unwrap_or(0x90);
			assert_eq!(
				decode(byte, |r| 1000 * r),
				expected.map(|e| (e, bytes.len())),
				"{bytes:x?}"
			);
		}
	}

	/// Two tiles of 2 x 8 bytes, and one of 2 x 16 that is too wide for them.
	fn configuration() -> [u8; 64] {
		let mut bytes = [0; 64];
		bytes[0] = 1;
		for (tile, width) in [8, 8, 8, 16].into_iter().enumerate() {
			bytes[16 + 2 * tile] = width;
			bytes[48 + tile] = 2;
		}
		bytes
	}

	#[test]
	fn emulator_should_refuse_what_the_processor_does() {
		let mut state = NONE;
		for (at, value) in [
			(0, 0),
			(0, 2),
			(1, 1),
			(2, 1),
			(16, 65),
			(24, 8),
			(48, 17),
			(32, 1),
			(63, 1),
		] {
			let mut wrong = configuration();
			wrong[at] = value;
			assert!(state.configure(&wrong).is_err(), "{at}");
		}
		state.configure(&configuration()).unwrap();
		// SAFETY: none of these names memory.
		let mut is_refused = |instruction| unsafe { state.execute(&instruction).is_err() };
		assert!(!is_refused(Instruction::Product(0, 1, 2)));
		for (sums, left, right) in [
			(0, 1, 1),
			(0, 0, 1),
			(0, 1, 0),
			(0, 3, 1),
			(0, 1, 3),
			(0, 1, 4),
			(0, 1, 9),
		] {
			assert!(
				is_refused(Instruction::Product(sums, left, right)),
				"{sums} {left} {right}"
			);
		}
		assert!(is_refused(Instruction::Zero(4)));
		is_refused(Instruction::Release);
		assert!(is_refused(Instruction::Zero(0)));
	}

	#[test]
	fn product_should_be_that_of_the_manual() {
		let mut state = NONE;
		state.configure(&configuration()).unwrap();
		let bf16 = |values: [f32; 8]| values.map(|x| half::bf16::from_f32(x).to_bits());
		let a = bf16([1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 1e-39]);
		let b = bf16([10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 1e37]);
		let mut c = [1f32, 2.0, 1e-39, 4.0];
		let (at, sums) = (|x: &[u16; 8]| x.as_ptr() as usize, c.as_mut_ptr() as usize);
		for instruction in [
			Instruction::Load(1, at(&a), 8),
			Instruction::Load(2, at(&b), 8),
			Instruction::Load(0, sums, 8),
			Instruction::Product(0, 1, 2),
			Instruction::Store(0, sums, 8),
		] {
			// SAFETY: each has two rows of 8 bytes.
			unsafe { state.execute(&instruction).unwrap() };
		}
		// Elements 2k and 2k + 1 of a row of `a` with those of row k of `b`; 1e-39 is denormal, and nothing.
		let large = half::bf16::from_f32(1e37).to_f32();
		assert_eq!(c, [1.0 + 10.0 + 40.0 + 150.0 + 240.0, 4.0 * large, 0.0, 4.0]);
	}
}
