//! From documents to ids: plain text by the tokenizer, conversations by the model's own chat template.

use crate::data::Document;
use crate::error::{FinetuneError, Result};
use crate::sequence::Sequence;
use openledger_model::config::DecoderConfig;
use openledger_model::{ChatTemplate, Message, ModelTokenizer};
use std::ops::Range;
use std::path::Path;

/// A model's tokenizer and chat template.
pub struct Encoder {
	/// The tokenizer.
	pub tokenizer: ModelTokenizer,
	/// The template.
	pub template: ChatTemplate,
}

impl Encoder {
	/// Reads both from a model's folder, if any of the documents is not made of ids.
	pub fn load(dir: &Path, config: &DecoderConfig, documents: &[Document]) -> Result<Option<Self>> {
		if documents.iter().all(|document| matches!(document, Document::Ids(_))) {
			return Ok(None);
		}
		Ok(Some(Self {
			tokenizer: ModelTokenizer::load(dir, config)?,
			template: ChatTemplate::load(dir)?,
		}))
	}

	fn text(&self, text: &str) -> Result<Sequence> {
		Ok(Sequence::of(&self.tokenizer.encode_document(text)?))
	}

	/// Of a conversation what the assistant said counts; without a template it is a text like any other.
	fn chat(&self, messages: &[Message]) -> std::result::Result<Sequence, String> {
		let readable = |error: FinetuneError| error.to_string();
		if !self.template.is_given() {
			return self.text(&plain(messages)).map_err(readable);
		}
		let (text, answers) = rendered(&self.template, messages)?;
		let tokens = self
			.tokenizer
			.encode_with_ends(&text)
			.map_err(|error| readable(error.into()))?;
		let ids: Vec<u32> = tokens.iter().map(|(id, _)| *id).collect();
		// A token that begins before an answer and ends in it is part of it: no other predicts that part.
		let is_said = |at: usize| {
			let end = tokens[at].1;
			answers.iter().any(|answer| answer.start < end && end <= answer.end)
		};
		Ok(Sequence::masked(&ids, is_said))
	}
}

/// A conversation as plain text, one `role: content` line a message: what a model without a chat template reads.
fn plain(messages: &[Message]) -> String {
	let line = |message: &Message| format!("{}: {}\n", message.role, message.content);
	messages.iter().map(line).collect()
}

/// A conversation as the model wants it, and where in it the assistant speaks: from where it is asked to, to the end of
/// what the template makes of its message.
fn rendered(template: &ChatTemplate, messages: &[Message]) -> std::result::Result<(String, Vec<Range<usize>>), String> {
	let render = |until: usize, answer: bool| {
		template
			.render(&messages[..until], answer)
			.map_err(|error| error.to_string())
	};
	let text = render(messages.len(), false)?;
	let mut answers = Vec::new();
	for (at, _) in messages.iter().enumerate().filter(|(_, m)| m.role == "assistant") {
		let (before, with) = (render(at, true)?, render(at + 1, false)?);
		if !with.starts_with(&before) || !text.starts_with(&with) {
			return Err(format!(
				"the chat template writes what stands before or in message {} differently once more is said, so that what \
				 the assistant said cannot be told from the rest",
				at + 1
			));
		}
		answers.push(before.len()..with.len());
	}
	if answers.is_empty() {
		return Err("no message is the assistant's: there is nothing to learn".into());
	}
	Ok((text, answers))
}

/// Every document's text. An encoder is needed only where not all are ids.
pub fn encode(documents: &[Document], encoder: Option<&Encoder>) -> Result<Vec<Sequence>> {
	use rayon::prelude::*;
	let one = |(at, document): (usize, &Document)| match (document, encoder) {
		(Document::Ids(ids), _) => Ok(Sequence::of(ids)),
		(Document::Text(text), Some(encoder)) => encoder.text(text),
		(Document::Chat(messages), Some(encoder)) => encoder
			.chat(messages)
			.map_err(|reason| FinetuneError::Chat { number: at + 1, reason }),
		(_, None) => Err(FinetuneError::config("data", "holds text, but there is no tokenizer")),
	};
	documents.par_iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use openledger_model::config::RawConfig;
	use openledger_model::ops::IGNORE;
	use serde_json::json;

	const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/tiny-llama/model");

	fn encoder(template: Option<&str>) -> Encoder {
		let dir = tempfile::tempdir().unwrap();
		if let Some(template) = template {
			let config = json!({ "chat_template": template });
			std::fs::write(dir.path().join("tokenizer_config.json"), config.to_string()).unwrap();
		}
		let config = DecoderConfig::from_raw(&RawConfig::read(Path::new(FIXTURE)).unwrap()).unwrap();
		Encoder {
			tokenizer: ModelTokenizer::load(Path::new(FIXTURE), &config).unwrap(),
			template: ChatTemplate::load(dir.path()).unwrap(),
		}
	}

	fn messages(parts: &[(&str, &str)]) -> Vec<Message> {
		let message = |(role, content): &(&str, &str)| Message {
			role: (*role).into(),
			content: (*content).into(),
		};
		parts.iter().map(message).collect()
	}

	const TURNS: &str = "{% for m in messages %}[{{ m.role }}]\n{{ m.content }}<|endoftext|>\n{% endfor %}\
		{% if add_generation_prompt %}[assistant]\n{% endif %}";

	/// The text of what counts, each stretch by itself.
	fn learned(encoder: &Encoder, sequence: &Sequence) -> Vec<String> {
		let stretches = sequence.targets.split(|target| *target == IGNORE);
		let stretches = stretches.filter(|part| !part.is_empty());
		let text = |ids: &[u32]| ids.iter().map(|id| encoder.tokenizer.piece(*id)).collect();
		stretches.map(text).collect()
	}

	#[test]
	fn what_the_assistant_said_should_count_and_nothing_else() {
		let encoder = encoder(Some(TURNS));
		let talk = messages(&[
			("system", "Be kind."),
			("user", "Who?"),
			("assistant", "A ledger."),
			("user", "More"),
			("assistant", "No"),
		]);
		let sequence = encoder.chat(&talk).unwrap();
		// The tokenizer writes a line's end as Ċ and a blank as Ġ.
		assert_eq!(
			learned(&encoder, &sequence),
			["AĠledger.<|endoftext|>Ċ", "No<|endoftext|>Ċ"]
		);
		let whole = encoder
			.tokenizer
			.encode(&encoder.template.render(&talk, false).unwrap(), false);
		assert_eq!(sequence.ids, whole.unwrap()[..sequence.len()]);
	}

	#[test]
	fn conversation_should_be_plain_text_without_a_template() {
		let encoder = encoder(None);
		let sequence = encoder.chat(&messages(&[("user", "hi"), ("assistant", "ho")])).unwrap();
		let text = encoder.tokenizer.encode_document("user: hi\nassistant: ho\n").unwrap();
		assert_eq!(sequence, Sequence::of(&text));
	}

	#[test]
	fn conversation_should_be_refused_by_its_number_when_the_template_does_not_allow_it() {
		// As those that drop earlier thoughts: a message is written another way once it is not the last.
		let forgetful = "{% for m in messages %}[{{ m.role }}]{% if loop.last %}{{ m.content }}{% endif %}{% endfor %}\
			{% if add_generation_prompt %}[assistant]{% endif %}";
		let strict = "{{ raise_exception('roles must alternate') }}";
		let talk = Document::Chat(messages(&[("user", "a"), ("assistant", "b"), ("user", "c")]));
		let silent = Document::Chat(messages(&[("user", "a")]));
		for (template, document, reason) in [
			(forgetful, &talk, "differently once more is said"),
			(strict, &talk, "roles must alternate"),
			(TURNS, &silent, "no message is the assistant's"),
		] {
			let documents = [Document::Text("fine".into()), document.clone()];
			let error = encode(&documents, Some(&encoder(Some(template)))).unwrap_err();
			assert!(matches!(error, FinetuneError::Chat { number: 2, .. }), "{error}");
			assert!(error.to_string().contains(reason), "{error}");
		}
	}
}
