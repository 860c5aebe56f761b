//! A stored record -> sentences, in English and Chinese: one source for alert, command line and page.
//!
//! May touch: the pure rooms' types. Deliberately absent: judging again, clocks, channels.
