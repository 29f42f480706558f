//! Which orders a worker's machine can train.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
	bits::bit_set,
	training::{Dtype, Method, TrainingSpec},
};

/// What a worker computes on.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Device {
	Cpu,
	Cuda,
	Metal,
}

bit_set! {
	/// A set of methods, one bit each in the order of [`Method::ALL`].
	MethodSet(u8) of Method
}

bit_set! {
	/// A set of dtypes, one bit each in the order of [`Dtype::ALL`].
	DtypeSet(u8) of Dtype
}

/// What a worker says its machine can do. Nobody checks it: who takes what it cannot train loses the job, and part of its
/// bond.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Capability {
	pub device: Device,
	/// Of the device, MiB.
	pub memory_mib: u32,
	pub methods: MethodSet,
	pub dtypes: DtypeSet,
}

impl Capability {
	/// Whether it names memory, a method and a dtype, and nothing unknown.
	pub fn is_valid(&self) -> bool {
		self.memory_mib > 0 && self.methods.is_valid() && self.dtypes.is_valid()
	}

	/// Whether the machine can train this order.
	pub fn fits(&self, spec: &TrainingSpec) -> bool {
		self.methods.contains(spec.method) && self.dtypes.contains(spec.dtype) && self.memory_mib >= spec.min_memory_mib
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::training::Parent;

	const CAPABILITY: Capability = Capability {
		device: Device::Cuda,
		memory_mib: 100,
		methods: MethodSet(0b101),
		dtypes: DtypeSet(0b01),
	};

	#[test]
	fn sets_hold_what_they_were_made_of() {
		assert_eq!(MethodSet::of(&[Method::Lora, Method::Full]), CAPABILITY.methods);
		assert_eq!(DtypeSet::of(&[Dtype::F32]), CAPABILITY.dtypes);
		assert!(!CAPABILITY.methods.contains(Method::Qlora) && !CAPABILITY.dtypes.contains(Dtype::Bf16));
		assert_eq!(CAPABILITY.encode(), [1, 100, 0, 0, 0, 5, 1]);
	}

	#[test]
	fn nothing_and_the_unknown_are_no_capability() {
		assert!(CAPABILITY.is_valid());
		for change in [
			(|c| c.memory_mib = 0) as fn(&mut Capability),
			|c| c.methods = MethodSet(0),
			|c| c.methods = MethodSet(16),
			|c| c.dtypes = DtypeSet(0),
			|c| c.dtypes = DtypeSet(4),
		] {
			let mut capability = CAPABILITY;
			change(&mut capability);
			assert!(!capability.is_valid(), "{capability:?}");
		}
	}

	#[test]
	fn an_order_fits_by_method_dtype_and_memory() {
		let fits = |method, dtype, min_memory_mib| {
			CAPABILITY.fits(&TrainingSpec {
				parent: Parent::Base(0),
				datasets: Default::default(),
				method,
				dtype,
				min_memory_mib,
				hyperparameters: Default::default(),
			})
		};
		assert!(fits(Method::Lora, Dtype::F32, 0) && fits(Method::Full, Dtype::F32, 100));
		assert!(!fits(Method::Qlora, Dtype::F32, 0));
		assert!(!fits(Method::Lora, Dtype::Bf16, 0));
		assert!(!fits(Method::Lora, Dtype::F32, 101));
	}
}
