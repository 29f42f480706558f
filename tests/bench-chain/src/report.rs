//! What was measured, as a table for people and one line of JSON for scripts.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::{json, Map, Value};

use crate::{accesses::Accesses, phases::Measured, state::Size};

/// Every call runs at least at this part of transfer's rate.
const LEAST_RATIO: f64 = 0.25;
/// What a million items may change.
const MOST_GROWTH: f64 = 1.2;
/// Bytes of keys and values for each accepted item.
const MOST_BYTES: f64 = 700.;

/// One state, and what was measured on it.
pub struct Run {
	pub size: Size,
	pub keys: usize,
	/// Bytes of keys and values by map.
	pub bytes: BTreeMap<String, u64>,
	pub measured: Vec<Measured>,
}

impl Run {
	fn of(&self, call: &str) -> Option<&Measured> {
		self.measured.iter().find(|measured| measured.call == call)
	}

	/// A call's rate over transfer's.
	fn ratio(&self, call: &str) -> f64 {
		let rate = |call| self.of(call).map_or(f64::NAN, Measured::rate);
		rate(call) / rate("transfer")
	}
}

pub struct Report {
	pub accesses: Vec<Accesses>,
	pub small: Run,
	pub large: Run,
}

impl Report {
	/// Bytes for each further accepted item, by map; what does not grow with items is left out.
	fn bytes(&self) -> Vec<(&str, f64)> {
		let items = f64::from(self.large.size.items - self.small.size.items);
		let grown = self.large.bytes.iter().map(|(map, bytes)| {
			let before = self.small.bytes.get(map).copied().unwrap_or_default();
			(map.as_str(), (*bytes as f64 - before as f64) / items)
		});
		grown.filter(|(_, bytes)| *bytes >= 0.05).collect()
	}

	fn bytes_per_item(&self) -> f64 {
		self.bytes().iter().map(|(_, bytes)| bytes).sum()
	}

	/// Mean over the calls of what the large state multiplies a figure by.
	fn growth(&self, of: impl Fn(&Measured) -> f64) -> f64 {
		let ratios: Vec<f64> = self
			.small
			.measured
			.iter()
			.filter_map(|small| Some(of(self.large.of(small.call)?) / of(small)))
			.collect();
		ratios.iter().sum::<f64>() / ratios.len() as f64
	}

	/// Microseconds of an extrinsic.
	fn call_time_growth(&self) -> f64 {
		self.growth(Measured::call_micros)
	}

	/// Milliseconds of a full block.
	fn block_time_growth(&self) -> f64 {
		self.growth(Measured::block_millis)
	}

	/// The lower of both states: what holds for either.
	fn ratio(&self, call: &str) -> f64 {
		self.small.ratio(call).min(self.large.ratio(call))
	}

	pub fn table(&self) -> String {
		let mut table = String::new();
		let mut line = |text: String| {
			let _ = writeln!(table, "{text}");
		};
		for run in [&self.small, &self.large] {
			line(format!(
				"{} items, {} contributors, {} keys",
				run.size.items, run.size.contributors, run.keys
			));
			line("call       in a block   /s   of transfer   block ms   us each".into());
			for measured in &run.measured {
				line(format!(
					"{:<9}  {:>10.0}  {:>4.0}  {:>10.2}  {:>10.0}  {:>8.0}",
					measured.call,
					measured.rate() * 6.,
					measured.rate(),
					run.ratio(measured.call),
					measured.block_millis(),
					measured.call_micros(),
				));
			}
			line(String::new());
		}
		line("keys that a whole signed extrinsic reads, and writes".into());
		for Accesses { call, reads, writes } in &self.accesses {
			line(format!("{call:<9}  {:>2} reads   {}", reads.len(), reads.join(" ")));
			line(format!("{:<9}  {:>2} writes  {}", "", writes.len(), writes.join(" ")));
		}
		line("\nbytes for each accepted item, keys and values".into());
		for (map, bytes) in self.bytes() {
			line(format!("{map:<32}  {bytes:>7.1}"));
		}
		line(format!("{:<32}  {:>7.1}", "together", self.bytes_per_item()));
		table
	}

	pub fn json(&self) -> Value {
		let mut values = Map::new();
		for call in ["submit", "commit", "reveal", "claim"] {
			values.insert(format!("ratio_{call}"), json!(round(self.ratio(call))));
		}
		values.insert("call_time_growth".into(), json!(round(self.call_time_growth())));
		values.insert("block_time_growth".into(), json!(round(self.block_time_growth())));
		values.insert("bytes_per_item".into(), json!(round(self.bytes_per_item())));
		values.into()
	}

	/// Which targets are missed.
	pub fn missed(&self) -> Vec<String> {
		let mut missed = vec![];
		for call in ["submit", "commit", "reveal", "claim"] {
			let ratio = self.ratio(call);
			if ratio < LEAST_RATIO {
				missed.push(format!("{call} runs at {ratio:.2} of transfer's rate"));
			}
		}
		for (what, growth) in [
			("a call", self.call_time_growth()),
			("a block", self.block_time_growth()),
		] {
			if growth > MOST_GROWTH {
				missed.push(format!("{what} takes {growth:.2} of its time"));
			}
		}
		if self.bytes_per_item() > MOST_BYTES {
			missed.push(format!("an item takes {:.0} bytes", self.bytes_per_item()));
		}
		missed
	}
}

fn round(value: f64) -> f64 {
	(value * 1e3).round() / 1e3
}
