//! `chat`: a model continues a text; with `--compare`, base and tuned do.

use super::ModelArgs;
use anyhow::{bail, Result};
use openledger_model::{Decoder, ModelTokenizer};
use openledger_serve::{generate, GenerationOptions};
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

/// Models that answer, each under its name.
struct Chat {
	models: Vec<(&'static str, Decoder)>,
	tokenizer: ModelTokenizer,
	options: GenerationOptions,
}

pub fn run(args: Args) -> Result<ExitCode> {
	if args.compare && args.model.adapter.is_none() {
		bail!("--compare shows the model with and without its adapter: name one by --adapter DIR");
	}
	if !args.temperature.is_finite() || args.temperature < 0.0 {
		bail!("--temperature {}: must be 0 or above", args.temperature);
	}
	let base = args.model.base()?;
	let tokenizer = args.model.tokenizer(&base)?;
	let tuned = args.model.tuned(&base)?;
	let name = if args.model.adapter.is_some() { "tuned" } else { "base" };
	let mut models = vec![(name, tuned)];
	if args.compare {
		models.insert(0, ("base", base));
	}
	let options = GenerationOptions {
		max_new_tokens: args.max_new_tokens,
		temperature: args.temperature,
		top_p: args.top_p,
		seed: args.seed,
	};
	let chat = Chat {
		models,
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
		for (name, model) in &self.models {
			let made = generate(model, &self.tokenizer, prompt, self.options, &mut |_| {
				ControlFlow::Continue(())
			})?;
			answers[*name] = json!({ "answer": made.text, "tokens": made.ids.len() });
		}
		super::print_json(&answers)
	}

	/// Streams each model's answer.
	fn answer(&self, prompt: &str) -> Result<()> {
		let mut out = std::io::stdout().lock();
		for (name, model) in &self.models {
			if self.models.len() > 1 {
				writeln!(out, "--- {name}")?;
			}
			let mut gone = Ok(());
			generate(model, &self.tokenizer, prompt, self.options, &mut |text| {
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
