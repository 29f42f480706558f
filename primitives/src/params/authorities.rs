use crate::{Balance, OPEN};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::Perbill;

/// What it takes to be an authority, and to cease to be one.
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
#[serde(default, deny_unknown_fields)]
pub struct AuthorityParams {
	/// Least bond of an account that is put on the list, plancks; above zero.
	pub min_bond: Balance,
	/// Least part of the bond that an equivocation costs, parts of a billion; above zero. With many authorities the
	/// fraction that consensus asks for a single offender is next to nothing.
	pub min_slash: Perbill,
}

impl Default for AuthorityParams {
	fn default() -> Self {
		Self {
			// Five times the stake that makes a validator of note: an authority can hurt everybody.
			min_bond: 50_000 * OPEN,
			min_slash: Perbill::from_percent(10),
		}
	}
}

impl AuthorityParams {
	/// Whether an authority has something to lose, and loses it.
	pub fn is_valid(&self) -> bool {
		self.min_bond > 0 && !self.min_slash.is_zero()
	}
}
