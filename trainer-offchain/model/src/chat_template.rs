//! How a model wants a conversation written: the Jinja template that its folder brings, rendered as transformers renders it.

use crate::error::{ModelError, Result};
use crate::files::read_json;
use minijinja::{context, syntax::SyntaxConfig, value::Serde, Environment, Error, ErrorKind, Value as Jinja};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Part of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
	/// `system`, `user` or `assistant`; what else there is the template decides.
	pub role: String,
	/// What was said.
	pub content: String,
}

/// A chat template, or none, where the model has never seen a conversation.
pub struct ChatTemplate {
	template: Option<Template>,
}

struct Template {
	/// The file it stands in.
	path: PathBuf,
	environment: Environment<'static>,
	bos: String,
	eos: String,
}

const NAME: &str = "chat";
/// Instructions that a template may take: some thousand messages of any template in use.
const FUEL: u64 = 1_000_000;

impl ChatTemplate {
	/// Reads `chat_template.jinja`, or the `chat_template` of tokenizer_config.json. A template that does not parse is an
	/// error; a folder without one is not.
	pub fn load(dir: &Path) -> Result<Self> {
		let config_path = dir.join("tokenizer_config.json");
		let config: Value = match config_path.exists() {
			true => read_json(&config_path)?,
			false => Value::Null,
		};
		let own = dir.join("chat_template.jinja");
		let found = match own.exists() {
			true => Some((std::fs::read_to_string(&own).map_err(ModelError::io(&own))?, own)),
			false => named(&config["chat_template"]).map(|source| (source, config_path)),
		};
		let template = match found {
			Some((source, path)) => {
				let environment = environment(source)
					.map_err(|error| ModelError::config(&path, "chat_template", describe(&error)))?;
				let (bos, eos) = (special(&config["bos_token"]), special(&config["eos_token"]));
				Some(Template {
					path,
					environment,
					bos,
					eos,
				})
			}
			None => None,
		};
		Ok(Self { template })
	}

	/// Whether the model's folder has one.
	pub fn is_given(&self) -> bool {
		self.template.is_some()
	}

	/// The text that the model continues: with `answer`, up to where the assistant's next words begin. Without a template
	/// what was said, a blank line between two messages.
	///
	/// The text has its special tokens in it: it is to be encoded without adding any ([`ChatTemplate::is_given`]).
	pub fn render(&self, messages: &[Message], answer: bool) -> Result<String> {
		let Some(template) = &self.template else {
			let said: Vec<&str> = messages.iter().map(|message| message.content.as_str()).collect();
			return Ok(said.join("\n\n"));
		};
		let rendered = template.environment.get_template(NAME).and_then(|chat| {
			chat.render(context! {
				messages => Jinja::from(Serde(messages)),
				add_generation_prompt => answer,
				bos_token => template.bos.as_str(),
				eos_token => template.eos.as_str(),
			})
		});
		rendered.map_err(|error| {
			let (path, reason) = (template.path.display(), describe(&error));
			ModelError::Input(format!(
				"messages do not fit the model's chat template ({path}): {reason}"
			))
		})
	}
}

/// The template of a string, or the one called `default` in a list of them.
fn named(value: &Value) -> Option<String> {
	let text = |value: &Value| value.as_str().map(str::to_owned);
	let list = || value.as_array()?.iter().find(|one| one["name"] == "default");
	text(value).or_else(|| text(&list()?["template"]))
}

/// A special token: a string, or an object that holds it.
fn special(value: &Value) -> String {
	let text = value.as_str().or_else(|| value["content"].as_str());
	text.unwrap_or_default().to_owned()
}

/// The settings of transformers' own Jinja environment, and the functions that it gives to templates.
fn environment(source: String) -> std::result::Result<Environment<'static>, Error> {
	let mut environment = Environment::new();
	environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
	// A template comes with a model, from anybody: it must end.
	environment.set_fuel(Some(FUEL));
	environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
	environment.add_function(
		"raise_exception",
		|reason: String| -> std::result::Result<String, Error> { Err(Error::new(ErrorKind::InvalidOperation, reason)) },
	);
	// transformers marks what the assistant said by a tag that Jinja does not know; here it does nothing.
	let mut source = source;
	for (tag, from, to) in ["generation", "endgeneration"].iter().flat_map(|tag| {
		[
			(tag, "{%", "%}"),
			(tag, "{%-", "%}"),
			(tag, "{%", "-%}"),
			(tag, "{%-", "-%}"),
		]
	}) {
		source = source.replace(&format!("{from} {tag} {to}"), &format!("{from} set _ = 0 {to}"));
	}
	environment.add_template_owned(NAME, source)?;
	Ok(environment)
}

/// A Jinja error on one line, with its line in the template.
fn describe(error: &Error) -> String {
	let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
	match error.line() {
		Some(line) => format!("{reason} (line {line})"),
		None => reason,
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use serde_json::json;

	fn message(role: &str, content: &str) -> Message {
		Message {
			role: role.into(),
			content: content.into(),
		}
	}

	fn load(config: Value) -> Result<ChatTemplate> {
		let dir = tempfile::tempdir().unwrap();
		std::fs::write(dir.path().join("tokenizer_config.json"), config.to_string()).unwrap();
		ChatTemplate::load(dir.path())
	}

	/// As Qwen2.5 and others write it.
	const CHATML: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\
		{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}{% endif %}\
		{{ '<|im_start|>' + message['role'] + '\n' + message['content'].strip() + '<|im_end|>' + '\n' }}{% endfor %}\
		{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

	#[test]
	fn a_template_should_be_rendered_as_transformers_does() {
		let template = load(json!({ "chat_template": CHATML })).unwrap();
		let text = template.render(&[message("user", " Hi ")], true).unwrap();
		assert_eq!(
			text,
			"<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
		);
		let whole = [message("system", "s"), message("user", "u"), message("assistant", "a")];
		assert!(template
			.render(&whole, false)
			.unwrap()
			.ends_with("assistant\na<|im_end|>\n"));
	}

	#[test]
	fn tokens_lists_and_blocks_should_be_understood() {
		let source = "{{ bos_token }}\n    {% for m in messages %}\n{% generation %}\n{{ m.content }}{{ eos_token }}\n{% endgeneration %}\n    {% endfor %}\n";
		let template = load(json!({
			"chat_template": [{ "name": "tool_use", "template": "no" }, { "name": "default", "template": source }],
			"bos_token": "<s>",
			"eos_token": { "content": "</s>" },
		}));
		let text = template
			.unwrap()
			.render(&[message("user", "a"), message("user", "b")], false);
		assert_eq!(text.unwrap(), "<s>\na</s>\nb</s>\n");
	}

	#[test]
	fn a_folder_without_a_template_should_join_what_was_said() {
		let template = load(json!({})).unwrap();
		assert!(!template.is_given());
		let text = template.render(&[message("system", "a"), message("user", "b")], true);
		assert_eq!(text.unwrap(), "a\n\nb");
	}

	#[test]
	fn what_a_template_refuses_should_be_said() {
		let template = load(json!({ "chat_template": "{{ raise_exception('roles must alternate') }}" })).unwrap();
		let error = template.render(&[], true).unwrap_err().to_string();
		assert!(error.contains("roles must alternate"), "{error}");
		let error = load(json!({ "chat_template": "{% if %}" })).err().unwrap().to_string();
		assert!(error.contains("chat_template") && error.contains("line 1"), "{error}");
	}
}
