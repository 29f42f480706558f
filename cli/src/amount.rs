//! Amounts as people write them: OPEN with up to 12 decimals.

use std::{fmt, str::FromStr};

use openledger_primitives::{Balance, OPEN};
use serde::{Serialize, Serializer};

const DECIMALS: usize = 12;

/// Plancks that are read and printed as OPEN; in JSON a string, because JSON's numbers are not exact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Amount(pub Balance);

/// Why something is not an amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AmountError {
	#[error("an amount is a number of OPEN such as 12 or 0.5")]
	NotANumber,
	#[error("OPEN has 12 decimals")]
	TooManyDecimals,
	#[error("that is more than there can be")]
	TooLarge,
}

impl FromStr for Amount {
	type Err = AmountError;

	fn from_str(text: &str) -> Result<Self, AmountError> {
		let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
		let text = text.trim().trim_end_matches("OPEN").trim_end().replace('_', "");
		let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
		if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
			return Err(AmountError::NotANumber);
		}
		if fraction.len() > DECIMALS {
			return Err(AmountError::TooManyDecimals);
		}
		let number = |text: &str| if text.is_empty() { Ok(0) } else { text.parse::<u128>() };
		let whole = number(whole).map_err(|_| AmountError::TooLarge)?;
		let fraction = number(&format!("{fraction:0<DECIMALS$}")).map_err(|_| AmountError::TooLarge)?;
		let plancks = whole.checked_mul(OPEN).and_then(|whole| whole.checked_add(fraction));
		plancks.map(Self).ok_or(AmountError::TooLarge)
	}
}

impl fmt::Display for Amount {
	/// Exact, without trailing zeros.
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let (whole, fraction) = (self.0 / OPEN, self.0 % OPEN);
		if fraction == 0 {
			return f.pad(&whole.to_string());
		}
		let fraction = format!("{fraction:0>DECIMALS$}");
		f.pad(&format!("{whole}.{}", fraction.trim_end_matches('0')))
	}
}

impl Serialize for Amount {
	fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(self)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn amounts_should_be_read_and_printed_exactly() {
		for (text, plancks, printed) in [
			("12", 12 * OPEN, "12"),
			("0.5", OPEN / 2, "0.5"),
			(".000000000001", 1, "0.000000000001"),
			("1_000.25 OPEN", 1_000 * OPEN + OPEN / 4, "1000.25"),
			("7.", 7 * OPEN, "7"),
		] {
			assert_eq!(text.parse(), Ok(Amount(plancks)), "{text}");
			assert_eq!(Amount(plancks).to_string(), printed);
		}
	}

	#[test]
	fn what_is_no_amount_should_be_refused_by_name() {
		let parse = |text: &str| text.parse::<Amount>();
		for text in ["", ".", "-1", "1e3", "1,5", "0x10"] {
			assert_eq!(parse(text), Err(AmountError::NotANumber), "{text}");
		}
		assert_eq!(parse("0.0000000000001"), Err(AmountError::TooManyDecimals));
		assert_eq!(parse("999999999999999999999999999999"), Err(AmountError::TooLarge));
	}
}
