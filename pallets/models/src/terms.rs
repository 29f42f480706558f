use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use openledger_primitives::{params::ModelParams, training::MAX_DATASETS};
use scale_info::TypeInfo;

/// What an unfinished job was ordered under.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Terms {
	pub params: ModelParams,
	/// Roots of the dataset versions, in the order of the order. Kept from the request on: a Datanet that is closed later
	/// must not hold up the acceptance of what was trained on it.
	pub roots: BoundedVec<[u8; 32], ConstU32<MAX_DATASETS>>,
}
