//! The controller: wiring, event loops, the clock, shutdown. No judgment about health is made here.
//!
//! May touch: every room. The only room that reads a clock.
