//! Text for people: tables, and bytes as they are said.

use chain_client::{address, AccountId};
use serde::{Serialize, Serializer};

/// A table with aligned columns; `rows` have as many cells as `header`.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
	let widths: Vec<usize> = (0..header.len())
		.map(|column| {
			let cells = rows.iter().map(|row| row[column].chars().count());
			cells.chain([header[column].chars().count()]).max().unwrap_or(0)
		})
		.collect();
	let line = |cells: Vec<&str>| {
		let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
		padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
	};
	let mut lines = vec![line(header.to_vec())];
	lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
	lines.join("\n")
}

/// `label: value` lines with aligned values.
pub fn fields(rows: &[(&str, String)]) -> String {
	let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
	let lines = rows
		.iter()
		.map(|(label, value)| format!("{label:<width$}  {value}").trim_end().to_owned());
	lines.collect::<Vec<_>>().join("\n")
}

/// Sizes as the quota counts them: 1 MB is 1,000,000 bytes.
pub fn bytes(count: u64) -> String {
	match count {
		0..1_000 => format!("{count} B"),
		1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
		_ => format!("{:.2} MB", count as f64 / 1e6),
	}
}

/// An account in JSON is its address.
pub fn account<S: Serializer>(account: &AccountId, serializer: S) -> Result<S::Ok, S::Error> {
	address(account).serialize(serializer)
}

/// The beginning of an address or digest, enough to tell them apart in a table.
pub fn short(text: &str) -> String {
	let characters: Vec<char> = text.chars().collect();
	if characters.len() <= 14 {
		return text.to_owned();
	}
	let (head, tail) = (&characters[..7], &characters[characters.len() - 5..]);
	format!(
		"{}…{}",
		head.iter().collect::<String>(),
		tail.iter().collect::<String>()
	)
}

/// UTF-8 that the chain stores.
pub fn text(bytes: &[u8]) -> String {
	String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn columns_should_be_aligned() {
		let rows = vec![vec!["a".into(), "b".into()], vec!["größer".into(), "".into()]];
		assert_eq!(table(&["x", "y"], &rows), "x       y\na       b\ngrößer");
	}

	#[test]
	fn sizes_should_be_decimal() {
		assert_eq!([999, 1_000, 10_000_000].map(bytes), ["999 B", "1.0 kB", "10.00 MB"]);
	}
}
