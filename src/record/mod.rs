//! What is stored: one history a target, with its versions, its open rollout, its records and its outbox. Types only, every format versioned.
//!
//! May touch: `words`, `policy`, `manifest`, `judge`'s evidence, `decide`'s decisions. Deliberately absent: how it is stored, how it changes, how it is told.

mod alert;
mod audit;
mod history;
mod hold;
mod image;
mod mark;
mod pods;
mod release;
mod retention;
mod rollout;

pub use alert::{Alert, AlertKind, Delivery};
pub use audit::{Action, AuditEntry, Audited, CONTROLLER_CHAIN, Chain, Deed, Head, NoHead, StoredAudit, verify};
pub use history::{
    CONTROLLER_FORMAT, ControllerState, FORMAT, InForce, KnownVersion, Observation, Process, ProofBasis, Served, TargetHistory,
    Unready,
};
pub use hold::{GoesOn, HeldMark, Hold, HoldResult, MarkedWorkload, Rolling};
pub use image::{ImageOnly, NoImage};
pub use mark::{Left, Mark, MarkIntent, MarkResult};
pub use pods::{ArmPod, Guilt, Hindered, Hindrance, NotStarted, ReadyPods, SeenObject, SeenPod, StartupFailure, Waiting};
pub use release::{Recording, Release};
pub use rollout::{ActResult, Activation, DataFault, Entry, Happened, Intent, Ordered, Phase, Record, RolloutKind, Verification};
