//! What can be said of a file before anything is sent: the same rules as the chain's, under the same names.

use std::{
	collections::HashMap,
	path::{Path, PathBuf},
};

use openledger_primitives::{
	format::{Format, Modality},
	item::{Content, Misfit, Policy},
	payload::Payload,
	quota::{day_of, resets_at, DayUse, Limits, QuotaError},
};
use serde::Serialize;

use crate::{output, time};

/// What the chain says about contributing to one Datanet now.
#[derive(Clone, Debug)]
pub struct Rules {
	pub modality: Modality,
	pub policy: Policy,
	pub limits: Limits,
	/// Unix time in milliseconds of the newest block.
	pub now: u64,
	pub used: DayUse,
	pub datanet_used: DayUse,
}

/// What is left of today's quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct QuotaLeft {
	pub files: u32,
	pub bytes: u32,
	pub datanet_bytes: u32,
	/// Unix time in milliseconds.
	pub resets_at: u64,
}

impl Rules {
	/// The Datanet's cap or the chain's, whichever is less.
	pub fn max_file_bytes(&self) -> u32 {
		self.policy.max_file_bytes.min(self.limits.file_bytes)
	}

	pub fn quota_left(&self) -> QuotaLeft {
		let day = day_of(self.now);
		let (used, datanet_used) = (self.used.on(day), self.datanet_used.on(day));
		QuotaLeft {
			files: self.limits.account_files.saturating_sub(used.files),
			bytes: self.limits.account_bytes.saturating_sub(used.bytes),
			datanet_bytes: self.limits.datanet_bytes.saturating_sub(datanet_used.bytes),
			resets_at: resets_at(self.now),
		}
	}

	/// A sentence for people about what is left.
	pub fn describe(&self) -> String {
		let left = self.quota_left();
		format!(
			"Left of today's quota: {} of {} files, {} of {}, {} of {} for this Datanet. It resets at {} (in {}).",
			left.files,
			self.limits.account_files,
			output::bytes(left.bytes.into()),
			output::bytes(self.limits.account_bytes.into()),
			output::bytes(left.datanet_bytes.into()),
			output::bytes(self.limits.datanet_bytes.into()),
			time::utc(left.resets_at),
			time::span(left.resets_at.saturating_sub(self.now)),
		)
	}
}

/// Why a file would be refused, or would only cost its fee. The names are the chain's where the chain has the rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
	UnknownExtension,
	WrongFormat(Format, Modality),
	EmptyFile,
	FileTooLarge {
		size: u64,
		cap: u32,
	},
	FileTooSmall {
		size: u32,
		least: u32,
	},
	FormatNotTaken(Format),
	/// The bytes are not what the extension says: the chain cannot see that, validators do.
	ContentMismatch(Format),
	ContentAlreadyAccepted(u64),
	/// The same bytes as an earlier file of this command.
	DuplicateFile(PathBuf),
	DailyFilesExceeded,
	DailyBytesExceeded,
	DatanetDailyBytesExceeded,
}

impl Problem {
	pub fn name(&self) -> &'static str {
		match self {
			Self::UnknownExtension => "UnknownExtension",
			Self::WrongFormat(..) => "WrongFormat",
			Self::EmptyFile => "EmptyFile",
			Self::FileTooLarge { .. } => "FileTooLarge",
			Self::FileTooSmall { .. } => "FileTooSmall",
			Self::FormatNotTaken(_) => "FormatNotTaken",
			Self::ContentMismatch(_) => "ContentMismatch",
			Self::ContentAlreadyAccepted(_) => "ContentAlreadyAccepted",
			Self::DuplicateFile(_) => "DuplicateFile",
			Self::DailyFilesExceeded => "DailyFilesExceeded",
			Self::DailyBytesExceeded => "DailyBytesExceeded",
			Self::DatanetDailyBytesExceeded => "DatanetDailyBytesExceeded",
		}
	}

	pub fn message(&self) -> String {
		match self {
			Self::UnknownExtension => "its extension names no format that a Datanet takes".into(),
			Self::WrongFormat(format, modality) => {
				format!(
					"a .{} file does not belong into a Datanet of {modality:?}",
					format.extension()
				)
			}
			Self::EmptyFile => "it has no bytes".into(),
			Self::FileTooLarge { size, cap } => format!("it has {size} bytes, the largest file taken has {cap}"),
			Self::FileTooSmall { size, least } => format!("it has {size} bytes, the smallest file taken has {least}"),
			Self::FormatNotTaken(format) => format!("this Datanet takes no .{} files", format.extension()),
			Self::ContentMismatch(format) => format!("its content is not what .{} says", format.extension()),
			Self::ContentAlreadyAccepted(item) => format!("the same content was accepted before, as item {item}"),
			Self::DuplicateFile(path) => format!("it has the same bytes as {}", path.display()),
			Self::DailyFilesExceeded => "no more files today".into(),
			Self::DailyBytesExceeded => "it does not fit into what is left of today's bytes".into(),
			Self::DatanetDailyBytesExceeded => "it does not fit into what is left of this Datanet's bytes today".into(),
		}
	}
}

/// A file that was read and hashed.
#[derive(Clone, Debug)]
pub struct Candidate {
	pub path: PathBuf,
	pub payload: Payload,
	/// Whether the extension named a format; without one the Datanet's plainest is assumed for `--force`.
	pub known_extension: bool,
	/// Whether the bytes are what the format says.
	pub matches: bool,
}

/// The format that a path's extension names.
pub fn format_of(path: &Path) -> Option<Format> {
	Format::from_extension(path.extension()?.to_str()?)
}

/// What a file without a known extension is sent as when it is sent all the same.
pub fn fallback_format(modality: Modality) -> Format {
	match modality {
		Modality::Text => Format::PlainText,
		Modality::Image => Format::Bmp,
		Modality::Audio => Format::Wav,
	}
}

/// The problem of each file, in order; the quota is charged with those that have none. `contents` are what the chain
/// knows of each file's content.
pub fn check(rules: &Rules, files: &[Candidate], contents: &[Content]) -> Vec<Option<Problem>> {
	let day = day_of(rules.now);
	let (mut used, mut datanet_used) = (rules.used, rules.datanet_used);
	let mut seen: HashMap<[u8; 32], &Path> = HashMap::new();
	let mut problems = Vec::with_capacity(files.len());
	for (file, content) in files.iter().zip(contents) {
		let mut problem = own_problem(rules, file, content);
		if problem.is_none() {
			problem = seen
				.get(&file.payload.sha256)
				.map(|first| Problem::DuplicateFile(first.to_path_buf()));
		}
		if problem.is_none() {
			let size = file.payload.size;
			let limits = &rules.limits;
			match (
				used.charge(day, size, limits.account_bytes, limits.account_files),
				datanet_used.charge(day, size, limits.datanet_bytes, u32::MAX),
			) {
				(Ok(next), Ok(datanet_next)) => (used, datanet_used) = (next, datanet_next),
				(Err(QuotaError::Files), _) => problem = Some(Problem::DailyFilesExceeded),
				(Err(QuotaError::Bytes), _) => problem = Some(Problem::DailyBytesExceeded),
				(Ok(_), Err(_)) => problem = Some(Problem::DatanetDailyBytesExceeded),
			}
		}
		seen.entry(file.payload.sha256).or_insert(&file.path);
		problems.push(problem);
	}
	problems
}

/// What is wrong with a file by itself.
fn own_problem(rules: &Rules, file: &Candidate, content: &Content) -> Option<Problem> {
	let Payload { size, format, .. } = file.payload;
	if !file.known_extension {
		return Some(Problem::UnknownExtension);
	}
	let policy = &rules.policy;
	if let Err(misfit) = policy.check(rules.modality, rules.limits.file_bytes, size, format) {
		return Some(match misfit {
			Misfit::Empty => Problem::EmptyFile,
			Misfit::TooLarge => Problem::FileTooLarge {
				size: size.into(),
				cap: rules.max_file_bytes(),
			},
			Misfit::TooSmall => Problem::FileTooSmall {
				size,
				least: policy.min_file_bytes,
			},
			Misfit::WrongFormat => Problem::WrongFormat(format, rules.modality),
			Misfit::FormatNotTaken => Problem::FormatNotTaken(format),
		});
	}
	if !file.matches {
		return Some(Problem::ContentMismatch(format));
	}
	content.accepted.map(Problem::ContentAlreadyAccepted)
}

#[cfg(test)]
mod tests {
	use super::*;
	use openledger_primitives::{format::FormatSet, payload::CidCodec};

	fn rules() -> Rules {
		Rules {
			modality: Modality::Text,
			policy: Policy::open(Modality::Text, 1_000),
			limits: Limits {
				file_bytes: 1_000,
				account_bytes: 5_000,
				account_files: 3,
				datanet_bytes: 2_000,
			},
			now: 86_400_000 * 20_000 + 3_600_000,
			used: DayUse::default(),
			datanet_used: DayUse::default(),
		}
	}

	fn file(name: &str, digest: u8, size: u32) -> Candidate {
		let format = format_of(Path::new(name));
		Candidate {
			path: name.into(),
			payload: Payload {
				sha256: [digest; 32],
				root: [digest; 32],
				codec: CidCodec::Raw,
				size,
				format: format.unwrap_or(Format::PlainText),
			},
			known_extension: format.is_some(),
			matches: true,
		}
	}

	fn names(rules: &Rules, files: &[Candidate], contents: &[Content]) -> Vec<Option<&'static str>> {
		check(rules, files, contents)
			.iter()
			.map(|problem| problem.as_ref().map(Problem::name))
			.collect()
	}

	#[test]
	fn each_bad_file_should_be_named() {
		let mut lie = file("lie.md", 5, 10);
		lie.matches = false;
		let files = [
			file("good.md", 1, 10),
			file("empty.md", 2, 0),
			file("large.txt", 3, 1_001),
			file("picture.png", 4, 10),
			lie,
			file("archive.zip", 6, 10),
			file("again.md", 1, 10),
			file("known.md", 7, 10),
		];
		let mut contents = vec![Content::default(); files.len()];
		contents[7].accepted = Some(3);
		let expected = [
			None,
			Some("EmptyFile"),
			Some("FileTooLarge"),
			Some("WrongFormat"),
			Some("ContentMismatch"),
			Some("UnknownExtension"),
			Some("DuplicateFile"),
			Some("ContentAlreadyAccepted"),
		];
		assert_eq!(names(&rules(), &files, &contents), expected);
	}

	#[test]
	fn files_outside_the_policy_should_be_named() {
		let mut rules = rules();
		rules.policy.min_file_bytes = 20;
		rules.policy.formats = FormatSet::of(&[Format::Markdown]);
		let files = [file("a.md", 1, 20), file("small.md", 2, 19), file("plain.txt", 3, 20)];
		assert_eq!(
			names(&rules, &files, &[Content::default(); 3]),
			[None, Some("FileTooSmall"), Some("FormatNotTaken")]
		);
	}

	#[test]
	fn the_quota_should_be_charged_in_order_and_only_by_good_files() {
		let contents = vec![Content::default(); 5];
		let files: Vec<_> = (0..5).map(|n| file("a.md", n, 900)).collect();
		let bytes = Some("DatanetDailyBytesExceeded");
		assert_eq!(names(&rules(), &files, &contents), [None, None, bytes, bytes, bytes]);
		let small: Vec<_> = (0..5).map(|n| file("a.md", n, 9)).collect();
		let files_exceeded = Some("DailyFilesExceeded");
		assert_eq!(
			names(&rules(), &small, &contents),
			[None, None, None, files_exceeded, files_exceeded]
		);
	}

	#[test]
	fn yesterdays_use_should_not_count() {
		let mut rules = rules();
		rules.used = DayUse {
			day: 19_999,
			bytes: 5_000,
			files: 3,
		};
		assert_eq!(rules.quota_left().files, 3);
		rules.used.day = 20_000;
		assert_eq!((rules.quota_left().files, rules.quota_left().bytes), (0, 0));
		assert!(rules.describe().contains("0 of 3 files"));
		assert!(rules.describe().contains("in 23 h 0 min"));
	}
}
