//! How much an account may contribute in a UTC day.
//!
//! A window is reset lazily: it stores the day it was last used, and a later day reads as unused. There is
//! nothing to sweep at midnight.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Milliseconds in a UTC day. Leap seconds do not exist in Unix time.
pub const DAY_MILLIS: u64 = 86_400_000;

/// Days since the Unix epoch, UTC.
pub fn day_of(unix_millis: u64) -> u32 {
	(unix_millis / DAY_MILLIS) as u32
}

/// The Unix time in milliseconds at which a quota used at `unix_millis` is whole again.
pub fn resets_at(unix_millis: u64) -> u64 {
	(unix_millis / DAY_MILLIS + 1) * DAY_MILLIS
}

/// What may be contributed: sizes in bytes, a day being a UTC day.
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
pub struct Limits {
	/// One file.
	pub file_bytes: u32,
	/// All files of one account in a day.
	pub account_bytes: u32,
	/// Number of files of one account in a day.
	pub account_files: u32,
	/// All files of one account to one Datanet in a day.
	pub datanet_bytes: u32,
}

impl Default for Limits {
	fn default() -> Self {
		Self {
			file_bytes: 10_000_000,
			account_bytes: 10_000_000,
			account_files: 20,
			datanet_bytes: 10_000_000,
		}
	}
}

/// What was used on one day.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Default,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct DayUse {
	pub day: u32,
	pub bytes: u32,
	pub files: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QuotaError {
	/// The day's bytes would be exceeded.
	Bytes,
	/// The day's number of files would be exceeded.
	Files,
}

impl DayUse {
	/// What counts on `day`: itself, or nothing if it was used on another one.
	pub fn on(self, day: u32) -> Self {
		if self.day == day {
			self
		} else {
			Self {
				day,
				bytes: 0,
				files: 0,
			}
		}
	}

	/// This use with one more file of `bytes` on `day`, or which limit forbids it.
	pub fn charge(self, day: u32, bytes: u32, max_bytes: u32, max_files: u32) -> Result<Self, QuotaError> {
		let used = self.on(day);
		let files = used.files.saturating_add(1);
		let bytes = used.bytes.saturating_add(bytes);
		if files > max_files {
			return Err(QuotaError::Files);
		}
		if bytes > max_bytes {
			return Err(QuotaError::Bytes);
		}
		Ok(Self { day, bytes, files })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn the_limit_itself_is_allowed_and_one_more_is_not() {
		let full = DayUse::default().charge(3, 10, 10, 2).unwrap();
		assert_eq!(full.charge(3, 1, 10, 2), Err(QuotaError::Bytes));
		assert_eq!(full.charge(3, 0, 10, 1), Err(QuotaError::Files));
		assert_eq!(
			full.charge(4, 10, 10, 1),
			Ok(DayUse {
				day: 4,
				bytes: 10,
				files: 1
			})
		);
	}

	#[test]
	fn midnight_utc_resets() {
		assert_eq!(day_of(DAY_MILLIS - 1), 0);
		assert_eq!(day_of(DAY_MILLIS), 1);
		assert_eq!(resets_at(DAY_MILLIS - 1), DAY_MILLIS);
		assert_eq!(resets_at(DAY_MILLIS), 2 * DAY_MILLIS);
	}

	proptest! {
		#[test]
		fn no_sequence_of_charges_passes_the_limits(files in prop::collection::vec((0u32..3, 0u32..8_000_000), 0..64)) {
			let limits = Limits::default();
			let mut used = DayUse::default();
			let mut taken = [(0u64, 0u32); 3];
			let mut last_day = 0;
			for (step, bytes) in files {
				last_day = (last_day + step / 2).min(2);
				if let Ok(next) = used.charge(last_day, bytes, limits.account_bytes, limits.account_files) {
					used = next;
					taken[last_day as usize].0 += u64::from(bytes);
					taken[last_day as usize].1 += 1;
				}
			}
			for (bytes, files) in taken {
				prop_assert!(bytes <= u64::from(limits.account_bytes) && files <= limits.account_files);
			}
		}
	}
}
