//! What our own calls weigh, measured by `scripts/weights.sh`. The files beside this one are its output.

#[cfg(not(feature = "runtime-benchmarks"))]
mod pallet_authorities;
#[cfg(not(feature = "runtime-benchmarks"))]
mod pallet_datanets;
#[cfg(not(feature = "runtime-benchmarks"))]
mod pallet_models;
#[cfg(not(feature = "runtime-benchmarks"))]
mod pallet_rewards;
#[cfg(not(feature = "runtime-benchmarks"))]
mod pallet_validation;

#[cfg(not(feature = "runtime-benchmarks"))]
mod measured {
	use super::*;
	use crate::Runtime;

	pub type Authorities = pallet_authorities::WeightInfo<Runtime>;
	pub type Datanets = pallet_datanets::WeightInfo<Runtime>;
	pub type Models = pallet_models::WeightInfo<Runtime>;
	pub type Rewards = pallet_rewards::WeightInfo<Runtime>;
	pub type Validation = pallet_validation::WeightInfo<Runtime>;
}

/// While calls are measured nobody asks what they weigh, and a new one is in no file yet.
#[cfg(feature = "runtime-benchmarks")]
mod measured {
	pub type Authorities = ();
	pub type Datanets = ();
	pub type Models = ();
	pub type Rewards = ();
	pub type Validation = ();
}

pub use measured::*;
