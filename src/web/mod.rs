//! HTTP: health and own metrics on loopback, people's commands on the Unix socket. A person's act goes in as an event.
//!
//! May touch: `ports`, `record`'s types, `explain`. Deliberately absent: deciding.
