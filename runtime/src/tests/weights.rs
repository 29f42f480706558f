//! What calls weigh.

use super::*;
use codec::Decode;
use frame_support::{
	dispatch::GetDispatchInfo,
	traits::{GetCallMetadata, GetCallName},
};

/// Our pallets, with their sources.
const OWN: [(&str, &str); 5] = [
	("Authorities", include_str!("../../../pallets/authorities/src/lib.rs")),
	("Datanets", include_str!("../../../pallets/datanets/src/lib.rs")),
	("Validation", include_str!("../../../pallets/validation/src/lib.rs")),
	("Rewards", include_str!("../../../pallets/rewards/src/lib.rs")),
	("Models", include_str!("../../../pallets/models/src/lib.rs")),
];

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
	let pallets = OWN.map(|(name, _)| name);
	let calls = all_calls(&pallets);
	let named: usize = [
		pallet_authorities::Call::<Runtime>::get_call_names().len(),
		pallet_datanets::Call::<Runtime>::get_call_names().len(),
		pallet_validation::Call::<Runtime>::get_call_names().len(),
		pallet_rewards::Call::<Runtime>::get_call_names().len(),
		pallet_models::Call::<Runtime>::get_call_names().len(),
	]
	.iter()
	.sum();
	assert_eq!(calls.len(), named, "zeros are arguments of every call");
	let block = RuntimeBlockWeights::get().max_block;
	// A call reads or writes something at least.
	let least = <Runtime as frame_system::Config>::DbWeight::get().reads(1);
	for call in calls {
		let weight = call.get_dispatch_info().call_weight;
		assert!(weight.ref_time() > least.ref_time(), "{call:?} weighs {weight}");
		assert!(weight.all_lt(block), "{call:?} weighs {weight}");
	}
}

#[test]
fn every_own_call_should_take_its_weight_from_its_weight_info() {
	for (pallet, source) in OWN {
		let mut annotations = 0;
		for (at, _) in source.match_indices("#[pallet::weight(") {
			annotations += 1;
			let rest = &source[at..];
			let end = rest.find(")]").expect("an attribute ends");
			let weight = &rest[..end];
			assert!(weight.contains("T::WeightInfo::"), "{pallet}: {weight}");
		}
		let calls = source.matches("#[pallet::call_index(").count();
		assert_eq!(annotations, calls, "{pallet}: every call has a weight");
	}
}
