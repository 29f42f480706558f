//! From ids to text, piece by piece.

use openledger_model::{ModelTokenizer, Result};

/// Text of ids as they come. A piece is given out once no later id can change it: a character's bytes may be spread over
/// several ids, and a stop string over several pieces.
pub(crate) struct TextStream {
	ids: Vec<u32>,
	/// Ids before this one are only context: decoders treat a first id in a way of its own.
	context: usize,
	/// Ids before this one are in `text`.
	read: usize,
	/// All of it, what is held back included.
	text: String,
	/// Bytes of it that were given out.
	given: usize,
	stop: Vec<String>,
}

impl TextStream {
	pub(crate) fn new(stop: Vec<String>) -> Self {
		Self {
			ids: Vec::new(),
			context: 0,
			read: 0,
			text: String::new(),
			given: 0,
			stop,
		}
	}

	/// How many ids came.
	pub(crate) fn len(&self) -> usize {
		self.ids.len()
	}

	/// Takes an id; returns whether a stop string is complete.
	pub(crate) fn push(&mut self, id: u32, tokenizer: &ModelTokenizer) -> Result<bool> {
		self.ids.push(id);
		let before = tokenizer.decode(&self.ids[self.context..self.read])?;
		let after = tokenizer.decode(&self.ids[self.context..])?;
		let is_whole = !after.ends_with(char::REPLACEMENT_CHARACTER);
		if let (true, Some(piece)) = (is_whole, after.get(before.len()..)) {
			self.text.push_str(piece);
			self.context = self.read;
			self.read = self.ids.len();
		}
		let found = self
			.stop
			.iter()
			.filter_map(|stop| self.text[self.given..].find(stop.as_str()))
			.min();
		if let Some(at) = found {
			self.text.truncate(self.given + at);
		}
		Ok(found.is_some())
	}

	/// What can be given out now; at the end all of it.
	pub(crate) fn take(&mut self, at_end: bool) -> String {
		let held = if at_end { 0 } else { self.held() };
		let end = self.text.len() - held;
		let piece = self.text[self.given..end].to_owned();
		self.given = end;
		piece
	}

	/// All text up to here.
	pub(crate) fn text(&self) -> &str {
		&self.text
	}

	pub(crate) fn into_ids(self) -> Vec<u32> {
		self.ids
	}

	/// Bytes at the end that may be the beginning of a stop string.
	fn held(&self) -> usize {
		let rest = &self.text[self.given..];
		let begins = |stop: &String| {
			let ends = (1..stop.len()).rev().filter(|len| stop.is_char_boundary(*len));
			ends.into_iter().find(|len| rest.ends_with(&stop[..*len]))
		};
		self.stop.iter().filter_map(begins).max().unwrap_or(0)
	}
}
