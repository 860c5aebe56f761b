//! Stories: timed events in, expected effects, alerts and standings out, and nothing else emitted.

mod activation;
mod anything;
mod blindness;
mod blocked;
mod crashes;
mod gone;
mod guards;
mod hindrance;
mod holding;
mod invariants;
mod manifests;
mod marks;
mod orders;
mod outbox;
mod past_pods;
mod people;
mod pods;
mod props;
mod releases;
mod script;
mod shop;
