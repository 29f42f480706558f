//! What calls weigh.

use super::*;
use codec::Decode;
use frame_support::{
	dispatch::GetDispatchInfo,
	traits::{GetCallMetadata, GetCallName},
};
use std::{fs, path::Path};

/// Our pallets: name in the runtime, and of the folder.
const OWN: [(&str, &str); 5] = [
	("Authorities", "authorities"),
	("Datanets", "datanets"),
	("Validation", "validation"),
	("Rewards", "rewards"),
	("Models", "models"),
];

/// Calls that do what another one does, whose weight is theirs too.
const SHARED: [(&str, &str, &str); 1] = [("rewards", "claim_for", "claim")];

fn read(path: impl AsRef<Path>) -> String {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
	fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The file of a pallet that declares its calls: a section of its own where there is one.
fn declared(pallet: &str) -> String {
	let [calls, lib] = ["calls", "lib"].map(|name| format!("../pallets/{pallet}/src/{name}.rs"));
	let is_own = Path::new(env!("CARGO_MANIFEST_DIR")).join(&calls).exists();
	read(if is_own { calls } else { lib })
}

/// `runtime/src/weights/pallet_<pallet>.rs`.
fn measured(pallet: &str) -> String {
	read(format!("src/weights/pallet_{pallet}.rs"))
}

/// Names of a pallet's calls, as its metadata has them.
fn names_of(pallet: &str) -> &'static [&'static str] {
	match pallet {
		"authorities" => pallet_authorities::Call::<Runtime>::get_call_names(),
		"datanets" => pallet_datanets::Call::<Runtime>::get_call_names(),
		"validation" => pallet_validation::Call::<Runtime>::get_call_names(),
		"rewards" => pallet_rewards::Call::<Runtime>::get_call_names(),
		"models" => pallet_models::Call::<Runtime>::get_call_names(),
		_ => panic!("{pallet} is not ours"),
	}
}

/// Every call of the named pallets, with arguments that are all zeros: accounts, numbers, empty lists, first variants.
pub fn all_calls(pallets: &[&str]) -> Vec<RuntimeCall> {
	let mut calls = Vec::new();
	for index in 0..=u8::MAX {
		for call_index in 0..=u8::MAX {
			let mut bytes = vec![index, call_index];
			bytes.resize(4_096, 0);
			let Ok(call) = RuntimeCall::decode(&mut &bytes[..]) else {
				continue;
			};
			if pallets.contains(&call.get_call_metadata().pallet_name) {
				calls.push(call);
			}
		}
	}
	calls
}

#[test]
fn every_own_call_should_weigh_something_and_fit_a_block() {
	let calls = all_calls(&OWN.map(|(name, _)| name));
	let named: usize = OWN.iter().map(|(_, pallet)| names_of(pallet).len()).sum();
	assert_eq!(calls.len(), named, "zeros are arguments of every call");
	let block = RuntimeBlockWeights::get().max_block;
	// A call writes something at least.
	let least = <Runtime as frame_system::Config>::DbWeight::get().writes(1);
	for call in calls {
		let weight = call.get_dispatch_info().call_weight;
		assert!(weight.ref_time() > least.ref_time(), "{call:?} weighs {weight}");
		assert!(weight.all_lt(block), "{call:?} weighs {weight}");
	}
}

#[test]
fn every_own_call_should_take_its_weight_from_its_own_measurement() {
	for (_, pallet) in OWN {
		let (source, measured) = (declared(pallet), measured(pallet));
		let mut calls = 0;
		for name in names_of(pallet) {
			let shared = SHARED.iter().find(|(of, call, _)| of == &pallet && call == name);
			let function = shared.map_or(*name, |(_, _, other)| other);
			let call = format!("pub fn {name}(");
			let (before, _) = source.split_once(&call).expect("a call is a function of the pallet");
			let weight = before.rsplit("#[pallet::weight(").next().expect("a call has a weight");
			assert!(
				weight.starts_with(&format!("T::WeightInfo::{function}(")) && !weight.contains("#[pallet::call_index"),
				"{pallet}: {name} weighs {weight}"
			);
			assert!(
				measured.contains(&format!("\tfn {function}(")),
				"{pallet}: {function} is not measured: scripts/weights.sh pallet_{pallet}"
			);
			calls += 1;
		}
		assert_eq!(calls, source.matches("#[pallet::call_index(").count(), "{pallet}");
	}
}

#[test]
fn what_is_measured_should_be_all_of_a_pallet_s_weights_and_benchmarks() {
	for (_, pallet) in OWN {
		let asked = functions(&read(format!("../pallets/{pallet}/src/weights.rs")), ") -> Weight;");
		let benchmarks = read(format!("../pallets/{pallet}/src/benchmarking.rs"));
		for function in &asked {
			assert!(
				benchmarks.contains(&format!("\tfn {function}(")),
				"{pallet}: {function} has no benchmark"
			);
		}
		assert_eq!(benchmarks.matches("#[benchmark]").count(), asked.len(), "{pallet}");
		let measured = measured(pallet);
		assert_eq!(functions(&measured, ") -> Weight {"), asked, "{pallet}");
		assert_eq!(
			measured.matches("\t\t// ").count(),
			asked.len(),
			"{pallet}: says how often it was run"
		);
	}
}

/// Names of the functions whose line ends so, sorted.
fn functions(source: &str, end: &str) -> Vec<String> {
	let lines = source.lines().map(str::trim);
	let mut names: Vec<_> = lines
		.filter(|line| line.starts_with("fn ") && line.ends_with(end))
		.filter_map(|line| line.strip_prefix("fn ")?.split('(').next())
		.map(String::from)
		.collect();
	names.sort();
	names
}

/// A guess must not come back: weights are numbers in the measured files only.
#[test]
fn no_own_pallet_should_make_up_a_weight() {
	for (_, pallet) in OWN {
		let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../pallets/{pallet}/src"));
		let mut files = 0;
		for entry in fs::read_dir(&folder).expect("a pallet has sources") {
			let path = entry.expect("a folder can be listed").path();
			if path.extension().is_none_or(|extension| extension != "rs") {
				continue;
			}
			let source = fs::read_to_string(&path).expect("a source is text");
			for made_up in ["Weight::from_parts", "DbWeight", "Weight::from_all", "reads_writes"] {
				assert!(!source.contains(made_up), "{}: {made_up}", path.display());
			}
			files += 1;
		}
		assert!(files > 3, "{pallet}: {files} files");
	}
}
