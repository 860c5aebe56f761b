//! The command line: one file a verb. Data on stdout, all else on stderr.
//!
//! May touch: every room.
