//! How much there is of a file, by its format's measure: a pure function of the bytes, so that every honest validator says
//! the same, which containers, padding and cutting into parts do not move.
//!
//! **Text**: passages that stood in the file before are left out, the rest is compressed by zstd at level 3 in pieces of
//! [`PIECE`] bytes, each by itself. Compressing the file in one would pay parts more than the whole, up to a half more,
//! since a compressor learns from what it has read; leaving out repeats first is what keeps pieces from paying for padding.
//!
//! The end is a piece as any other. Blanks or repeats after a text add a dozen units at most, 0.06 OPEN at full pay, however
//! many they are, and lower its score once they are many.
//!
//! **Images**: pixels by the header; **audio**: duration by the header of a WAV or FLAC, by the frames of an MP3. A header
//! can lie, so neither counts more than the bytes can hold at the thinnest that encoders make: [`PIXELS_PER_BYTE`], and a
//! millisecond a byte.

use std::collections::HashMap;

use openledger_primitives::{
	format::Format,
	points::{audio_units, image_units, text_units},
};

/// The level that units and variety of a text are measured at.
pub const ZSTD_LEVEL: i32 = 3;
/// A repeat that is at least twice this long is found wherever it begins.
const PASSAGE: usize = 128;
/// Bytes that are compressed by themselves.
const PIECE: usize = 1_024;
/// What does not count of each piece, the last one included: about what a compressor spends before it knows a text. With
/// less, short pieces would count more for each of their bytes than long ones, and parts of a text more than the whole.
const START: usize = 80;
/// A tenth of a bit a pixel.
const PIXELS_PER_BYTE: u64 = 80;
/// Below this rate there is no speech to hear, but any length of it.
const LEAST_SAMPLE_RATE: u32 = 4_000;

/// Units of a file. Zero where they cannot be told.
pub fn units(format: Format, bytes: &[u8]) -> u32 {
	use Format::*;
	let size = match format {
		// Of a document only the text counts: all else in it (fonts, pictures, noise) costs nothing to add.
		Markdown | PlainText | Pdf | Docx => {
			return openledger_extract::text(format, bytes).map_or(0, |found| text(found.as_bytes()))
		}
		Png => png(bytes),
		Jpeg => jpeg(bytes),
		Webp => webp(bytes),
		Tiff => tiff(bytes),
		Bmp => bmp(bytes),
		Wav => return audio(wav(bytes), bytes),
		Mp3 => return audio(mp3(bytes), bytes),
		Flac => return audio(flac(bytes), bytes),
	};
	let Some((width, height)) = size else { return 0 };
	let most = bytes.len() as u64 * PIXELS_PER_BYTE / 1_000;
	u64::from(image_units(width, height)).min(most) as u32
}

/// Units of a text.
pub fn text(bytes: &[u8]) -> u32 {
	// Memory to memory does not fail; if it ever did, the raw length is the honest upper bound.
	let packed = |piece: &[u8]| zstd::bulk::compress(piece, ZSTD_LEVEL).map_or(piece.len(), |packed| packed.len());
	let count = |piece: &[u8]| packed(piece).saturating_sub(START);
	text_units(without_repeats(bytes).chunks(PIECE).map(count).sum())
}

/// The bytes, less every passage that stood before. Passages begin at multiples of [`PASSAGE`] in what was read and are
/// looked for at every position.
fn without_repeats(bytes: &[u8]) -> Vec<u8> {
	let mut seen: HashMap<&[u8], usize> = HashMap::new();
	let mut kept = Vec::with_capacity(bytes.len());
	let (mut at, mut indexed) = (0, 0);
	while at < bytes.len() {
		let before = bytes.get(at..at + PASSAGE).and_then(|passage| seen.get(passage));
		let next = match before {
			Some(before) => {
				let same = bytes[at..].iter().zip(&bytes[*before..]).take_while(|(a, b)| a == b);
				at + same.count()
			}
			None => {
				kept.push(bytes[at]);
				at + 1
			}
		};
		while indexed + PASSAGE <= next {
			seen.entry(&bytes[indexed..indexed + PASSAGE]).or_insert(indexed);
			indexed += PASSAGE;
		}
		at = next;
	}
	kept
}

fn audio(millis: Option<u64>, bytes: &[u8]) -> u32 {
	audio_units(millis.unwrap_or(0).min(bytes.len() as u64))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
	bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
	array(bytes, at).map(|bytes| u16::from_le_bytes(bytes).into())
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
	array(bytes, at).map(|bytes| u16::from_be_bytes(bytes).into())
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
	array(bytes, at).map(u32::from_le_bytes)
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
	array(bytes, at).map(u32::from_be_bytes)
}

/// Width and height, as all of these.
type Size = Option<(u32, u32)>;

fn png(bytes: &[u8]) -> Size {
	Some((be32(bytes, 16)?, be32(bytes, 20)?))
}

fn bmp(bytes: &[u8]) -> Size {
	// The oldest header has 12 bytes and small numbers; a negative height means rows from the top.
	if le32(bytes, 14)? == 12 {
		return Some((le16(bytes, 18)?, le16(bytes, 20)?));
	}
	Some((le32(bytes, 18)?, (le32(bytes, 22)? as i32).unsigned_abs()))
}

fn jpeg(bytes: &[u8]) -> Size {
	let mut at = 2;
	loop {
		let marker = be16(bytes, at)?;
		match marker {
			// Fill bytes before a marker.
			0xffff => at += 1,
			// Start of frame; C4, C8 and CC in between are other things.
			0xffc0..=0xffcf if !matches!(marker, 0xffc4 | 0xffc8 | 0xffcc) => {
				return Some((be16(bytes, at + 7)?, be16(bytes, at + 5)?));
			}
			0xff01..=0xfffe => at += 2 + be16(bytes, at + 2)?.max(2) as usize,
			_ => return None,
		}
	}
}

fn webp(bytes: &[u8]) -> Size {
	match bytes.get(12..16)? {
		b"VP8 " => Some((le16(bytes, 26)? & 0x3fff, le16(bytes, 28)? & 0x3fff)),
		b"VP8L" => {
			let bits = le32(bytes, 21)?;
			Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
		}
		b"VP8X" => {
			let of = |at| Some((le32(bytes, at)? & 0xff_ffff) + 1);
			Some((of(24)?, of(27)?))
		}
		_ => None,
	}
}

fn tiff(bytes: &[u8]) -> Size {
	let little = bytes.starts_with(b"II");
	let short = |at| if little { le16(bytes, at) } else { be16(bytes, at) };
	let long = |at| if little { le32(bytes, at) } else { be32(bytes, at) };
	let directory = long(4)? as usize;
	let tag = |wanted| {
		let entries = (0..short(directory)? as usize).map(|n| directory + 2 + 12 * n);
		let entry = entries.into_iter().find(|entry| short(*entry) == Some(wanted))?;
		if short(entry + 2)? == 3 {
			short(entry + 8)
		} else {
			long(entry + 8)
		}
	};
	Some((tag(256)?, tag(257)?))
}

/// Milliseconds, as all of these.
fn wav(bytes: &[u8]) -> Option<u64> {
	let mut at = 12;
	let mut bytes_per_second = None;
	loop {
		let size = le32(bytes, at + 4)? as usize;
		let body = at + 8;
		match bytes.get(at..at + 4)? {
			b"fmt " => {
				let (channels, rate, bits) = (le16(bytes, body + 2)?, le32(bytes, body + 4)?, le16(bytes, body + 14)?);
				// Compressed kinds say zero bits; what they say of bytes a second is all there is.
				bytes_per_second = Some(match bits {
					0 => u64::from(le32(bytes, body + 8)?),
					_ => u64::from(channels) * u64::from(rate) * u64::from(bits.div_ceil(8)),
				})
				.filter(|_| rate >= LEAST_SAMPLE_RATE);
			}
			b"data" => {
				let held = size.min(bytes.len() - body) as u64;
				return (held * 1_000).checked_div(bytes_per_second?);
			}
			_ => {}
		}
		at = body.checked_add(size)?.checked_add(size % 2)?;
	}
}

fn flac(bytes: &[u8]) -> Option<u64> {
	// STREAMINFO comes first: 20 bits of rate, 3 of channels, 5 of sample size, 36 of samples.
	let bits = array(bytes, 18).map(u64::from_be_bytes)?;
	let (rate, samples) = (bits >> 44, bits & 0xf_ffff_ffff);
	(rate >= u64::from(LEAST_SAMPLE_RATE)).then(|| samples * 1_000 / rate)
}

fn mp3(bytes: &[u8]) -> Option<u64> {
	const RATES: [u64; 3] = [44_100, 48_000, 32_000];
	const KBITS: [[u64; 14]; 2] = [
		[32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
		[8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
	];
	let mut at = 0;
	if bytes.starts_with(b"ID3") {
		let size = bytes
			.get(6..10)?
			.iter()
			.fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f));
		at = 10 + size;
	}
	let mut micros = 0;
	// Frames of layer III one after another; what follows the last one does not count.
	while let Some(header) = be32(bytes, at) {
		let (version, layer) = (header >> 19 & 3, header >> 17 & 3);
		let (kbits, rate) = ((header >> 12 & 15) as usize, (header >> 10 & 3) as usize);
		if header >> 21 != 0x7ff || version == 1 || layer != 1 || kbits == 0 || kbits == 15 || rate == 3 {
			break;
		}
		let second = usize::from(version != 3);
		// Version 2 halves the rates, 2.5 halves them again.
		let rate = RATES[rate] >> [2, 0, 1, 0][version as usize];
		let samples = 1_152 >> second;
		micros += samples * 1_000_000 / rate;
		let size = samples / 8 * KBITS[second][kbits - 1] * 1_000 / rate + u64::from(header >> 9 & 1);
		at += size as usize;
	}
	(micros > 0).then_some(micros / 1_000)
}

#[cfg(test)]
mod tests {
	use super::*;

	/// Sentences that do not repeat.
	fn prose(sentences: usize) -> Vec<u8> {
		let nouns = [
			"parser",
			"queue",
			"validator",
			"ledger",
			"window",
			"index",
			"block",
			"stream",
			"reader",
		];
		let verbs = [
			"keeps", "drops", "reads", "signs", "orders", "checks", "splits", "writes",
		];
		let mut state = 7u32;
		let mut pick = |list: &[&'static str]| {
			state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
			list[(state >> 16) as usize % list.len()]
		};
		let mut text = String::new();
		for number in 0..sentences {
			let (who, does, what) = (pick(&nouns), pick(&verbs), pick(&nouns));
			text += &format!(
				"Step {number}: the {who} {does} every {what} before another {} {}. ",
				pick(&nouns),
				pick(&verbs)
			);
		}
		text.into_bytes()
	}

	#[test]
	fn text_should_count_the_same_whole_and_in_parts() {
		let text_bytes = prose(2_000);
		let whole = text(&text_bytes);
		for parts in [2, 4, 8, 16] {
			let sum: u32 = text_bytes.chunks(text_bytes.len().div_ceil(parts)).map(text).sum();
			assert!(
				sum <= whole + whole / 100,
				"{parts} parts count {sum}, the whole {whole}"
			);
		}
	}

	#[test]
	fn text_should_not_count_what_stood_before() {
		let once = prose(300);
		let whole = text(&once);
		let padded = |padding: &[u8]| text(&[&once[..], padding].concat());
		assert!(padded(&once) <= whole + 2);
		assert!(padded(&[&b"\n\n and again \n\n"[..], &once].concat()) <= whole + whole / 100);
		assert!(padded(&[b' '; 100_000]) <= whole + whole / 100);
		assert!(padded(&b"-=".repeat(50_000)) <= whole + whole / 100);
	}

	/// The last piece once counted what it added to the bytes before it, and more as soon as blanks had filled it up: 380 of
	/// them were worth a ninth of a page.
	#[test]
	fn filling_the_last_piece_should_count_next_to_nothing() {
		for sentences in [20, 25, 33, 160] {
			let plain = prose(sentences);
			for padding in [&b" "[..], b"\n", b"x", b"again "] {
				for times in (0..=1_300 / padding.len()).step_by(10) {
					let padded = text(&[&plain[..], &padding.repeat(times)].concat());
					assert!(
						padded <= text(&plain) + 16,
						"{sentences} sentences, {padding:?} {times} times"
					);
				}
			}
		}
	}

	#[test]
	fn a_text_should_never_have_more_units_than_bytes() {
		let mut state = 1u32;
		let noise: Vec<u8> = std::iter::repeat_with(|| {
			state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
			(state >> 24) as u8
		})
		.take(5_000)
		.collect();
		for size in [0, 1, 10, 100, 1_023, 1_024, 1_025, 5_000] {
			assert!(text(&noise[..size]) as usize <= size);
		}
	}

	#[test]
	fn repeats_should_be_found_wherever_they_begin() {
		let once = prose(40);
		for shift in [0, 1, 63, 127] {
			let twice = [&once[..], &b"x".repeat(shift), &once].concat();
			assert!(without_repeats(&twice).len() <= once.len() + shift + PASSAGE);
		}
		assert_eq!(without_repeats(&once), once);
	}

	/// A header of each image format, and pixels enough.
	fn image(format: Format, width: u32, height: u32) -> Vec<u8> {
		let mut bytes = match format {
			Format::Png => [
				b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
				&width.to_be_bytes()[..],
				&height.to_be_bytes(),
			]
			.concat(),
			Format::Bmp => [
				&b"BM"[..],
				&[0; 12],
				&40u32.to_le_bytes(),
				&width.to_le_bytes(),
				&height.to_le_bytes(),
			]
			.concat(),
			Format::Jpeg => [
				&b"\xff\xd8\xff\xe0\0\x04ab\xff\xc4\0\x02\xff\xff\xc2\0\x0b\x08"[..],
				&(height as u16).to_be_bytes(),
				&(width as u16).to_be_bytes(),
			]
			.concat(),
			Format::Webp => [
				&b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0"[..],
				&(width - 1).to_le_bytes()[..3],
				&(height - 1).to_le_bytes()[..3],
			]
			.concat(),
			_ => [
				&b"MM\0*\0\0\0\x08\0\x02\x01\0\0\x04\0\0\0\x01"[..],
				&width.to_be_bytes(),
				&b"\x01\x01\0\x03\0\0\0\x01"[..],
				&(height as u16).to_be_bytes(),
			]
			.concat(),
		};
		bytes.resize((width * height / 40) as usize, 0);
		bytes
	}

	#[test]
	fn images_should_count_pixels_whatever_holds_them() {
		for format in [Format::Png, Format::Jpeg, Format::Webp, Format::Tiff, Format::Bmp] {
			assert_eq!(units(format, &image(format, 1_500, 1_000)), 1_500, "{format:?}");
			let padded = [image(format, 1_500, 1_000), vec![9; 3_000_000]].concat();
			assert_eq!(units(format, &padded), 1_500, "{format:?} padded");
			assert_eq!(units(format, &image(format, 1_500, 1_000)[..12]), 0, "{format:?} cut");
		}
		let upside_down = [
			&image(Format::Bmp, 10, 0)[..],
			&[
				b"BM".as_slice(),
				&[0; 12],
				&40u32.to_le_bytes(),
				&1_000u32.to_le_bytes(),
				&(-700i32).to_le_bytes(),
				&[0; 9_000],
			]
			.concat(),
		]
		.concat();
		assert_eq!(units(Format::Bmp, &upside_down), 700);
	}

	#[test]
	fn images_should_not_count_more_than_their_bytes_can_hold() {
		let mut lie = image(Format::Png, 1_500, 1_000);
		lie.truncate(1_000);
		assert_eq!(units(Format::Png, &lie), 80);
	}

	fn wave(seconds: u32, rate: u32, bits: u16) -> Vec<u8> {
		let data = seconds * rate * u32::from(bits / 8);
		let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
		bytes.extend(rate.to_le_bytes());
		bytes.extend([0; 4]);
		bytes.extend(2u16.to_le_bytes());
		bytes.extend(bits.to_le_bytes());
		bytes.extend(b"LIST\x03\0\0\0abc\0data");
		bytes.extend(data.to_le_bytes());
		bytes.resize(bytes.len() + data as usize, 1);
		bytes
	}

	fn flac_of(seconds: u64, rate: u64, bytes: usize) -> Vec<u8> {
		let mut file = b"fLaC\x80\0\0\x22".to_vec();
		file.extend([0; 10]);
		file.extend((rate << 44 | (seconds * rate)).to_be_bytes());
		file.resize(bytes, 0);
		file
	}

	#[test]
	fn audio_should_count_time_whatever_holds_it() {
		for (rate, bits) in [(8_000, 8), (44_100, 16)] {
			assert_eq!(units(Format::Wav, &wave(20, rate, bits)), 2_000);
		}
		assert_eq!(units(Format::Flac, &flac_of(20, 44_100, 100_000)), 2_000);
		// Version 1, layer III, 128 kbit/s, 44.1 kHz: 417 bytes and 26.12 ms a frame.
		let frame = [&b"\xff\xfb\x90\0"[..], &[0; 413]].concat();
		let song = [&b"ID3\x04\0\0\0\0\0\x05tag.."[..], &frame.repeat(100)].concat();
		assert_eq!(units(Format::Mp3, &song), 261);
		assert_eq!(units(Format::Mp3, &[song, vec![0; 1_000_000]].concat()), 261);
	}

	#[test]
	fn audio_should_not_count_more_than_its_bytes_can_hold() {
		assert_eq!(units(Format::Wav, &wave(20, 8_000, 8)[..8_000 + 56]), 100);
		assert_eq!(units(Format::Wav, &wave(2_000, 1, 8)), 0);
		assert_eq!(units(Format::Flac, &flac_of(3_000, 44_100, 5_000)), 500);
		assert_eq!(units(Format::Mp3, b"ID3"), 0);
	}

	#[test]
	fn documents_that_nobody_reads_should_count_nothing() {
		assert_eq!(units(Format::Pdf, &[&b"%PDF-1.7"[..], &[7; 10_000]].concat()), 0);
		assert_eq!(units(Format::Docx, b"PK\x03\x04"), 0);
	}

	#[test]
	fn no_bytes_should_break_a_reader() {
		let mut state = 1u64;
		let mut noise: Vec<u8> = (0..400)
			.map(|_| {
				state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
				(state >> 40) as u8
			})
			.collect();
		for format in Format::ALL {
			for start in 0..200 {
				units(format, &noise[start..]);
			}
		}
		noise.fill(0xff);
		for format in Format::ALL {
			units(format, &noise);
		}
	}
}
