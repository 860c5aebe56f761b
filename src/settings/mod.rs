//! The controller's own settings, from a TOML file and `LASTGOOD__*` variables, each with its origin.
//!
//! May touch: `words`, `policy`'s mode, files, the environment. Deliberately absent: policies' contents.
