//! Bytes: texts cut into parts, padded, and put into larger containers.

use openledger_cli::{
	checks::{judge, Claim},
	units::units,
};
use openledger_primitives::{
	format::{Format, Modality},
	payload::possession,
	points::item_points,
	vote::Verdict,
};

use crate::{court::File, prose::page, validators::review_fee};

const ACCOUNT: [u8; 32] = [5; 32];
/// Into how many parts texts are cut.
const PARTS: [usize; 7] = [2, 3, 5, 10, 20, 50, 100];
/// Sizes of the texts that are cut, bytes.
const TEXTS: [usize; 12] = [
	1_500, 2_500, 4_000, 6_000, 9_000, 12_000, 16_000, 20_000, 26_000, 34_000, 45_000, 60_000,
];
/// Sizes of the texts that are padded, bytes, and how often something is repeated after them.
const PADDED: [usize; 4] = [3_000, 8_000, 15_000, 40_000];
const REPEATS: [usize; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 400, 1_000];

/// What honest validators make of a text; `None` if they reject it.
fn judged(text: &[u8]) -> Option<(u8, u32)> {
	let payload = payload_store::import(text).payload(Format::Markdown);
	let claim = Claim {
		payload: &payload,
		account: &ACCOUNT,
		possession: &possession(&ACCOUNT, text),
		modality: Modality::Text,
		accepted_before: false,
	};
	match judge(&claim, text)? {
		Verdict::Accept { score, units } => Some((score, units)),
		Verdict::Reject { .. } => None,
	}
}

fn file_of(text: &[u8]) -> File {
	let (score, units) = judged(text).unwrap_or_default();
	File {
		good: units > 0,
		score,
		noise: 0,
		units,
		bytes: text.len() as u32,
		fee: review_fee(text.len() as u32, 0),
	}
}

/// Texts, whole and in parts.
pub struct Texts {
	pub whole: Vec<File>,
	parts: Vec<Vec<Vec<File>>>,
}

impl Texts {
	/// Each page, and all of them together.
	pub fn new() -> Self {
		let mut texts: Vec<String> = (0..).zip(TEXTS).map(|(seed, bytes)| page(seed, bytes)).collect();
		texts.push(texts.concat());
		let cut = |text: &str, parts: usize| -> Vec<File> {
			text.as_bytes()
				.chunks(text.len().div_ceil(parts))
				.map(|part| file_of(&whole_characters(part)))
				.collect()
		};
		Self {
			whole: texts.iter().map(|text| file_of(text.as_bytes())).collect(),
			parts: texts
				.iter()
				.map(|text| PARTS.iter().map(|parts| cut(text, *parts)).collect())
				.collect(),
		}
	}

	/// Every way that the text at this place is cut.
	pub fn parts_of(&self, index: usize) -> &[Vec<File>] {
		&self.parts[index]
	}
}

impl Default for Texts {
	fn default() -> Self {
		Self::new()
	}
}

/// A cut may fall into a character.
fn whole_characters(part: &[u8]) -> Vec<u8> {
	String::from_utf8_lossy(part).replace('\u{fffd}', "").into_bytes()
}

/// What inflating a file multiplies its points by, of every trick; where only people judge, its units.
pub fn inflation() -> Vec<(&'static str, f64)> {
	let points_of = |text: &str| judged(text.as_bytes()).map_or(0, |(score, units)| item_points(score, units)) as f64;
	let units_of = |format, bytes: &[u8]| f64::from(units(format, bytes));
	let pages: Vec<String> = (TEXTS.len() as u64..)
		.zip(PADDED)
		.map(|(seed, bytes)| page(seed, bytes))
		.collect();
	// The most that it gains, of all texts and repeats, over having it once: it may be new.
	let repeated = |padding: &str| {
		let gain = |page: &String, times| {
			points_of(&format!("{page}{}", padding.repeat(times))) / points_of(&format!("{page}{padding}"))
		};
		let gains = pages.iter().flat_map(|page| REPEATS.map(|times| gain(page, times)));
		gains.fold(0., f64::max)
	};
	let twice = pages
		.iter()
		.map(|page| points_of(&page.repeat(2)) / points_of(page))
		.fold(0., f64::max);
	let plain_text = units_of(Format::Markdown, pages[0].as_bytes());
	let over = |format, inflated: &[u8], plain: f64| units_of(format, inflated) / plain;
	// The same picture: a PNG of 1.2 bytes a pixel and a BMP of three; the same sound: a FLAC at half a WAV's size.
	let (png, bmp) = (png(1_200, 800), bmp(1_200, 800));
	let (flac, wav) = (flac(30), wav(30));
	let plain_png = units_of(Format::Png, &png);
	let plain_flac = units_of(Format::Flac, &flac);
	let noise: Vec<u8> = (0..500_000u32)
		.map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
		.collect();
	vec![
		("a text after itself", twice),
		("spaces after a text", repeated(" ")),
		("blank lines after a text", repeated("\n")),
		("a word again and again", repeated("again ")),
		("a line again and again", repeated("and so on, and so on\n")),
		(
			"a text as PDF with noise",
			over(Format::Pdf, &[b"%PDF-1.7", &noise[..]].concat(), plain_text),
		),
		("bmp for png", over(Format::Bmp, &bmp, plain_png)),
		(
			"noise after a png",
			over(Format::Png, &[&png[..], &noise].concat(), plain_png),
		),
		("wav for flac", over(Format::Wav, &wav, plain_flac)),
		(
			"noise after a wav",
			over(Format::Wav, &[&wav[..], &noise].concat(), plain_flac),
		),
	]
}

fn png(width: u32, height: u32) -> Vec<u8> {
	let mut file = [
		b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
		&width.to_be_bytes()[..],
		&height.to_be_bytes(),
	]
	.concat();
	file.resize((width * height * 6 / 5) as usize, 0);
	file
}

fn bmp(width: u32, height: u32) -> Vec<u8> {
	let mut file = [
		&b"BM"[..],
		&[0; 12],
		&40u32.to_le_bytes(),
		&width.to_le_bytes(),
		&height.to_le_bytes(),
	]
	.concat();
	file.resize((width * height * 3) as usize + 54, 0);
	file
}

const RATE: u32 = 44_100;

fn wav(seconds: u32) -> Vec<u8> {
	let data = seconds * RATE * 2;
	let head = [
		&b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0"[..],
		&RATE.to_le_bytes(),
		&(RATE * 2).to_le_bytes(),
	];
	let mut file = [&head.concat()[..], &b"\x02\0\x10\0data"[..], &data.to_le_bytes()].concat();
	file.resize(file.len() + data as usize, 0);
	file
}

fn flac(seconds: u32) -> Vec<u8> {
	let info = u64::from(RATE) << 44 | u64::from(seconds * RATE);
	let mut file = [&b"fLaC\x80\0\0\x22"[..], &[0; 10], &info.to_be_bytes()].concat();
	file.resize((seconds * RATE) as usize, 0);
	file
}
