//! Runs benchmarks in the runtime and fits a line through what they took.

use std::{borrow::Cow, fmt};

use anyhow::{anyhow, Context, Result};
use codec::{Decode, Encode};
use frame_benchmarking::{
	Analysis, BenchmarkBatch, BenchmarkConfig, BenchmarkList, BenchmarkMetadata, BenchmarkParameter, BenchmarkResult,
	BenchmarkSelector,
};
use sc_chain_spec::GenesisConfigBuilderRuntimeCaller;
use sc_client_db::BenchmarkingState;
use sc_executor::WasmExecutor;
use sp_core::traits::{CallContext, RuntimeCode, WrappedRuntimeCode};
use sp_externalities::Extensions;
use sp_runtime::traits::BlakeTwo256;
use sp_state_machine::{OverlayedChanges, StateMachine};
use sp_storage::Storage;

type HostFunctions = (
	sp_io::SubstrateHostFunctions,
	frame_benchmarking::benchmarking::HostFunctions,
);

/// The preset whose genesis the benchmarks run on.
const PRESET: &str = "dev";

/// A runtime that can be measured.
pub struct Bench<'a> {
	code: &'a [u8],
	executor: WasmExecutor<HostFunctions>,
	genesis: Storage,
}

/// A base and what each unit of each component adds.
#[derive(Clone)]
pub struct Line {
	pub base: u128,
	pub slopes: Vec<u128>,
}

/// What one benchmark costs.
pub struct Cost {
	pub name: String,
	/// Names and ranges of its components.
	pub components: Vec<(String, u32, u32)>,
	/// Picoseconds.
	pub time: Line,
	pub reads: Line,
	pub writes: Line,
	/// Bytes.
	pub proof: Line,
	/// How often it was run.
	pub samples: usize,
}

impl<'a> Bench<'a> {
	pub fn new(code: &'a [u8]) -> Result<Self> {
		let genesis = GenesisConfigBuilderRuntimeCaller::<HostFunctions>::new(code)
			.get_storage_for_named_preset(Some(&PRESET.to_string()))
			.map_err(|error| anyhow!("the preset {PRESET}: {error}"))?;
		Ok(Self {
			code,
			executor: WasmExecutor::builder().build(),
			genesis,
		})
	}

	/// The benchmarks that the runtime has.
	pub fn list(&self) -> Result<Vec<BenchmarkList>> {
		type Metadata = (Vec<BenchmarkList>, Vec<frame_support::traits::StorageInfo>);
		let (lists, _) = self
			.call::<Metadata>("Benchmark_benchmark_metadata", &false.encode(), false)
			.context("was the runtime built with `runtime-benchmarks`?")?;
		Ok(lists)
	}

	/// Runs one benchmark over the range of each of its components, the others at their greatest.
	pub fn measure(
		&self,
		list: &BenchmarkList,
		benchmark: &BenchmarkMetadata,
		steps: u32,
		repeat: u32,
	) -> Result<Cost> {
		let name = String::from_utf8_lossy(&benchmark.name).into_owned();
		let greatest: Vec<_> = benchmark
			.components
			.iter()
			.map(|&(component, _, high)| (component, high))
			.collect();
		let mut points = vec![greatest.clone()];
		for (at, &(component, low, high)) in benchmark.components.iter().enumerate() {
			for value in values(low, high, steps) {
				let mut point = greatest.clone();
				point[at] = (component, value);
				points.push(point);
			}
		}
		let (mut timed, mut tracked) = (Vec::new(), Vec::new());
		for point in points {
			// Counting what is read and written slows a call down, so that it is timed in a run of its own.
			timed.extend(self.run(list, benchmark, &point, repeat, false)?);
			tracked.extend(self.run(list, benchmark, &point, 1, true)?);
		}
		let fit = |results: &Vec<BenchmarkResult>, what| -> Result<Line> {
			let fitted = Analysis::min_squares_iqr(results, what).with_context(|| name.clone())?;
			Ok(Line {
				base: fitted.base,
				slopes: fitted.slopes,
			})
		};
		Ok(Cost {
			components: benchmark
				.components
				.iter()
				.map(|(component, low, high)| (component.to_string(), *low, *high))
				.collect(),
			time: fit(&timed, BenchmarkSelector::ExtrinsicTime)?,
			reads: fit(&tracked, BenchmarkSelector::Reads)?,
			writes: fit(&tracked, BenchmarkSelector::Writes)?,
			proof: fit(&tracked, BenchmarkSelector::ProofSize)?,
			samples: timed.len(),
			name,
		})
	}

	fn run(
		&self,
		list: &BenchmarkList,
		benchmark: &BenchmarkMetadata,
		point: &[(BenchmarkParameter, u32)],
		repeat: u32,
		track: bool,
	) -> Result<Vec<BenchmarkResult>> {
		let config = BenchmarkConfig {
			pallet: list.pallet.clone(),
			instance: list.instance.clone(),
			benchmark: benchmark.name.clone(),
			selected_components: point.to_vec(),
			// Checked once, where time does not count.
			verify: track,
			internal_repeats: repeat,
		};
		let batches = self
			.call::<Result<Vec<BenchmarkBatch>, String>>("Benchmark_dispatch_benchmark", &config.encode(), track)
			.and_then(|result| result.map_err(|error| anyhow!(error)))
			.with_context(|| String::from_utf8_lossy(&benchmark.name).into_owned())?;
		Ok(batches.into_iter().flat_map(|batch| batch.results).collect())
	}

	/// Calls the runtime over a fresh database with the genesis state.
	fn call<R: Decode>(&self, method: &str, input: &[u8], track: bool) -> Result<R> {
		let state = BenchmarkingState::<BlakeTwo256>::new(self.genesis.clone(), None, track, track)
			.map_err(|error| anyhow!(error))?;
		let fetcher = WrappedRuntimeCode(Cow::Borrowed(self.code));
		let code = RuntimeCode {
			code_fetcher: &fetcher,
			heap_pages: None,
			hash: sp_crypto_hashing::blake2_256(self.code).to_vec(),
		};
		let mut overlay = OverlayedChanges::default();
		let mut extensions = Extensions::new();
		let output = StateMachine::new(
			&state,
			&mut overlay,
			&self.executor,
			method,
			input,
			&mut extensions,
			&code,
			CallContext::Offchain,
		)
		.execute()
		.map_err(|error| anyhow!("{method}: {error}"))?;
		R::decode(&mut &output[..]).with_context(|| format!("{method} answers in another encoding"))
	}
}

/// Up to `steps` values from `low` to `high`, both included.
fn values(low: u32, high: u32, steps: u32) -> Vec<u32> {
	let span = u64::from(high.saturating_sub(low));
	let steps = u64::from(steps.max(2)).min(span + 1);
	let mut values: Vec<u32> = (0..steps)
		.map(|step| low + (span * step / (steps - 1).max(1)) as u32)
		.collect();
	values.dedup();
	values
}

impl fmt::Display for Cost {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		write!(
			f,
			"{}: {:.1} µs, {} reads, {} writes",
			self.name,
			self.time.base as f64 / 1e6,
			self.reads.base,
			self.writes.base
		)
	}
}

#[cfg(test)]
mod tests {
	use super::values;

	#[test]
	fn values_should_run_from_the_least_to_the_greatest() {
		assert_eq!(values(3, 3, 8), [3]);
		assert_eq!(values(0, 1, 8), [0, 1]);
		assert_eq!(values(1, 256, 4), [1, 86, 171, 256]);
	}
}
