//! lastgood: an unattended guard for deployments. `ARCHITECTURE.md` draws the map of these rooms.

pub mod alert;
pub mod app;
pub mod cli;
pub mod count;
pub mod decide;
pub mod demo;
pub mod engine;
pub mod explain;
pub mod fetch;
pub mod history;
pub mod host;
pub mod judge;
pub mod kubernetes;
pub mod manifest;
pub mod policy;
pub mod ports;
pub mod prometheus;
pub mod question;
pub mod record;
pub mod registry;
pub mod settings;
pub mod trail;
pub mod web;
pub mod words;
