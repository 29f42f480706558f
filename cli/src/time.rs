//! Times as people read them, in UTC.

/// `2026-11-23 06:29 UTC` of a Unix time in milliseconds.
pub fn utc(millis: u64) -> String {
	let days = (millis / 86_400_000) as i64;
	let minutes = millis / 60_000 % 1_440;
	// Days since 1970-01-01 to a civil date in the Gregorian calendar (H. Hinnant's algorithm): years begin in March, so
	// that the leap day is the last.
	let shifted = days + 719_468;
	let era = shifted / 146_097;
	let day_of_era = shifted % 146_097;
	let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
	let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	let month_from_march = (5 * day_of_year + 2) / 153;
	let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
	let month = if month_from_march < 10 {
		month_from_march + 3
	} else {
		month_from_march - 9
	};
	let year = year_of_era + era * 400 + i64::from(month <= 2);
	format!(
		"{year:04}-{month:02}-{day:02} {:02}:{:02} UTC",
		minutes / 60,
		minutes % 60
	)
}

/// `17 h 30 min`, or `4 min` below an hour.
pub fn span(millis: u64) -> String {
	let minutes = millis.div_ceil(60_000);
	match minutes / 60 {
		0 => format!("{minutes} min"),
		hours => format!("{hours} h {} min", minutes % 60),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn dates_should_be_those_of_the_calendar() {
		assert_eq!(utc(0), "1970-01-01 00:00 UTC");
		assert_eq!(utc(951_782_400_000), "2000-02-29 00:00 UTC");
		assert_eq!(utc(1_795_415_340_000), "2026-11-23 06:29 UTC");
		assert_eq!(utc(4_107_542_399_999), "2100-02-28 23:59 UTC");
		assert_eq!(utc(4_107_542_400_000), "2100-03-01 00:00 UTC");
	}

	#[test]
	fn spans_should_be_rounded_up_to_minutes() {
		assert_eq!(span(59_000), "1 min");
		assert_eq!(span(17 * 3_600_000 + 30 * 60_000), "17 h 30 min");
	}
}
