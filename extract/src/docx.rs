//! Word: the paragraphs of `word/document.xml` in its zip archive (ECMA-376, part 1, 17.2 and 17.3).

use crate::{ExtractError, MAX_TEXT};
use quick_xml::events::Event;
use quick_xml::Reader;
use std::io::{BufReader, Cursor, Read};

/// Of XML there is more than of text.
const MAX_XML: u64 = 8 * MAX_TEXT as u64;

pub fn text(bytes: &[u8]) -> Result<String, ExtractError> {
	let damaged = |error: &dyn std::fmt::Display| ExtractError::Damaged(error.to_string());
	let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
	let document = archive.by_name("word/document.xml").map_err(|error| damaged(&error))?;
	let mut reader = Reader::from_reader(BufReader::new(document.take(MAX_XML)));
	let (mut text, mut buffer) = (String::new(), Vec::new());
	let (mut is_text, mut fallbacks) = (false, 0u32);
	loop {
		match reader.read_event_into(&mut buffer).map_err(|error| damaged(&error))? {
			Event::Start(tag) => match tag.local_name().as_ref() {
				"t" => is_text = true,
				// The same again for programs that do not know the newer form.
				"Fallback" => fallbacks += 1,
				_ => {}
			},
			Event::End(tag) => match tag.local_name().as_ref() {
				"t" => is_text = false,
				"p" if fallbacks == 0 => text.push('\n'),
				"Fallback" => fallbacks = fallbacks.saturating_sub(1),
				_ => {}
			},
			Event::Empty(tag) if fallbacks == 0 => match tag.local_name().as_ref() {
				"tab" => text.push('\t'),
				"br" | "cr" | "p" => text.push('\n'),
				"noBreakHyphen" => text.push('-'),
				_ => {}
			},
			Event::Text(part) if is_text && fallbacks == 0 => {
				text.push_str(&part.xml10_content());
			}
			Event::CData(part) if is_text && fallbacks == 0 => {
				text.push_str(&part.xml10_content());
			}
			Event::GeneralRef(name) if is_text && fallbacks == 0 => {
				let character = name.resolve_char_ref().map_err(|error| damaged(&error))?;
				let named = || quick_xml::escape::resolve_xml_entity(&name);
				match character {
					Some(character) => text.push(character),
					None => text.push_str(named().unwrap_or_default()),
				}
			}
			Event::Eof => break,
			_ => {}
		}
		if text.len() > MAX_TEXT {
			return Err(ExtractError::TooLarge);
		}
		buffer.clear();
	}
	if reader.buffer_position() >= MAX_XML {
		return Err(ExtractError::TooLarge);
	}
	Ok(text)
}
