//! One file a call, and one for each trait.

mod accept_transfer;
mod close;
mod conclude;
mod conclude_planted;
mod create_datanet;
mod encoding;
mod exclude;
mod footprint;
mod grant;
mod invariants;
mod prune;
mod release_hold;
mod request_access;
mod revoke;
mod set_metadata;
mod set_params;
mod set_policy;
mod submit;
mod transfer;
mod versions;
mod views;
mod withdraw;
