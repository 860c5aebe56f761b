//! Channels and courier against a real HTTP server that can be ended and started again.

#[cfg(test)]
mod channels;
#[cfg(test)]
mod courier;
#[cfg(test)]
mod receiver;
#[cfg(test)]
#[expect(dead_code, reason = "the store's tests use all of it")]
#[path = "../history/sample.rs"]
mod sample;
#[cfg(test)]
mod secrets;
