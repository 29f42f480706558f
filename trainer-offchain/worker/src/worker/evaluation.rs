//! What a result's loss is on items that were drawn after its submission, or on those that its training left out.

use super::beat::{micro, stopped, POLL};
use super::cache::{create_dir, link, Cache};
use super::error::{Result, WorkerError};
use super::prepare::ensure_root;
use super::record::{DatasetRecord, ItemRecord};
use super::Service;
use chain_client::{calls, AccountId, Chain, DispatchError, Query};
use openledger_finetune::{evaluate, Base, FinetuneError};
use openledger_model::peft;
use openledger_primitives::{
	evaluation::{draw, held_out, later, Datasets, EvaluatedOn, ResultEvaluation, MAX_TOKENS, MIN_LATER},
	item::next_root,
	model::{Job, JobResult, JobStatus},
	training::{DatasetRef, Method, Parent},
	ActiveBlock, JobId,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a result's loss is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Measured {
	/// Nats per token, in units of 1e-6.
	pub loss_micro: u64,
	/// What it is the mean of; none where nothing could be read.
	pub tokens: u64,
}

/// A result whose evaluation its worker owes.
struct Owed {
	job: Job<AccountId>,
	result: JobResult,
	until: Datasets,
	seed_at: ActiveBlock,
}

impl<C: Chain> Service<C> {
	/// Waits for the seed of a submitted result, evaluates it and reports that, unless there is nothing to report any more.
	pub async fn evaluate(&self, id: JobId) -> Result<()> {
		tokio::select! {
			done = self.evaluate_owed(id) => done,
			_ = stopped(&self.stop) => Err(WorkerError::Stopped),
		}
	}

	async fn evaluate_owed(&self, id: JobId) -> Result<()> {
		let query = Query::new(&*self.chain);
		let (owed, seed) = loop {
			let Some(owed) = self.owed(id).await? else {
				return Ok(());
			};
			if query.accumulator().await?.0 >= owed.seed_at {
				let seed = query.seeds(&[owed.seed_at]).await?.into_iter().next().flatten();
				break (owed, seed.ok_or(WorkerError::SeedMissing(id))?);
			}
			tokio::time::sleep(POLL).await;
		};
		let on = if later(&owed.job.spec.datasets, &owed.until) < MIN_LATER {
			EvaluatedOn::Split
		} else {
			let until = owed.until;
			EvaluatedOn::Later { seed, until }
		};
		let found = self.evaluate_drawn(id, &owed.job, &owed.result, &on).await?;
		let report = calls::report_evaluation(id, found.loss_micro, found.tokens);
		match self.send(report).await {
			// Accepted meanwhile, or an earlier report came into a block without this worker hearing of it.
			Err(WorkerError::Chain(error)) if error.dispatch().is_some_and(is_needless) => Ok(()),
			Err(error) => Err(error),
			Ok(()) => {
				let loss = found.loss_micro as f64 / 1e6;
				tracing::info!("job {id} is evaluated: loss {loss:.4} on {} tokens", found.tokens);
				Ok(())
			}
		}
	}

	/// A result of this worker that it has not reported the evaluation of.
	async fn owed(&self, id: JobId) -> Result<Option<Owed>> {
		let job = Query::new(&*self.chain)
			.job(id)
			.await?
			.ok_or(WorkerError::JobMissing(id))?;
		let (JobStatus::Submitted {
			worker,
			result,
			evaluation: ResultEvaluation::Due { until, seed_at, .. },
			..
		}
		| JobStatus::Disputed {
			worker,
			result,
			evaluation: ResultEvaluation::Due { until, seed_at, .. },
			..
		}) = job.status.clone()
		else {
			return Ok(None);
		};
		Ok((worker == *self.signer.account()).then_some(Owed {
			job,
			result,
			until,
			seed_at,
		}))
	}

	/// Computes the loss of an unfinished job's result on what it is, or was, evaluated on. Base model, adapter and items are
	/// fetched, and verified against the chain.
	pub async fn evaluate_drawn(
		&self,
		id: JobId,
		job: &Job<AccountId>,
		result: &JobResult,
		on: &EvaluatedOn,
	) -> Result<Measured> {
		let name = format!("{}-{id}", hex::encode(&self.genesis[..4]));
		let folder = self.home.join("evaluations").join(name);
		if folder.exists() {
			std::fs::remove_dir_all(&folder).map_err(WorkerError::io(&folder))?;
		}
		create_dir(&folder)?;
		let data = folder.join("data");
		let mut count = 0;
		for (at, (dataset, items)) in self.evaluated_items(id, job, on).await?.iter().enumerate() {
			let into = data.join(format!("{at}-datanet-{}", dataset.datanet));
			self.place(dataset.datanet, items, &into).await?;
			count += items.len();
		}
		tracing::info!("evaluating job {id} on {count} items");
		if count == 0 {
			return Ok(Measured {
				loss_micro: 0,
				tokens: 0,
			});
		}
		let (model, adapter) = self.result_files(id, job, result, &folder).await?;
		let cutoff = job.spec.hyperparameters.cutoff_length as usize;
		let base = Base {
			folder: model,
			nf4: job.spec.method == Method::Qlora,
			device: openledger_finetune::run::device(&self.device)?,
		};
		let evaluating = move || evaluate(&base, adapter.as_deref(), &data, cutoff, MAX_TOKENS as usize);
		let found = tokio::task::spawn_blocking(evaluating)
			.await
			.map_err(|error| WorkerError::Crashed(error.to_string()))?;
		let found = match found {
			// All of them are empty, or of one token.
			Err(FinetuneError::NoData { .. }) => None,
			found => Some(found?),
		};
		std::fs::remove_dir_all(&folder).map_err(WorkerError::io(&folder))?;
		Ok(Measured {
			loss_micro: found.map_or(0, |found| micro(found.loss)),
			tokens: found.map_or(0, |found| found.tokens as u64),
		})
	}

	/// The items that are evaluated on, by their dataset.
	async fn evaluated_items(
		&self,
		id: JobId,
		job: &Job<AccountId>,
		on: &EvaluatedOn,
	) -> Result<Vec<(DatasetRef, Vec<ItemRecord>)>> {
		let ordered = &job.spec.datasets;
		let mut found = Vec::new();
		match on {
			EvaluatedOn::Later { seed, until } => {
				let drawn = draw(seed, id, ordered, until).unwrap_or_default();
				for dataset in until {
					let here = drawn.iter().filter(|item| item.datanet == dataset.datanet);
					let versions: Vec<_> = here.map(|item| item.version).collect();
					found.push((*dataset, self.later_items(*dataset, &versions).await?));
				}
			}
			EvaluatedOn::Split => {
				let terms = Query::new(&*self.chain).job_terms(id).await?;
				let roots = terms.ok_or(WorkerError::JobMissing(id))?.roots;
				let records = self.datasets(id, &job.spec, &roots).await?;
				found.extend(
					ordered
						.iter()
						.copied()
						.zip(records.into_iter().map(|record| record.held_out)),
				);
			}
		}
		Ok(found)
	}

	/// The items of these versions that can be read, without what was taken down; each must lead from the root before it to its own.
	async fn later_items(&self, until: DatasetRef, versions: &[u32]) -> Result<Vec<ItemRecord>> {
		let query = Query::new(&*self.chain);
		let datanet = until.datanet;
		let exclusions = query.exclusions(datanet, until.exclusions).await?;
		let excluded: BTreeSet<_> = exclusions.iter().map(|exclusion| exclusion.version).collect();
		let mut items = Vec::new();
		for version in versions.iter().copied().filter(|version| !excluded.contains(version)) {
			let missing = || WorkerError::ItemMissing { datanet, version };
			let entries = query.versions(datanet, version - 1..=version).await?;
			let [before, entry] = entries.as_slice() else {
				return Err(missing());
			};
			let item = query.item(entry.item).await?.filter(|item| item.datanet == datanet);
			let item = item.ok_or_else(missing)?;
			let root = next_root(before.root, datanet, version, &item.payload, &item.contributor);
			ensure_root(datanet, version, entry.root, root)?;
			let record = ItemRecord::of(version, entry.item, &item.payload);
			if record.is_text() {
				items.push(record);
			}
		}
		Ok(items)
	}

	/// The model that a result makes: its folder, and the adapter's where it is one.
	async fn result_files(
		&self,
		id: JobId,
		job: &Job<AccountId>,
		result: &JobResult,
		folder: &Path,
	) -> Result<(PathBuf, Option<PathBuf>)> {
		let base = match job.spec.parent {
			Parent::Base(base) => base,
			Parent::Model(model) => {
				let found = Query::new(&*self.chain).model(model).await?;
				found.ok_or(WorkerError::ModelMissing(model))?.base
			}
		};
		let (base, record) = self.base_model(base, folder).await?;
		let into = folder.join("result");
		let what = format!("result of job {id}");
		let is_full = job.spec.method == Method::Full;
		let names = match is_full {
			true => ["model.safetensors", "config.json"],
			false => [peft::TENSORS, peft::CONFIG],
		};
		let cache = Cache::new(self.home.join("artifacts"))?;
		cache
			.place_result(&*self.artifacts, result, names, &what, &into)
			.await?;
		if !is_full {
			return Ok((base, Some(into)));
		}
		// The tokenizer stays the base model's.
		let is_weights = |name: &str| name == "config.json" || name.contains(".safetensors");
		for file in record.files.iter().filter(|file| !is_weights(&file.name)) {
			link(&base.join(&file.name), &into.join(&file.name))?;
		}
		Ok((into, None))
	}
}

/// Moves the split of a job out of what it trains on.
pub fn hold_out(job: JobId, datasets: &mut [DatasetRecord]) {
	let count: usize = datasets.iter().map(|dataset| dataset.items.len()).sum();
	let mut held = held_out(job, u32::try_from(count).unwrap_or(u32::MAX)).into_iter();
	for dataset in datasets {
		let items = std::mem::take(&mut dataset.items);
		(dataset.held_out, dataset.items) = items.into_iter().partition(|_| held.next() == Some(true));
	}
}

fn is_needless(error: &DispatchError) -> bool {
	["EvaluationAlreadyReported", "JobNotSubmitted"].contains(&error.name.as_str())
}
