//! What an automatic validator thinks of a file: a pure function of the bytes and of what the chain says about them, so
//! that every honest validator says the same.
//!
//! In this order, and the first failure decides: identity (size, sha2-256, CID), proof of possession, format, a text
//! that can be read, content accepted before, quality.
//!
//! ## Text
//!
//! Markdown and plain text are UTF-8, taken as they are; of PDF and Word it is what [`openledger_extract`] reads. How much
//! there is of a file is measured by [`crate::units`].
//!
//! ## Quality of a text
//!
//! Rejected as low quality: fewer than [`MIN_VISIBLE`] visible characters; fewer units than
//! [`MIN_RATIO`] of its bytes, which is repetition; fewer than [`MIN_LETTERS`] letters among visible characters; more
//! than [`MAX_GIBBERISH`] of the letters in words that no language has (longer than 40 letters, or six or more Latin
//! letters without a vowel).
//!
//! Else the score, 20 to 100, is a weighted sum of four parts, each from 0 to 1: length (logarithmic, full at 4 KiB,
//! weight 40), variety (units by bytes, full at [`FULL_RATIO`], weight 25), vocabulary (distinct words by the square
//! root of twice the words, full at 1, weight 20), letters (their share of visible characters, full at 0.7, weight 15).

use std::collections::HashSet;

use openledger_primitives::{
	format::Modality,
	payload::{possession, Payload},
	vote::{Reason, Verdict, MAX_SCORE},
};

use crate::units;

/// Visible characters that a text needs: two lines.
pub const MIN_VISIBLE: usize = 40;
/// Units by bytes below which a text repeats itself.
pub const MIN_RATIO: f64 = 0.06;
/// Units by bytes from which on a text counts as various: what prose reaches.
pub const FULL_RATIO: f64 = 0.45;
/// Letters among visible characters below which a file is a dump of numbers or symbols.
pub const MIN_LETTERS: f64 = 0.3;
/// Letters in words that are none, among all letters.
pub const MAX_GIBBERISH: f64 = 0.4;
/// Shorter texts compress badly whatever they say, and badly is not repetition.
const RATIO_FROM_BYTES: usize = 512;

/// What the chain says about a file.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
	pub payload: &'a Payload,
	/// The contributor.
	pub account: &'a [u8; 32],
	pub possession: &'a [u8; 32],
	/// The Datanet's.
	pub modality: Modality,
	/// Whether another item with this content was accepted.
	pub accepted_before: bool,
}

/// The verdict on `bytes`; `None` for a modality that has no automatic check, which a person has to judge.
pub fn judge(claim: &Claim<'_>, bytes: &[u8]) -> Option<Verdict> {
	if claim.modality != Modality::Text {
		return None;
	}
	Some(match examine(claim, bytes) {
		Ok((score, units)) => Verdict::Accept { score, units },
		Err(reason) => Verdict::Reject { reason },
	})
}

fn examine(claim: &Claim<'_>, bytes: &[u8]) -> Result<(u8, u32), Reason> {
	// Bytes that are not what the chain names were never held by whoever named them.
	if !is_identical(claim.payload, bytes) || possession(claim.account, bytes) != *claim.possession {
		return Err(Reason::NotPossessed);
	}
	let format = claim.payload.format;
	if format.modality() != claim.modality || !format.matches(bytes) {
		return Err(Reason::WrongFormat);
	}
	let text = openledger_extract::text(format, bytes).map_err(|_| Reason::Unreadable)?;
	if text.trim().is_empty() {
		return Err(Reason::Unreadable);
	}
	if claim.accepted_before {
		return Err(Reason::Duplicate);
	}
	let score = quality(&text).ok_or(Reason::LowQuality)?;
	Ok((score, units::text(text.as_bytes())))
}

fn is_identical(payload: &Payload, bytes: &[u8]) -> bool {
	let imported = payload_store::import(bytes);
	imported.size == u64::from(payload.size) && imported.sha256 == payload.sha256 && imported.cid == payload.cid()
}

/// The score of a text, or nothing for one that is too poor to learn from.
fn quality(text: &str) -> Option<u8> {
	let visible = text.chars().filter(|character| !character.is_whitespace()).count();
	let letters = text.chars().filter(|character| character.is_alphabetic()).count();
	if visible < MIN_VISIBLE || (letters as f64) < MIN_LETTERS * visible as f64 {
		return None;
	}
	let ratio = f64::from(units::text(text.as_bytes())) / text.len() as f64;
	if text.len() >= RATIO_FROM_BYTES && ratio < MIN_RATIO {
		return None;
	}
	let words: Vec<String> = text
		.split(|character: char| !character.is_alphabetic())
		.filter(|word| !word.is_empty())
		.map(str::to_lowercase)
		.collect();
	let gibberish: usize = words
		.iter()
		.filter(|word| is_no_word(word))
		.map(|word| word.chars().count())
		.sum();
	if gibberish as f64 > MAX_GIBBERISH * letters as f64 {
		return None;
	}
	let distinct = words.iter().collect::<HashSet<_>>().len();
	let parts = [
		(40., (text.len() as f64).ln_1p() / 4_096f64.ln_1p()),
		(25., ratio / FULL_RATIO),
		(20., distinct as f64 / (2. * words.len() as f64).sqrt()),
		(15., letters as f64 / visible as f64 / 0.7),
	];
	let score: f64 = parts.iter().map(|(weight, part)| weight * part.clamp(0., 1.)).sum();
	Some(score.round().clamp(20., f64::from(MAX_SCORE)) as u8)
}

/// Whether a word in lower case is none of any language: too long, or Latin and without a vowel.
fn is_no_word(word: &str) -> bool {
	let length = word.chars().count();
	// Scripts without spaces make long runs of letters; only Latin ones are judged by length.
	let latin = word.bytes().all(|byte| byte.is_ascii_lowercase());
	latin && (length > 40 || length >= 6 && !word.contains(['a', 'e', 'i', 'o', 'u', 'y']))
}

#[cfg(test)]
mod tests {
	use super::*;
	use openledger_primitives::format::Format;

	const ACCOUNT: [u8; 32] = [7; 32];
	const GOOD: &str = "# A small library\n\nIt reads configuration files, checks every value against its range, and \
		explains what is wrong in a sentence. The parser keeps the position of each token, so that an error names its \
		line and column.\n\n## Usage\n\nAdd it to your manifest, call `load` with a path, and match on the result. Nothing \
		is read twice; large files are mapped into memory when the platform allows it.\n";

	fn verdict_of(bytes: &[u8], format: Format, change: impl Fn(&mut Payload, &mut [u8; 32], &mut bool)) -> Verdict {
		let mut payload = payload_store::import(bytes).payload(format);
		let mut proof = possession(&ACCOUNT, bytes);
		let mut accepted_before = false;
		change(&mut payload, &mut proof, &mut accepted_before);
		let claim = Claim {
			payload: &payload,
			account: &ACCOUNT,
			possession: &proof,
			modality: Modality::Text,
			accepted_before,
		};
		judge(&claim, bytes).unwrap()
	}

	fn plain(bytes: &[u8]) -> Verdict {
		verdict_of(bytes, Format::Markdown, |_, _, _| {})
	}

	fn rejected(reason: Reason) -> Verdict {
		Verdict::Reject { reason }
	}

	#[test]
	fn a_real_text_should_be_accepted_with_its_units() {
		let Verdict::Accept { score, units } = plain(GOOD.as_bytes()) else {
			panic!("rejected")
		};
		assert!((60..=95).contains(&score), "score {score}");
		assert_eq!(units, crate::units::text(GOOD.as_bytes()));
		assert_eq!(plain(GOOD.as_bytes()), plain(GOOD.as_bytes()));
	}

	#[test]
	fn longer_text_should_score_no_lower_and_padding_should_earn_next_to_nothing() {
		let Verdict::Accept {
			score: short,
			units: once,
		} = plain(GOOD.as_bytes())
		else {
			panic!()
		};
		let longer = format!("{GOOD}\n{}", GOOD.replace("file", "stream").replace("reads", "writes"));
		let Verdict::Accept { units: padded, .. } = plain(format!("{GOOD}{GOOD}").as_bytes()) else {
			panic!()
		};
		assert!(padded < once + once / 10, "{padded} after padding, {once} before");
		let Verdict::Accept { score: long, .. } = plain(longer.as_bytes()) else {
			panic!()
		};
		assert!(long + 10 >= short);
	}

	#[test]
	fn each_lie_should_have_its_reason() {
		let good = GOOD.as_bytes();
		let check = |change: fn(&mut Payload, &mut [u8; 32], &mut bool)| verdict_of(good, Format::Markdown, change);
		assert_eq!(
			check(|payload, _, _| payload.sha256[0] ^= 1),
			rejected(Reason::NotPossessed)
		);
		assert_eq!(check(|payload, _, _| payload.size += 1), rejected(Reason::NotPossessed));
		assert_eq!(check(|_, proof, _| proof[31] ^= 1), rejected(Reason::NotPossessed));
		assert_eq!(check(|_, _, before| *before = true), rejected(Reason::Duplicate));
		assert_eq!(
			check(|payload, _, _| payload.format = Format::Pdf),
			rejected(Reason::WrongFormat)
		);
		assert_eq!(
			check(|payload, _, _| payload.format = Format::Png),
			rejected(Reason::WrongFormat)
		);
		assert_eq!(plain(b"\x89PNG\r\n\x1a\n and more"), rejected(Reason::WrongFormat));
	}

	#[test]
	fn what_holds_no_text_should_be_unreadable() {
		assert_eq!(plain(b""), rejected(Reason::Unreadable));
		assert_eq!(plain(b" \n\t\r\n "), rejected(Reason::Unreadable));
	}

	#[test]
	fn repetition_noise_and_dumps_should_be_of_low_quality() {
		let low = rejected(Reason::LowQuality);
		assert_eq!(plain(b"too short"), low);
		assert_eq!(plain("the same line again and again\n".repeat(200).as_bytes()), low);
		let numbers: String = (0..2_000).map(|n| format!("{}, ", n * 7_919 % 10_007)).collect();
		assert_eq!(plain(numbers.as_bytes()), low);
		let mut state = 1u64;
		let mut letter = || {
			state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
			char::from(b'a' + (state >> 33) as u8 % 26)
		};
		let noise: String = (0..4_000).map(|_| letter()).collect();
		assert_eq!(plain(noise.as_bytes()), low);
		let consonants: String = noise
			.chars()
			.filter(|c| !"aeiouy".contains(*c))
			.enumerate()
			.flat_map(|(n, c)| if n % 9 == 8 { vec![c, ' '] } else { vec![c] })
			.collect();
		assert_eq!(plain(consonants.as_bytes()), low);
	}

	#[test]
	fn other_scripts_should_not_be_gibberish() {
		let chinese = "这是一个小型的开源库用来读取配置文件并检查每个值的范围当出现错误时它会说明原因以及所在的行和列方便使用者修改";
		assert!(plain(chinese.as_bytes()).is_accept());
		let german =
			"Diese Bibliothek liest Einstellungen, prüft jeden Wert und erklärt Fehler in einem verständlichen Satz.";
		assert!(plain(german.as_bytes()).is_accept());
	}

	fn document(name: &str) -> Vec<u8> {
		let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/documents");
		std::fs::read(folder.join(name)).unwrap()
	}

	#[test]
	fn documents_should_be_judged_by_their_text() {
		for (name, format) in [("notes.pdf", Format::Pdf), ("notes.docx", Format::Docx)] {
			let bytes = document(name);
			let text = openledger_extract::text(format, &bytes).unwrap();
			let same = plain(text.as_bytes());
			assert!(same.is_accept(), "{same:?}");
			assert_eq!(verdict_of(&bytes, format, |_, _, _| {}), same);
		}
		let cut = b"%PDF-1.7 something that looks like one";
		assert_eq!(verdict_of(cut, Format::Pdf, |_, _, _| {}), rejected(Reason::Unreadable));
	}

	#[test]
	fn other_modalities_should_be_judged_by_people() {
		let payload = payload_store::import(b"BM....").payload(Format::Bmp);
		let proof = possession(&ACCOUNT, b"BM....");
		let claim = Claim {
			payload: &payload,
			account: &ACCOUNT,
			possession: &proof,
			modality: Modality::Image,
			accepted_before: false,
		};
		assert_eq!(judge(&claim, b"BM...."), None);
	}
}
