//! What was called, and what succeeded.

use std::{collections::BTreeMap, fmt};

/// Calls of one name.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Count {
	pub made: u64,
	pub succeeded: u64,
}

/// Byte strings that were offered.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Offered {
	pub offered: u64,
	/// That were an encoding of something.
	pub decoded: u64,
	/// That the runtime took, and that succeeded.
	pub succeeded: u64,
}

impl Offered {
	/// Counts one; `None`: it was no encoding.
	pub fn count(&mut self, outcome: Option<bool>) {
		self.offered += 1;
		self.decoded += u64::from(outcome.is_some());
		self.succeeded += u64::from(outcome == Some(true));
	}

	fn add(&mut self, other: Self) {
		self.offered += other.offered;
		self.decoded += other.decoded;
		self.succeeded += other.succeeded;
	}
}

/// What became of one chain, or of many.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Stats {
	pub blocks: u64,
	/// By `Pallet.call`; calls within a batch under their own names.
	pub calls: BTreeMap<String, Count>,
	/// Bytes in place of extrinsics.
	pub bytes: Offered,
	/// Calls whose bytes were changed before they were signed.
	pub mutated_calls: Offered,
}

impl Stats {
	pub fn count(&mut self, name: &str, is_ok: bool) {
		let count = self.calls.entry(name.into()).or_default();
		count.made += 1;
		count.succeeded += u64::from(is_ok);
	}

	pub fn made(&self) -> u64 {
		self.calls.values().map(|count| count.made).sum()
	}

	pub fn succeeded(&self) -> u64 {
		self.calls.values().map(|count| count.succeeded).sum()
	}

	/// How often a call succeeded.
	pub fn successes(&self, name: &str) -> u64 {
		self.calls.get(name).map_or(0, |count| count.succeeded)
	}

	pub fn add(&mut self, other: Self) {
		self.blocks += other.blocks;
		self.bytes.add(other.bytes);
		self.mutated_calls.add(other.mutated_calls);
		for (name, count) in other.calls {
			let sum = self.calls.entry(name).or_default();
			sum.made += count.made;
			sum.succeeded += count.succeeded;
		}
	}
}

impl fmt::Display for Stats {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		for (name, count) in &self.calls {
			writeln!(f, "{name:<44} {:>8} made {:>8} succeeded", count.made, count.succeeded)?;
		}
		for (name, offered) in [
			("bytes as extrinsics", self.bytes),
			("calls with bytes changed", self.mutated_calls),
		] {
			writeln!(
				f,
				"{name:<44} {:>8} made {:>8} decoded {:>8} succeeded",
				offered.offered, offered.decoded, offered.succeeded
			)?;
		}
		write!(
			f,
			"{} calls in {} blocks, {} succeeded",
			self.made(),
			self.blocks,
			self.succeeded()
		)
	}
}
