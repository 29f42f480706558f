//! Continuous batching: one thread steps all texts under way together; a text joins between two steps and leaves when it
//! ends, without waiting for others.

use crate::sequence::{FinishReason, GenerationOptions, Sequence};
use openledger_model::{AdapterSet, Decoder, ModelError, ModelTokenizer, Segment};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{sync_channel, Receiver, SyncSender, TryRecvError, TrySendError};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What an engine allows.
#[derive(Clone, Copy, Debug)]
pub struct EngineLimits {
	/// Texts under way at once.
	pub batch: usize,
	/// Texts that wait for a place; more are refused.
	pub waiting: usize,
	/// Positions that all texts under way may come to hold together: what bounds the memory of caches.
	pub cached_tokens: usize,
	/// Ids of one prompt read in one step: a long prompt must not stop the others.
	pub prefill: usize,
}

impl Default for EngineLimits {
	fn default() -> Self {
		Self {
			batch: 16,
			waiting: 64,
			cached_tokens: 32_768,
			prefill: 256,
		}
	}
}

/// A text to continue.
pub struct Request {
	/// Its ids.
	pub prompt: Vec<u32>,
	/// The adapter to read it with.
	pub adapter: Option<Arc<AdapterSet>>,
	/// How.
	pub options: GenerationOptions,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Event {
	/// A piece of text.
	Text(String),
	/// Its end.
	Done(Ending),
	/// It could not be continued.
	Failed(String),
}

/// How a text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
	/// Why.
	pub finish: FinishReason,
	/// Tokens of the prompt.
	pub prompt_tokens: usize,
	/// Tokens written.
	pub written_tokens: usize,
}

/// Why a request is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
	/// As many wait as may.
	#[error("as many requests wait as this server lets wait")]
	Busy,
	/// It does not fit the model, or this server's memory.
	#[error("{0}")]
	Invalid(String),
	/// The engine has ended.
	#[error("this server is stopping")]
	Stopped,
}

/// Counts since the start.
#[derive(Default)]
pub struct Counts {
	/// Requests taken.
	pub taken: AtomicU64,
	/// Requests refused because too many waited.
	pub refused: AtomicU64,
	/// Tokens read in prompts.
	pub read_tokens: AtomicU64,
	/// Tokens written.
	pub written_tokens: AtomicU64,
	/// Texts under way.
	pub running: AtomicUsize,
	/// Texts that wait.
	pub waiting: AtomicUsize,
}

/// Takes requests and answers them. It ends when the last clone is dropped and the texts under way have ended.
#[derive(Clone)]
pub struct Engine {
	decoder: Arc<Decoder>,
	limits: EngineLimits,
	counts: Arc<Counts>,
	queue: SyncSender<Waiting>,
}

struct Waiting {
	sequence: Sequence,
	adapter: Option<Arc<AdapterSet>>,
	events: mpsc::Sender<Event>,
}

impl Engine {
	/// Starts the thread that steps `decoder`.
	pub fn start(decoder: Arc<Decoder>, tokenizer: Arc<ModelTokenizer>, limits: EngineLimits) -> std::io::Result<Self> {
		let (queue, incoming) = sync_channel(limits.waiting);
		let counts = Arc::new(Counts::default());
		let stepper = Stepper {
			decoder: decoder.clone(),
			tokenizer,
			limits,
			counts: counts.clone(),
			running: Vec::new(),
			next: None,
		};
		std::thread::Builder::new()
			.name("engine".into())
			.spawn(move || stepper.run(&incoming))?;
		Ok(Self {
			decoder,
			limits,
			counts,
			queue,
		})
	}

	/// The model.
	pub fn decoder(&self) -> &Decoder {
		&self.decoder
	}

	/// Counts since the start.
	pub fn counts(&self) -> &Counts {
		&self.counts
	}

	/// Takes a request, or says at once why not. Who drops the receiver gives the answer up.
	pub fn submit(&self, request: Request) -> Result<mpsc::Receiver<Event>, Refusal> {
		if let Some((name, reason)) = request.options.fault() {
			return Err(Refusal::Invalid(format!("{name}: {reason}")));
		}
		let sequence = Sequence::new(&self.decoder, request.prompt, request.options)
			.map_err(|error| Refusal::Invalid(error.to_string()))?;
		let (needed, most) = (sequence.most_positions(), self.limits.cached_tokens);
		if needed > most {
			let reason = format!("prompt and answer may take {needed} tokens; this server has memory for {most}");
			return Err(Refusal::Invalid(reason));
		}
		// A piece of text for each token that it may write, and its end: the engine never waits for a slow reader.
		let (events, receiver) = mpsc::channel(needed - sequence.prompt_tokens() + 2);
		let waiting = Waiting {
			sequence,
			adapter: request.adapter,
			events,
		};
		self.counts.waiting.fetch_add(1, Ordering::Relaxed);
		let refusal = match self.queue.try_send(waiting) {
			Ok(()) => {
				self.counts.taken.fetch_add(1, Ordering::Relaxed);
				return Ok(receiver);
			}
			Err(TrySendError::Full(_)) => {
				self.counts.refused.fetch_add(1, Ordering::Relaxed);
				Refusal::Busy
			}
			Err(TrySendError::Disconnected(_)) => Refusal::Stopped,
		};
		self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
		Err(refusal)
	}
}

/// The thread's state.
struct Stepper {
	decoder: Arc<Decoder>,
	tokenizer: Arc<ModelTokenizer>,
	limits: EngineLimits,
	counts: Arc<Counts>,
	running: Vec<Waiting>,
	/// The first in the queue, where there is no room for it yet.
	next: Option<Waiting>,
}

impl Stepper {
	fn run(mut self, incoming: &Receiver<Waiting>) {
		while self.admit(incoming) {
			self.step();
			self.counts.running.store(self.running.len(), Ordering::Relaxed);
		}
	}

	/// Lets texts in while there is room, waiting for one where nothing is under way. False once nothing will come.
	fn admit(&mut self, incoming: &Receiver<Waiting>) -> bool {
		self.running.retain(|text| !text.events.is_closed());
		loop {
			if self.next.is_none() {
				if self.running.is_empty() {
					match incoming.recv() {
						Ok(waiting) => self.next = Some(waiting),
						Err(_) => return false,
					}
				} else {
					match incoming.try_recv() {
						Ok(waiting) => self.next = Some(waiting),
						Err(TryRecvError::Empty | TryRecvError::Disconnected) => return true,
					}
				}
			}
			let fits = |waiting: &Waiting| {
				let held: usize = self.running.iter().map(|text| text.sequence.most_positions()).sum();
				let positions = held + waiting.sequence.most_positions();
				self.running.len() < self.limits.batch && positions <= self.limits.cached_tokens
			};
			let Some(waiting) = self.next.take_if(|waiting| waiting.events.is_closed() || fits(waiting)) else {
				return true;
			};
			self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
			if !waiting.events.is_closed() {
				let tokens = waiting.sequence.prompt_tokens() as u64;
				self.counts.read_tokens.fetch_add(tokens, Ordering::Relaxed);
				self.running.push(waiting);
			}
		}
	}

	/// One step of all texts under way.
	fn step(&mut self) {
		// Neighbours with one adapter share its products.
		self.running.sort_by_key(|text| text.adapter.as_ref().map(Arc::as_ptr));
		let (decoder, prefill) = (&self.decoder, self.limits.prefill);
		let mut segments: Vec<Segment<'_>> = self
			.running
			.iter_mut()
			.map(|text| text.sequence.segment(text.adapter.as_deref(), prefill))
			.collect();
		let logits = decoder.step(&mut segments);
		drop(segments);
		let logits = match logits {
			Ok(logits) => logits,
			Err(error) => {
				tracing::error!(%error, "a step failed");
				self.running.drain(..).for_each(|text| text.fail(&error));
				return;
			}
		};
		let mut at = 0;
		let (tokenizer, counts) = (&self.tokenizer, &self.counts);
		self.running.retain_mut(|text| {
			at += 1;
			let before = text.sequence.written_tokens();
			let result = logits
				.get(at - 1)
				.map_err(ModelError::from)
				.and_then(|logits| text.sequence.advance(&logits, tokenizer));
			let written = text.sequence.written_tokens() - before;
			counts.written_tokens.fetch_add(written as u64, Ordering::Relaxed);
			match result {
				Ok(finish) => text.tell(finish),
				Err(error) => {
					text.fail(&error);
					false
				}
			}
		});
	}
}

impl Waiting {
	/// Sends what is new; false where the text has ended or nobody listens.
	fn tell(&mut self, finish: Option<FinishReason>) -> bool {
		let piece = self.sequence.take_text(finish.is_some());
		let heard = piece.is_empty() || self.events.try_send(Event::Text(piece)).is_ok();
		let Some(finish) = finish else { return heard };
		let ending = Ending {
			finish,
			prompt_tokens: self.sequence.prompt_tokens(),
			written_tokens: self.sequence.written_tokens(),
		};
		// Whoever is gone does not miss it.
		let _ = self.events.try_send(Event::Done(ending));
		false
	}

	fn fail(&self, error: &ModelError) {
		let _ = self.events.try_send(Event::Failed(error.to_string()));
	}
}
