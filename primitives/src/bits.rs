//! Sets of the values of a small enum, a bit each.

/// Declares a set type over an enum with `ALL`, whose bits are in that order.
macro_rules! bit_set {
	($(#[$doc:meta])* $set:ident($bits:ty) of $value:ty) => {
		$(#[$doc])*
		#[derive(
			Clone,
			Copy,
			PartialEq,
			Eq,
			Default,
			Debug,
			codec::Encode,
			codec::Decode,
			codec::DecodeWithMemTracking,
			codec::MaxEncodedLen,
			scale_info::TypeInfo,
			serde::Serialize,
			serde::Deserialize,
		)]
		pub struct $set(pub $bits);

		impl $set {
			pub fn of(values: &[$value]) -> Self {
				Self(values.iter().fold(0, |bits, value| bits | 1 << *value as $bits))
			}

			pub fn contains(self, value: $value) -> bool {
				self.0 & (1 << value as $bits) != 0
			}

			/// Whether the set names at least one value and no unknown bit.
			pub fn is_valid(self) -> bool {
				self.0 != 0 && self.0 < 1 << <$value>::ALL.len()
			}
		}
	};
}

pub(crate) use bit_set;
