//! One file a call, and one for each trait.

mod award;
mod claim;
mod claim_fee;
mod epochs;
mod invariants;
mod sweep;
