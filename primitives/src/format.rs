//! What kinds of files there are, which modality each belongs to, and what a file's first bytes say it is.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::bits::bit_set;

/// The one kind of data that a Datanet holds, fixed at its creation.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
	Text,
	Image,
	Audio,
}

impl Modality {
	pub const ALL: [Modality; 3] = [Modality::Text, Modality::Image, Modality::Audio];
}

bit_set! {
	/// A set of modalities, one bit each in the order of [`Modality::ALL`].
	ModalitySet(u8) of Modality
}

/// A file format that a Datanet may take.
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
#[serde(rename_all = "lowercase")]
pub enum Format {
	Markdown,
	PlainText,
	Pdf,
	Docx,
	Png,
	Jpeg,
	Webp,
	Tiff,
	Bmp,
	Wav,
	Mp3,
	Flac,
}

impl Format {
	pub const ALL: [Format; 12] = [
		Format::Markdown,
		Format::PlainText,
		Format::Pdf,
		Format::Docx,
		Format::Png,
		Format::Jpeg,
		Format::Webp,
		Format::Tiff,
		Format::Bmp,
		Format::Wav,
		Format::Mp3,
		Format::Flac,
	];

	pub fn modality(self) -> Modality {
		use Format::*;
		match self {
			Markdown | PlainText | Pdf | Docx => Modality::Text,
			Png | Jpeg | Webp | Tiff | Bmp => Modality::Image,
			Wav | Mp3 | Flac => Modality::Audio,
		}
	}

	/// The format that a file name's extension claims, without its dot, in any case.
	///
	/// ```
	/// use openledger_primitives::format::Format;
	/// assert_eq!(Format::from_extension("MD"), Some(Format::Markdown));
	/// assert_eq!(Format::from_extension("exe"), None);
	/// ```
	pub fn from_extension(extension: &str) -> Option<Self> {
		use Format::*;
		const EXTENSIONS: [(&str, Format); 14] = [
			("md", Markdown),
			("txt", PlainText),
			("pdf", Pdf),
			("docx", Docx),
			("png", Png),
			("jpg", Jpeg),
			("jpeg", Jpeg),
			("webp", Webp),
			("tiff", Tiff),
			("tif", Tiff),
			("bmp", Bmp),
			("wav", Wav),
			("mp3", Mp3),
			("flac", Flac),
		];
		EXTENSIONS
			.iter()
			.find(|(name, _)| extension.eq_ignore_ascii_case(name))
			.map(|(_, format)| *format)
	}

	/// The extension this format is written with.
	pub fn extension(self) -> &'static str {
		use Format::*;
		match self {
			Markdown => "md",
			PlainText => "txt",
			Pdf => "pdf",
			Docx => "docx",
			Png => "png",
			Jpeg => "jpg",
			Webp => "webp",
			Tiff => "tiff",
			Bmp => "bmp",
			Wav => "wav",
			Mp3 => "mp3",
			Flac => "flac",
		}
	}

	/// Whether the bytes are what this format says: the signature of a binary format, or, for text, valid UTF-8
	/// without control characters that no text has. The whole file is needed for text.
	pub fn matches(self, bytes: &[u8]) -> bool {
		use Format::*;
		let starts = |prefix: &[u8]| bytes.starts_with(prefix);
		let at = |offset: usize, tag: &[u8]| bytes.get(offset..offset + tag.len()) == Some(tag);
		match self {
			Markdown | PlainText => is_text(bytes),
			Pdf => starts(b"%PDF-"),
			// A docx is a zip archive whose entries lie under word/.
			Docx => starts(b"PK\x03\x04") && bytes.windows(5).any(|window| window == b"word/"),
			Png => starts(b"\x89PNG\r\n\x1a\n"),
			Jpeg => starts(b"\xff\xd8\xff"),
			Webp => starts(b"RIFF") && at(8, b"WEBP"),
			Tiff => starts(b"II*\0") || starts(b"MM\0*"),
			Bmp => starts(b"BM"),
			Wav => starts(b"RIFF") && at(8, b"WAVE"),
			// An ID3 tag, or a frame's eleven sync bits.
			Mp3 => starts(b"ID3") || (bytes.len() > 1 && bytes[0] == 0xff && bytes[1] & 0xe0 == 0xe0),
			Flac => starts(b"fLaC"),
		}
	}
}

bit_set! {
	/// A set of formats, one bit each in the order of [`Format::ALL`].
	FormatSet(u16) of Format
}

impl FormatSet {
	/// All formats of a modality.
	pub fn all(modality: Modality) -> Self {
		let bit = |format: &Format| u16::from(format.modality() == modality) << *format as u16;
		Self(Format::ALL.iter().fold(0, |bits, format| bits | bit(format)))
	}

	/// Whether the set names at least one format, and none that is not of the modality.
	pub fn is_within(self, modality: Modality) -> bool {
		self.0 != 0 && self.0 & !Self::all(modality).0 == 0
	}

	/// The formats of the set, in the order of [`Format::ALL`].
	pub fn iter(self) -> impl Iterator<Item = Format> {
		Format::ALL.into_iter().filter(move |format| self.contains(*format))
	}
}

/// Valid UTF-8 whose control characters are only tab, newline, carriage return, form feed.
fn is_text(bytes: &[u8]) -> bool {
	core::str::from_utf8(bytes).is_ok_and(|text| {
		text.chars()
			.all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn every_format_has_an_extension_that_names_it() {
		for format in Format::ALL {
			assert_eq!(Format::from_extension(format.extension()), Some(format));
		}
	}

	#[test]
	fn text_is_utf8_without_binary_controls() {
		assert!(Format::Markdown.matches("# Überschrift\r\n\tcode\n".as_bytes()));
		assert!(!Format::Markdown.matches(b"\x89PNG\r\n\x1a\n"));
		assert!(!Format::PlainText.matches(b"a\0b"));
	}

	#[test]
	fn signatures_tell_formats_with_a_common_container_apart() {
		assert!(Format::Wav.matches(b"RIFF\0\0\0\0WAVEfmt "));
		assert!(!Format::Webp.matches(b"RIFF\0\0\0\0WAVEfmt "));
		assert!(!Format::Wav.matches(b"RIFF"));
	}

	#[test]
	fn modality_sets_hold_what_they_were_made_of() {
		let set = ModalitySet::of(&[Modality::Text, Modality::Audio]);
		assert!(set.contains(Modality::Text) && set.contains(Modality::Audio) && !set.contains(Modality::Image));
		assert!(set.is_valid() && !ModalitySet(0).is_valid() && !ModalitySet(8).is_valid());
	}

	#[test]
	fn format_sets_lie_within_a_modality_when_all_their_formats_do() {
		let set = FormatSet::of(&[Format::PlainText, Format::Markdown]);
		assert_eq!(set.iter().collect::<Vec<_>>(), [Format::Markdown, Format::PlainText]);
		assert!(set.contains(Format::Markdown) && !set.contains(Format::Pdf));
		assert!(set.is_within(Modality::Text) && !set.is_within(Modality::Image));
		for modality in Modality::ALL {
			let all = FormatSet::all(modality);
			assert!(all.is_within(modality) && all.iter().all(|format| format.modality() == modality));
			assert!(
				!FormatSet(all.0 | 1 << Format::ALL.len()).is_within(modality),
				"an unknown bit"
			);
			assert!(!FormatSet::default().is_within(modality));
		}
		assert!(!FormatSet::of(&[Format::Png, Format::Markdown]).is_within(Modality::Image));
	}
}
