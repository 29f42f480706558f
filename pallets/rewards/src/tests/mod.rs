//! One file a call, and one for each trait.

mod award;
mod claim;
mod claim_fee;
mod epochs;
mod invariants;
mod prune_fee_claim;
mod prune_share;
mod release_sponsorship;
mod set_params;
mod sponsor;
mod sweep;
mod sweep_datanet;
mod sweep_fee;
mod views;
