//! Fuzzes the native runtime: random calls of every pallet, signed and in blocks, and random bytes in place of extrinsics.
//!
//! A chain begins at the development genesis and is made of one seed: the same seed makes the same calls. After every block
//! each of our pallets' invariants is checked, and that the total issuance has not moved; nothing may ever panic.
//!
//! - [`chain`]: the runtime on a state in memory, block by block
//! - [`random`]: values of any type, from its description: a call that is named nowhere is called too
//! - [`world`]: who signs, which calls there are, how one is drawn that would succeed
//! - `known`: what makes calls succeed: recent ids, usual amounts, commitments to reveal. A new call needs a line in one of
//!   its tables, if any
//! - [`stats`]: what was called, and what succeeded

pub mod chain;
mod known;
pub mod random;
pub mod stats;
pub mod world;

use std::{
	any::Any,
	cell::RefCell,
	panic::{catch_unwind, AssertUnwindSafe},
};

use codec::{DecodeAll, Encode};
use frame_support::storage::{with_transaction, TransactionOutcome};
use openledger_runtime::{Executive, RuntimeCall, RuntimeOrigin, System, UncheckedExtrinsic};
use rand::Rng;
use sp_io::hashing::blake2_256;
use sp_runtime::{
	traits::{Dispatchable, ExtrinsicLike},
	transaction_validity::TransactionSource,
	DispatchError,
};

use chain::Head;
use stats::Stats;
use world::{batch, call_of, World};

/// Calls of a chain, after which another begins: long enough for items to be accepted, claimed and trained on, short enough
/// that a failure is found again in seconds.
pub const CALLS: u64 = 3_000;

/// Seeds that are multiples of this make a chain on which root calls too, with parameters changed at random.
pub const ROOT_EVERY: u64 = 4;

/// What went wrong on a chain.
#[derive(Debug)]
pub struct Failure {
	pub seed: u64,
	pub block: u32,
	/// What was being done.
	pub doing: String,
	pub error: String,
}

impl std::fmt::Display for Failure {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		let Self {
			seed,
			block,
			doing,
			error,
		} = self;
		write!(f, "seed {seed}, block {block}, {doing}: {error}")
	}
}

/// Makes the chain of a seed, with so many calls at least.
pub fn run(seed: u64, calls: u64) -> Result<Stats, Failure> {
	// Where it is, known outside when it panics.
	let at = RefCell::new((0, String::from("genesis")));
	let fail = |error: String| {
		let (block, doing) = at.borrow().clone();
		Failure {
			seed,
			block,
			doing,
			error,
		}
	};
	catch_unwind(AssertUnwindSafe(|| drive(seed, calls, &at)))
		.unwrap_or_else(|panic| Err(format!("panicked: {}", message(&*panic))))
		.map_err(fail)
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
	let text = panic.downcast_ref::<String>().map(String::as_str);
	text.or(panic.downcast_ref::<&str>().copied())
		.unwrap_or("without a message")
		.into()
}

fn drive(seed: u64, calls: u64, at: &RefCell<(u32, String)>) -> Result<Stats, String> {
	let mut chain = chain::genesis();
	// Ballots are bound to the genesis hash.
	let mut head = Head::genesis(blake2_256(&seed.to_le_bytes()).into());
	let mut fuzz = Fuzz {
		world: World::new(seed),
		stats: Stats::default(),
		has_root: seed.is_multiple_of(ROOT_EVERY),
		at,
	};
	while fuzz.stats.made() < calls {
		chain.execute_with(|| fuzz.block(&mut head))?;
		// What is written goes from the overlay to the trie, or every block would be slower than the one before.
		chain.commit_all()?;
	}
	fuzz.stats.blocks = head.number.into();
	Ok(fuzz.stats)
}

struct Fuzz<'a> {
	world: World,
	stats: Stats,
	/// Whether root calls too.
	has_root: bool,
	at: &'a RefCell<(u32, String)>,
}

impl Fuzz<'_> {
	fn doing(&self, what: impl Into<String>) {
		self.at.borrow_mut().1 = what.into();
	}

	/// One block of random calls, and all checks after it.
	fn block(&mut self, head: &mut Head) -> Result<(), String> {
		self.at.borrow_mut().0 = head.number + 1;
		self.doing("opening the block");
		let slots = match self.world.below(400) {
			// Days, and so sessions and holds, pass.
			0 => 86_400 * (1 + self.world.below(40) as u64),
			1..=4 => 1 + self.world.below(60) as u64,
			_ => 1,
		};
		chain::open_block(head, slots);
		for _ in 0..self.world.below(40) {
			match self.world.below(24) {
				0 => self.garbage(),
				1 => self.mutated_extrinsic(),
				2 => self.mutated_call(),
				3 if self.has_root => self.root_call(),
				4 | 5 => self.batch(),
				_ => self.call(),
			}
		}
		self.doing("closing the block");
		chain::close_block(head);
		self.doing("checking the state after the block");
		chain::check()
	}

	/// A signed call.
	fn call(&mut self) {
		self.doing("planning a call");
		let Some(planned) = self.world.plan(None) else {
			return;
		};
		let is_ok = self.apply(planned.signer, planned.call.clone());
		self.stats.count(&planned.name, is_ok);
		if is_ok {
			self.world.succeeded(&planned);
		}
	}

	/// Some calls of one signer in one extrinsic.
	fn batch(&mut self) {
		self.doing("planning a batch");
		let signer = self.world.below(self.world.signers.len());
		let calls: Vec<_> = (0..1 + self.world.below(5))
			.filter_map(|_| self.world.plan(Some(signer)))
			// A vote is revealed by who committed to it. What is a batch itself makes events that look like this one's.
			.filter(|planned| planned.signer == signer && !planned.name.starts_with("Utility."))
			.collect();
		let first = System::event_count();
		self.apply(signer, batch(&calls));
		let outcome = chain::batch_outcome(first);
		for (index, planned) in calls.iter().enumerate() {
			let is_ok = outcome.len() == calls.len() && outcome[index];
			self.stats.count(&planned.name, is_ok);
			if is_ok {
				self.world.succeeded(planned);
			}
		}
	}

	/// A call as root, without an extrinsic around it, as a scheduled or decided one is made.
	fn root_call(&mut self) {
		self.doing("planning a root call");
		let Some(planned) = self.world.plan_as_root() else {
			return;
		};
		self.doing(format!("as root {:?}", planned.call));
		let is_ok = planned.call.dispatch(RuntimeOrigin::root()).is_ok();
		self.stats.count(&format!("{} (root)", planned.name), is_ok);
	}

	/// Signs a call and applies it to the block; whether it succeeded.
	fn apply(&mut self, signer: usize, call: RuntimeCall) -> bool {
		self.doing(format!("as signer {signer} {call:?}"));
		let extrinsic = self.world.signers[signer].sign(call);
		chain::apply(extrinsic).is_ok_and(|outcome| outcome.is_ok())
	}

	/// Bytes that are no extrinsic, as far as anybody knows.
	fn garbage(&mut self) {
		let length = self.world.below(300);
		let bytes = (0..length).map(|_| self.world.rng.random()).collect();
		self.offer(bytes);
	}

	/// A signed extrinsic with some of its bytes changed.
	fn mutated_extrinsic(&mut self) {
		let Some(planned) = self.world.plan(None) else {
			return;
		};
		// No signature is right for bytes that have changed; this one is the same in every run of a seed.
		let signature = self.world.rng.random::<[u8; 64]>().into();
		let mut bytes = self.world.signers[planned.signer]
			.with_signature(planned.call, signature)
			.encode();
		self.mutate(&mut bytes);
		self.offer(bytes);
	}

	/// A call with some of its bytes changed before it is signed.
	fn mutated_call(&mut self) {
		let Some(planned) = self.world.plan(None) else {
			return;
		};
		let mut bytes = planned.call.encode();
		self.mutate(&mut bytes);
		let is_ok = call_of(&bytes).map(|call| self.apply(planned.signer, call));
		self.stats.mutated_calls.count(is_ok);
	}

	/// Flips, sets, removes, doubles or appends.
	fn mutate(&mut self, bytes: &mut Vec<u8>) {
		for _ in 0..1 + self.world.below(3) {
			let at = self.world.below(bytes.len().max(1));
			let byte = self.world.rng.random();
			match self.world.below(6) {
				0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << self.world.below(8),
				2 if !bytes.is_empty() => bytes[at] = byte,
				3 => bytes.truncate(at),
				4 => bytes.insert(at.min(bytes.len()), byte),
				_ => bytes.extend_from_within(at.min(bytes.len())..),
			}
		}
	}

	/// Offers bytes to the pool and to the block.
	fn offer(&mut self, bytes: Vec<u8>) {
		self.doing(format!("bytes {bytes:02x?}"));
		let Ok(extrinsic) = UncheckedExtrinsic::decode_all(&mut &bytes[..]) else {
			self.stats.bytes.count(None);
			return;
		};
		// Asking changes the state that it is asked at, and is not committed on a node either.
		let parent = Default::default();
		let source = TransactionSource::External;
		let validity = with_transaction(|| {
			let validity = Executive::validate_transaction(source, extrinsic.clone(), parent);
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(validity))
		})
		.expect("transactions nest less deep than allowed");
		// An author who puts a wrong inherent into a block has made no block: that may panic. Nobody else can.
		let is_ok = if !extrinsic.is_bare() || validity.is_ok() {
			chain::apply(extrinsic).is_ok_and(|outcome| outcome.is_ok())
		} else {
			false
		};
		self.stats.bytes.count(Some(is_ok));
	}
}

#[cfg(test)]
mod tests;
