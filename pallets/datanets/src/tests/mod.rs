//! One file a call, and one for each trait.

mod conclude;
mod create_datanet;
mod invariants;
mod release_hold;
mod submit;
mod versions;
mod views;
mod withdraw;
