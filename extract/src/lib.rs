//! The text of a contributed file, as validators measure it and trainers read it: Markdown and plain text as they are, of
//! Word and PDF what a reader would see.
//!
//! A pure function of the bytes, so that every honest validator and every worker has the same text. The bytes are
//! anybody's: what they unpack to is bounded by [`MAX_TEXT`], and PDF is read in a process of its own ([`isolate`]), whose
//! memory and time are limited and whose crash is an [`ExtractError::Damaged`].

mod docx;
mod isolated;
mod pdf;

use openledger_primitives::format::Modality;

pub use isolated::isolate;
pub use openledger_primitives::format::Format;

/// Most bytes of text that a file may unpack to; the chain takes no file above 10 MB.
pub const MAX_TEXT: usize = 32 << 20;

/// Why a file has no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
	/// Pictures and sound.
	#[error("a .{0} file has no text")]
	NoText(&'static str),
	/// Markdown and plain text are UTF-8.
	#[error("it is not UTF-8: byte {0} begins no character")]
	NotUtf8(usize),
	/// Not what its format asks for, encrypted, or made to harm.
	#[error("it cannot be read: {0}")]
	Damaged(String),
	/// A small file that unpacks to very much.
	#[error("its text is above {MAX_TEXT} bytes")]
	TooLarge,
}

/// The text of a file. One that is nothing but pictures has an empty one.
pub fn text(format: Format, bytes: &[u8]) -> Result<String, ExtractError> {
	match format {
		Format::Markdown | Format::PlainText => match std::str::from_utf8(bytes) {
			Ok(text) => Ok(text.to_owned()),
			Err(error) => Err(ExtractError::NotUtf8(error.valid_up_to())),
		},
		Format::Docx => docx::text(bytes),
		Format::Pdf => isolated::text(bytes),
		other => Err(ExtractError::NoText(other.extension())),
	}
}

/// Whether files of a format have a text.
pub fn has_text(format: Format) -> bool {
	format.modality() == Modality::Text
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::io::Write;
	use std::path::Path;

	fn document(name: &str) -> Vec<u8> {
		let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/documents");
		std::fs::read(folder.join(name)).unwrap()
	}

	/// Words, whatever stands between them.
	fn words(text: &str) -> String {
		text.split_whitespace().collect::<Vec<_>>().join(" ")
	}

	const START: &str = "Notes on a ledger A ledger keeps what was agreed, in the order in which it was agreed.";
	const END: &str = "where a sentence came from: 5 < 7 & \"quotes\" survive, but names do not.";

	#[test]
	fn text_should_be_taken_as_it_is() {
		assert_eq!(text(Format::Markdown, "# Größe\n".as_bytes()).unwrap(), "# Größe\n");
		assert_eq!(text(Format::PlainText, b"ab\xff"), Err(ExtractError::NotUtf8(2)));
		assert_eq!(text(Format::Png, b""), Err(ExtractError::NoText("png")));
	}

	#[test]
	fn word_should_be_read_paragraph_by_paragraph() {
		let found = text(Format::Docx, &document("notes.docx")).unwrap();
		assert!(
			words(&found).starts_with(START) && words(&found).ends_with("but names do not. left right"),
			"{found}"
		);
		assert_eq!(found.lines().next(), Some("Notes on a ledger"));
	}

	#[test]
	fn pdf_should_be_read() {
		let found = text(Format::Pdf, &document("notes.pdf")).unwrap();
		assert!(
			words(&found).starts_with(START) && words(&found).ends_with(END),
			"{found}"
		);
		assert!(!found.contains("\n\n\n") && found.ends_with(".\n"), "{found:?}");
	}

	#[test]
	fn damaged_files_should_be_refused_wherever_they_are_cut() {
		for (format, name) in [(Format::Docx, "notes.docx"), (Format::Pdf, "notes.pdf")] {
			let whole = document(name);
			for part in 0..16 {
				let cut = text(format, &whole[..whole.len() * part / 16]);
				// What a reader can still make of a cut PDF is text; what it cannot is an error, never a panic.
				assert!(matches!(cut, Ok(_) | Err(ExtractError::Damaged(_))), "{cut:?}");
			}
			assert!(matches!(text(format, b"neither"), Err(ExtractError::Damaged(_))));
		}
	}

	#[test]
	fn a_small_archive_of_a_large_text_should_be_refused() {
		let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
		archive
			.start_file("word/document.xml", zip::write::SimpleFileOptions::default())
			.unwrap();
		archive.write_all(b"<w:document><w:p><w:t>").unwrap();
		let piece = vec![b'a'; 1 << 20];
		for _ in 0..40 {
			archive.write_all(&piece).unwrap();
		}
		archive.write_all(b"</w:t></w:p></w:document>").unwrap();
		let bytes = archive.finish().unwrap().into_inner();
		assert!(bytes.len() < 1 << 20);
		assert_eq!(text(Format::Docx, &bytes), Err(ExtractError::TooLarge));
	}
}
