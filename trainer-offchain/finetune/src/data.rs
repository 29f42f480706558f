//! What is trained or evaluated on: a folder of text files, or a JSONL file.

use crate::error::{FinetuneError, Result};
use crate::hash::{hash_file, FileHash};
use openledger_extract::Format;
use openledger_model::Message;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// File names that count as text in a folder.
pub const TEXT_EXTENSIONS: &[&str] = &["md", "markdown", "txt", "text", "rst", "pdf", "docx"];

/// One document, as it is in the data.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
	/// Text, to be tokenized.
	Text(String),
	/// A conversation, to be rendered and tokenized.
	Chat(Vec<Message>),
	/// Ids, used as they are.
	Ids(Vec<u32>),
}

/// Documents in order, and the files they came from.
#[derive(Debug, Default)]
pub struct Dataset {
	/// In the order of the files, and of the lines in them.
	pub documents: Vec<Document>,
	/// In the order read.
	pub files: Vec<FileHash>,
}

/// Reads a folder of text files (by path, recursively), a JSONL file, or one text file.
pub fn read(path: &Path) -> Result<Dataset> {
	let mut dataset = Dataset::default();
	if path.is_dir() {
		let files = text_files(path)?;
		for file in &files {
			let name = file.strip_prefix(path).unwrap_or(file).to_string_lossy().into_owned();
			add_text(&mut dataset, file, name)?;
		}
	} else if is_text(path) {
		let name = file_name(path);
		add_text(&mut dataset, path, name)?;
	} else {
		dataset.documents = read_jsonl(path)?;
		dataset.files.push(hash_file(path, file_name(path))?);
	}
	if dataset.documents.is_empty() {
		let reason = format!(
			"holds nothing to read: expected a folder with {} files that are not empty, or a JSONL file with lines",
			TEXT_EXTENSIONS
				.iter()
				.map(|e| format!(".{e}"))
				.collect::<Vec<_>>()
				.join(" ")
		);
		return Err(FinetuneError::NoData {
			path: path.to_owned(),
			reason,
		});
	}
	Ok(dataset)
}

fn file_name(path: &Path) -> String {
	path.file_name()
		.map(|n| n.to_string_lossy().into_owned())
		.unwrap_or_default()
}

fn is_text(path: &Path) -> bool {
	path.extension()
		.and_then(|e| e.to_str())
		.is_some_and(|e| TEXT_EXTENSIONS.contains(&e.to_lowercase().as_str()))
}

/// Text files below a folder, sorted by path; hidden ones are passed over.
pub fn text_files(dir: &Path) -> Result<Vec<PathBuf>> {
	let mut found = Vec::new();
	let mut folders = vec![dir.to_owned()];
	while let Some(folder) = folders.pop() {
		for entry in std::fs::read_dir(&folder).map_err(FinetuneError::io(&folder))? {
			let path = entry.map_err(FinetuneError::io(&folder))?.path();
			if file_name(&path).starts_with('.') {
				continue;
			}
			if path.is_dir() {
				folders.push(path);
			} else if is_text(&path) {
				found.push(path);
			}
		}
	}
	found.sort_unstable();
	Ok(found)
}

/// The text of a file: of PDF and Word what a reader sees; of others the bytes, those that are not UTF-8 replaced.
pub fn read_text(path: &Path) -> Result<String> {
	let bytes = std::fs::read(path).map_err(FinetuneError::io(path))?;
	let format = path
		.extension()
		.and_then(|e| Format::from_extension(&e.to_string_lossy()));
	if let Some(format @ (Format::Pdf | Format::Docx)) = format {
		return Ok(openledger_extract::text(format, &bytes).unwrap_or_else(|error| {
			tracing::warn!("{}: {error}", path.display());
			String::new()
		}));
	}
	let text = String::from_utf8_lossy(&bytes);
	if matches!(text, std::borrow::Cow::Owned(_)) {
		tracing::warn!("{}: not UTF-8 throughout; what is not was replaced", path.display());
	}
	Ok(text.into_owned())
}

fn add_text(dataset: &mut Dataset, path: &Path, name: String) -> Result<()> {
	let text = read_text(path)?;
	dataset.files.push(hash_file(path, name)?);
	if text.trim().is_empty() {
		tracing::warn!("{}: empty, passed over", path.display());
	} else {
		dataset.documents.push(Document::Text(text));
	}
	Ok(())
}

fn read_jsonl(path: &Path) -> Result<Vec<Document>> {
	let text = std::fs::read_to_string(path).map_err(FinetuneError::io(path))?;
	let mut documents = Vec::new();
	for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
		let error = |reason: String| FinetuneError::Data {
			path: path.to_owned(),
			line: i + 1,
			reason,
		};
		let value: Value = serde_json::from_str(line).map_err(|e| error(format!("not valid JSON: {e}")))?;
		documents.push(parse_line(&value).map_err(error)?);
	}
	Ok(documents)
}

/// A line has one of `text`, `messages` and `input_ids`.
fn parse_line(value: &Value) -> std::result::Result<Document, String> {
	if let Some(ids) = value.get("input_ids") {
		let one = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok());
		let ids: Option<Vec<u32>> = ids.as_array().and_then(|ids| ids.iter().map(one).collect());
		return ids
			.map(Document::Ids)
			.ok_or_else(|| "key `input_ids`: expected a list of token ids".into());
	}
	if let Some(messages) = value.get("messages") {
		return conversation(messages).map(Document::Chat);
	}
	match value.get("text").map(Value::as_str) {
		Some(Some(text)) => Ok(Document::Text(text.to_owned())),
		Some(None) => Err("key `text`: expected a string".into()),
		None => Err("expected one of the keys `text`, `messages` and `input_ids`".into()),
	}
}

/// The messages of a conversation.
fn conversation(messages: &Value) -> std::result::Result<Vec<Message>, String> {
	let messages = messages.as_array().ok_or("key `messages`: expected a list")?;
	let one = |message: &Value| {
		let part = |key: &str| message.get(key).and_then(Value::as_str).map(str::to_owned);
		Ok(Message {
			role: part("role").ok_or("key `messages`: a message has no `role`")?,
			content: part("content").ok_or("key `messages`: a message has no `content`")?,
		})
	};
	messages.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn folder_should_be_read_in_the_order_of_paths() {
		let dir = tempfile::tempdir().unwrap();
		std::fs::create_dir(dir.path().join("a")).unwrap();
		for (name, text) in [
			("b.md", "two"),
			("a/z.TXT", "one"),
			("c.bin", "no"),
			(".hidden.md", "no"),
			("d.md", " \n"),
			("e.md", "three"),
		] {
			std::fs::write(dir.path().join(name), text).unwrap();
		}
		let dataset = read(dir.path()).unwrap();
		let texts: Vec<_> = ["one", "two", "three"]
			.iter()
			.map(|t| Document::Text((*t).to_owned()))
			.collect();
		assert_eq!(dataset.documents, texts);
		let names: Vec<_> = dataset.files.iter().map(|f| f.name.as_str()).collect();
		assert_eq!(names, ["a/z.TXT", "b.md", "d.md", "e.md"]);
		assert_eq!(
			dataset.files[1].sha256,
			"3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
		);
	}

	#[test]
	fn documents_should_be_read_as_text() {
		let dir = tempfile::tempdir().unwrap();
		let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/documents");
		for name in ["notes.pdf", "notes.docx"] {
			std::fs::copy(fixtures.join(name), dir.path().join(name)).unwrap();
		}
		std::fs::write(dir.path().join("broken.pdf"), "%PDF-1.7").unwrap();
		let dataset = read(dir.path()).unwrap();
		assert_eq!((dataset.documents.len(), dataset.files.len()), (2, 3));
		for document in dataset.documents {
			assert!(
				matches!(&document, Document::Text(text) if text.starts_with("Notes on a ledger")),
				"{document:?}"
			);
		}
	}

	#[test]
	fn jsonl_should_be_read_in_three_forms() {
		let message = |role: &str, content: &str| Message {
			role: role.into(),
			content: content.into(),
		};
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("d.jsonl");
		let lines = "{\"text\": \"a\"}\n\n{\"input_ids\": [1, 2]}\n\
			{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}, {\"role\": \"assistant\", \"content\": \"ho\"}]}\n";
		std::fs::write(&path, lines).unwrap();
		let expected = [
			Document::Text("a".into()),
			Document::Ids(vec![1, 2]),
			Document::Chat(vec![message("user", "hi"), message("assistant", "ho")]),
		];
		assert_eq!(read(&path).unwrap().documents, expected);
	}

	#[test]
	fn line_and_key_should_be_named_when_a_jsonl_is_malformed() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("d.jsonl");
		for (line, wanted) in [
			("{\"text\": 1}", "`text`"),
			("{\"input_ids\": [-1]}", "`input_ids`"),
			("{\"messages\": [{\"role\": \"user\"}]}", "`content`"),
			("{\"prompt\": \"x\"}", "`messages`"),
			("{", "not valid JSON"),
		] {
			std::fs::write(&path, format!("{{\"text\": \"fine\"}}\n{line}\n")).unwrap();
			let message = read(&path).unwrap_err().to_string();
			assert!(message.contains("d.jsonl:2") && message.contains(wanted), "{message}");
		}
		assert!(read(dir.path()).unwrap_err().to_string().contains(".md"));
		assert!(read(&dir.path().join("none")).unwrap_err().to_string().contains("none"));
	}
}
