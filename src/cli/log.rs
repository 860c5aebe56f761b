//! Log lines: on stderr, text on a terminal, JSON elsewhere.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::{Common, LogFormat};

/// Starts logging. `LASTGOOD_LOG` (else `RUST_LOG`) wins over `-v` and `-q`.
pub fn start(common: &Common, controller: bool) {
    let quiet = if controller { LevelFilter::INFO } else { LevelFilter::WARN };
    let level = match (common.quiet, common.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => quiet,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let named = std::env::var("LASTGOOD_LOG").or_else(|_| std::env::var("RUST_LOG"));
    let filter = match named {
        Ok(directives) => EnvFilter::builder().parse_lossy(directives),
        Err(_) => EnvFilter::builder().parse_lossy(format!("error,lastgood={level}")),
    };
    let terminal = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal);
    let json = match common.log_format {
        Some(format) => format == LogFormat::Json,
        None => controller && !terminal,
    };
    if json {
        subscriber.json().flatten_event(true).init();
    } else {
        subscriber.with_target(false).init();
    }
}
