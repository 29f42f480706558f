//! PDF, by the crate `pdf-extract`. Only to be called where a crash and any use of memory and time are harmless.

use crate::{ExtractError, MAX_TEXT};

/// The text, its lines without spaces at the end, and no more than one empty line between two others.
pub fn text(bytes: &[u8]) -> Result<String, ExtractError> {
	let read = std::panic::catch_unwind(|| pdf_extract::extract_text_from_mem(bytes));
	let raw = match read {
		Ok(Ok(raw)) => raw,
		Ok(Err(error)) => return Err(ExtractError::Damaged(error.to_string())),
		Err(_) => return Err(ExtractError::Damaged("it is not a PDF that can be read".into())),
	};
	let mut text = String::with_capacity(raw.len().min(MAX_TEXT));
	let mut empty = 0;
	for line in raw.lines().map(str::trim_end) {
		empty = if line.is_empty() { empty + 1 } else { 0 };
		if empty < 2 && !(empty == 1 && text.is_empty()) {
			text.push_str(line);
			text.push('\n');
		}
	}
	match text.len() {
		len if len > MAX_TEXT => Err(ExtractError::TooLarge),
		_ => Ok(text),
	}
}
