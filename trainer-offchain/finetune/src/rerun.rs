//! Repeating a run, or one segment of it, and comparing what comes out.

use crate::config::RunConfig;
use crate::data;
use crate::error::{FinetuneError, Result};
use crate::hash::FileHash;
use crate::kernel::kernel_path;
use crate::manifest::{self, Code, Inputs, Manifest};
use crate::run::{device, OnStep};
use crate::state::{deviation, State};
use crate::training::{on_threads, Setup, Training};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How far what was trained may be from what another kernel path or device gives, as a share of the way that the segment moved
/// it ([`deviation`]). Rounding alone stays far below, other data or another order far above, unless the training is so
/// unstable that it enlarges rounding itself ([`sensitivity`]).
pub const TOLERANCE: f64 = 0.05;
/// From this [`sensitivity`] on nothing can be said of a segment that was repeated on another kernel path or device.
pub const UNSTABLE: f64 = TOLERANCE / 5.0;
/// By how much the start is moved to find that out: some roundings of 32 bits.
const NUDGE: f32 = 1e-6;

/// The steps to repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
	/// Its number, from 0: it leads from checkpoint `number - 1`, the first from the start, to checkpoint `number`.
	pub number: usize,
	/// Steps made before it.
	pub from: usize,
	/// Steps made after it.
	pub until: usize,
}

impl Segment {
	/// Number `number` of a run of `total` steps with a checkpoint after every `every` steps and after the last; with
	/// none (0) the whole run is one segment.
	pub fn of(number: usize, every: usize, total: usize) -> Result<Self> {
		let every = if every == 0 { total.max(1) } else { every };
		let last = total.div_ceil(every).max(1) - 1;
		if number > last {
			return Err(FinetuneError::NoSegment { segment: number, last });
		}
		Ok(Self {
			number,
			from: number * every,
			until: ((number + 1) * every).min(total),
		})
	}
}

/// A run or a part of it, made again.
#[derive(Clone, Debug)]
pub struct Repeated {
	/// The state that it came to; none where `on_step` broke it off.
	pub end: Option<State>,
	/// Steps of the whole run.
	pub total_steps: usize,
}

/// Makes the steps of a run after `from` again, up to `until`, from the state there: of the first from the model and
/// adapter that the configuration names. Nothing is written.
pub fn repeat(config: RunConfig, segment: Segment, from: Option<State>, on_step: OnStep) -> Result<Repeated> {
	config.validate()?;
	on_threads(config.threads, || {
		let setup = Setup::load(config)?;
		let mut training = Training::new(&setup)?;
		if let Some(state) = from {
			training.restore(state)?;
		}
		let mut repeated = Repeated {
			end: None,
			total_steps: training.total_steps,
		};
		while training.position.step < segment.until && !training.is_over() {
			if on_step(training.step()?).is_break() {
				return Ok(repeated);
			}
		}
		repeated.end = Some(training.state()?);
		Ok(repeated)
	})
}

/// What a segment starts from: the checkpoint before it, or what the configuration begins with.
pub fn start(config: &RunConfig, checkpoint: Option<&Path>) -> Result<State> {
	match checkpoint {
		Some(path) => State::read(path),
		None => on_threads(config.threads, || Training::new(&Setup::load(config.clone())?)?.state()),
	}
}

/// How far apart two repetitions come whose starts are a rounding apart; none where `on_step` broke it off. `end` is where the
/// first came to; `start` is asked for what it began with, which is not held meanwhile.
pub fn sensitivity(
	config: RunConfig,
	segment: Segment,
	start: impl Fn() -> Result<State>,
	end: &State,
	on_step: OnStep,
) -> Result<Option<f64>> {
	let mut nudged = start()?;
	for (_, tensor) in nudged.trained_mut() {
		tensor.values.iter_mut().for_each(|value| *value *= 1.0 + NUDGE);
	}
	let other = repeat(config, segment, Some(nudged), on_step)?.end;
	let apart = |other: State| Ok(deviation(&start()?, end, &other));
	other.map(apart).transpose()
}

/// What a comparison found.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Comparison {
	/// Whether every byte had to be equal: same kernel path, device and threads as declared.
	pub exact: bool,
	/// Whether it is as declared.
	pub equal: bool,
	/// How far apart, as [`deviation`] counts it.
	pub deviation: f64,
}

/// Compares what was repeated with what was declared. `start` is asked for what it began with where they differ.
pub fn compare(
	exact: bool,
	expected: &State,
	found: &State,
	start: impl FnOnce() -> Result<State>,
) -> Result<Comparison> {
	if expected == found {
		return Ok(Comparison {
			exact,
			equal: true,
			deviation: 0.0,
		});
	}
	let apart = deviation(&start()?, expected, found);
	let (a, b) = (expected.position, found.position);
	let alike = |a: f64, b: f64| (a - b).abs() <= TOLERANCE * a.abs();
	let position_fits =
		(a.step, a.tokens) == (b.step, b.tokens) && alike(a.loss_sum, b.loss_sum) && alike(a.last_loss, b.last_loss);
	Ok(Comparison {
		exact,
		equal: !exact && position_fits && apart <= TOLERANCE,
		deviation: apart,
	})
}

/// Whether this process, when it repeats by `config`, adds up as the manifest declares: only then every byte must be equal.
pub fn is_exact(declared: &Inputs, config: &RunConfig) -> Result<bool> {
	let here = device(&config.device)?;
	Ok(here.is_cpu()
		&& declared.device == "cpu"
		&& declared.code == Code::current()
		&& declared.kernel_path == kernel_path(&here, config.dtype)?)
}

/// Checks that a run would read the files that the manifest names.
pub fn check_files(declared: &Inputs, config: &RunConfig) -> Result<()> {
	let adapter = match &config.init_adapter {
		Some(dir) => manifest::folder_files(dir)?,
		None => Vec::new(),
	};
	let parts: [(&'static str, &[FileHash], Vec<FileHash>); 3] = [
		(
			"the base model",
			&declared.base_files,
			manifest::base_files(&config.model)?,
		),
		("init_adapter", &declared.init_adapter_files, adapter),
		("the data", &declared.data_files, data::read(&config.data)?.files),
	];
	for (what, declared, found) in parts {
		let at = (0..declared.len().max(found.len())).find(|at| declared.get(*at) != found.get(*at));
		if let Some(file) = at.and_then(|at| declared.get(at).or(found.get(at))) {
			let name = file.name.clone();
			return Err(FinetuneError::OtherFile { what, name });
		}
	}
	Ok(())
}

/// The configuration that a manifest declares, on these files and as many threads.
pub fn config_of(manifest: &Manifest, model: &Path, data: &Path, init_adapter: Option<&Path>) -> Result<RunConfig> {
	let mut value = manifest.inputs.config.clone();
	if let Some(map) = value.as_object_mut() {
		let text = |path: &Path| serde_json::Value::from(path.to_string_lossy());
		map.insert("model".into(), text(model));
		map.insert("data".into(), text(data));
		map.insert("output".into(), "".into());
		map.insert("threads".into(), manifest.inputs.threads.into());
		if let Some(dir) = init_adapter {
			map.insert("init_adapter".into(), text(dir));
		}
	}
	let config: RunConfig = serde_json::from_value(value).map_err(|error| FinetuneError::Unusable {
		reason: format!("its configuration: {error}"),
	})?;
	config.validate()?;
	Ok(config)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn segments_should_cover_a_run_without_a_gap() {
		let all = |every, total: usize| -> Vec<(usize, usize)> {
			let of = |number| Segment::of(number, every, total).ok();
			(0..).map_while(of).map(|s| (s.from, s.until)).collect()
		};
		assert_eq!(all(4, 10), [(0, 4), (4, 8), (8, 10)]);
		assert_eq!(all(5, 10), [(0, 5), (5, 10)]);
		assert_eq!((all(0, 10), all(99, 10)), (vec![(0, 10)], vec![(0, 10)]));
		let message = Segment::of(3, 4, 10).unwrap_err().to_string();
		assert!(message.contains("segment 3") && message.contains("0 to 2"), "{message}");
	}
}
