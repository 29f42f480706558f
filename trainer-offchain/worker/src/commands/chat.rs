//! `chat`: a model continues a text; with `--compare`, base and tuned do.

use super::ModelArgs;
use anyhow::{bail, Result};
use openledger_model::{AdapterSet, Decoder, ModelTokenizer};
use openledger_serve::{generate, Generation, GenerationOptions};
use serde_json::json;
use std::io::{BufRead, IsTerminal, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
	#[command(flatten)]
	model: ModelArgs,
	/// Text to continue; without it, lines are read from the terminal
	#[arg(long)]
	prompt: Option<String>,
	/// Most tokens to write
	#[arg(long, default_value_t = 128)]
	max_new_tokens: usize,
	/// 0 takes the likeliest token always
	#[arg(long, default_value_t = 0.8)]
	temperature: f64,
	/// Share of the probability that is drawn from
	#[arg(long)]
	top_p: Option<f64>,
	/// How many of the likeliest tokens are drawn from
	#[arg(long)]
	top_k: Option<usize>,
	/// Above 1, what was there before becomes less likely
	#[arg(long, default_value_t = 1.0)]
	repetition_penalty: f32,
	/// A text that ends the answer; may be given more than once
	#[arg(long, value_name = "TEXT")]
	stop: Vec<String>,
	/// Seed of the draw
	#[arg(long, default_value_t = 42)]
	seed: u64,
	/// Let the base model answer too
	#[arg(long)]
	compare: bool,
	/// Print JSON (with --prompt)
	#[arg(long, requires = "prompt")]
	json: bool,
}

/// Who answers: the base model, its tuned form, or both.
struct Chat {
	base: Decoder,
	voices: Vec<(&'static str, Option<AdapterSet>)>,
	tokenizer: ModelTokenizer,
	options: GenerationOptions,
}

pub fn run(args: Args) -> Result<ExitCode> {
	if args.compare && args.model.adapter.is_none() {
		bail!("--compare shows the model with and without its adapter: name one by --adapter DIR");
	}
	let options = GenerationOptions {
		max_tokens: args.max_new_tokens,
		temperature: args.temperature,
		top_p: args.top_p,
		top_k: args.top_k,
		repetition_penalty: args.repetition_penalty,
		seed: args.seed,
		stop: args.stop,
	};
	if let Some((name, reason)) = options.fault() {
		let flag = if name == "max_tokens" {
			"max-new-tokens".to_owned()
		} else {
			name.replace('_', "-")
		};
		bail!("--{flag}: {reason}");
	}
	let base = args.model.load()?;
	let tokenizer = args.model.tokenizer(&base)?;
	let mut voices = Vec::new();
	if args.compare || args.model.adapter.is_none() {
		voices.push(("base", None));
	}
	if args.model.adapter.is_some() {
		voices.push(("tuned", Some(args.model.tuned(&base)?.detach_adapter())));
	}
	let chat = Chat {
		base,
		voices,
		tokenizer,
		options,
	};
	match args.prompt {
		Some(prompt) if args.json => chat.answer_json(&prompt)?,
		Some(prompt) => chat.answer(&prompt)?,
		None => chat.converse()?,
	}
	Ok(ExitCode::SUCCESS)
}

impl Chat {
	fn answer_json(&self, prompt: &str) -> Result<()> {
		let mut answers = json!({ "prompt": prompt });
		for (name, adapter) in &self.voices {
			let made = self.generate(adapter.as_ref(), prompt, &mut |_| ControlFlow::Continue(()))?;
			answers[*name] = json!({ "answer": made.text, "tokens": made.ids.len() });
		}
		super::print_json(&answers)
	}

	/// Streams each model's answer.
	fn answer(&self, prompt: &str) -> Result<()> {
		let mut out = std::io::stdout().lock();
		for (name, adapter) in &self.voices {
			if self.voices.len() > 1 {
				writeln!(out, "--- {name}")?;
			}
			let mut gone = Ok(());
			self.generate(adapter.as_ref(), prompt, &mut |text| {
				gone = write!(out, "{text}").and_then(|()| out.flush());
				if gone.is_err() {
					ControlFlow::Break(())
				} else {
					ControlFlow::Continue(())
				}
			})?;
			gone?;
			writeln!(out)?;
		}
		Ok(())
	}

	fn generate(
		&self,
		adapter: Option<&AdapterSet>,
		prompt: &str,
		on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
	) -> Result<Generation> {
		let options = self.options.clone();
		Ok(generate(
			&self.base,
			adapter,
			&self.tokenizer,
			prompt,
			options,
			on_text,
		)?)
	}

	/// Answers line after line, each on its own, until the input ends.
	fn converse(&self) -> Result<()> {
		let terminal = std::io::stdin().is_terminal();
		if terminal {
			eprintln!("Each line is continued on its own. Ctrl-D ends.");
		}
		let mut lines = std::io::stdin().lock().lines();
		loop {
			if terminal {
				eprint!("> ");
			}
			match lines.next() {
				Some(line) => self.answer(&line?)?,
				None => return Ok(()),
			}
		}
	}
}
