//! What the runtime says each entry point costs, measured by `scripts/weights.sh`.

use frame_support::weights::Weight;

/// What each call costs.
pub trait WeightInfo {
	/// Registers a base model of `files` files.
	fn register_base_model(files: u32) -> Weight;
	fn register_worker() -> Weight;
	fn update_worker() -> Weight;
	fn deregister_worker() -> Weight;
	/// Orders a training on `datasets` versions.
	fn request_job(datasets: u32) -> Weight;
	fn bid() -> Weight;
	fn heartbeat() -> Weight;
	fn submit_result() -> Weight;
	fn accept_result() -> Weight;
	fn cancel_job() -> Weight;
	fn report_missed() -> Weight;
	fn expire_job() -> Weight;
	fn dispute() -> Weight;
	fn judge_commit() -> Weight;
	fn judge_reveal() -> Weight;
	fn pause() -> Weight;
	fn resume() -> Weight;
	fn post_evaluation() -> Weight;
	fn draw() -> Weight;
	fn set_params() -> Weight;
	fn close_dispute() -> Weight;
	fn correct() -> Weight;
	fn prune_job() -> Weight;
	fn retract_evaluation() -> Weight;
	fn remove_evaluation() -> Weight;
	fn deregister_base_model() -> Weight;
	fn report_evaluation() -> Weight;
}

/// For tests, which charge nobody.
impl WeightInfo for () {
	fn register_base_model(_: u32) -> Weight {
		Weight::zero()
	}

	fn register_worker() -> Weight {
		Weight::zero()
	}

	fn update_worker() -> Weight {
		Weight::zero()
	}

	fn deregister_worker() -> Weight {
		Weight::zero()
	}

	fn request_job(_: u32) -> Weight {
		Weight::zero()
	}

	fn bid() -> Weight {
		Weight::zero()
	}

	fn heartbeat() -> Weight {
		Weight::zero()
	}

	fn submit_result() -> Weight {
		Weight::zero()
	}

	fn accept_result() -> Weight {
		Weight::zero()
	}

	fn cancel_job() -> Weight {
		Weight::zero()
	}

	fn report_missed() -> Weight {
		Weight::zero()
	}

	fn expire_job() -> Weight {
		Weight::zero()
	}

	fn dispute() -> Weight {
		Weight::zero()
	}

	fn judge_commit() -> Weight {
		Weight::zero()
	}

	fn judge_reveal() -> Weight {
		Weight::zero()
	}

	fn pause() -> Weight {
		Weight::zero()
	}

	fn resume() -> Weight {
		Weight::zero()
	}

	fn post_evaluation() -> Weight {
		Weight::zero()
	}

	fn draw() -> Weight {
		Weight::zero()
	}

	fn set_params() -> Weight {
		Weight::zero()
	}

	fn close_dispute() -> Weight {
		Weight::zero()
	}

	fn correct() -> Weight {
		Weight::zero()
	}

	fn prune_job() -> Weight {
		Weight::zero()
	}

	fn retract_evaluation() -> Weight {
		Weight::zero()
	}

	fn remove_evaluation() -> Weight {
		Weight::zero()
	}

	fn deregister_base_model() -> Weight {
		Weight::zero()
	}

	fn report_evaluation() -> Weight {
		Weight::zero()
	}
}
