//! The promise, measured: plays simulated rollouts, writes docs/promise.md with its tables and plots, and fails where a promise is broken.
//!
//! `make promise` runs the full tier. `cargo bench --bench promise -- --size 0.02 --into DIRECTORY` plays a part of the rollouts, and
//! with `--only KIND` those whose line in `cells.csv` begins so (`beside`, `latency`, `value`, ...), with `--noise NAME` in one noise. Then `DIRECTORY/promise/cells.csv` is
//! all that is written: most of the page would be missing.

mod cells;
mod machine;
mod peers;
mod report;
mod simulation;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use cells::{
    measure,
    published::{self, Size},
};
use report::{
    cells::Measured,
    page::{Made, Run, page, score},
    plots, promises,
};

const SEED: u64 = 20_261_124;

fn main() -> anyhow::Result<ExitCode> {
    let option = |name: &str| std::env::args().skip_while(|word| word != name).nth(1);
    let size = option("--size").map_or(Ok(1.0), |size| size.parse())?;
    let into = option("--into").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"), PathBuf::from);
    let threads = thread::available_parallelism()?.get();
    #[expect(clippy::disallowed_methods, reason = "how long it took is told; nothing is decided by it")]
    let begun = Instant::now();
    let told = |done: usize, all: usize| {
        if done * 100 / all > (done - 1) * 100 / all {
            eprintln!("{} % after {} s", done * 100 / all, begun.elapsed().as_secs());
        }
    };
    let mut scenarios = published::all(SEED, Size(size));
    let only = option("--only");
    if let Some(kind) = &only {
        let noise = option("--noise");
        let asked = |world: &str| noise.as_deref().is_none_or(|noise| noise == world);
        scenarios.retain(|scenario| scenario.place().kind == kind && asked(&scenario.place().world));
        anyhow::ensure!(!scenarios.is_empty(), "no cell is of the kind {kind} and that noise");
        anyhow::ensure!(
            option("--into").is_some(),
            "--only KIND needs --into DIRECTORY: the published cells are not replaced by a part"
        );
    }
    let measured = Measured::new(measure(&scenarios, threads, told));
    let plots_of = into.join("promise");
    std::fs::create_dir_all(&plots_of)?;
    std::fs::write(plots_of.join("cells.csv"), measured.csv())?;
    if only.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    let promises = promises::all(&measured);
    let run = Run {
        seed: SEED,
        size,
        made: made(threads, begun.elapsed()),
    };
    std::fs::write(into.join("promise.md"), page(&measured, &promises, &run))?;
    for (name, plot) in plots::all(&measured) {
        std::fs::write(plots_of.join(name), plot)?;
    }
    let broken = promises.iter().flat_map(|(_, promises)| promises);
    for promise in broken.filter(|promise| promise.kept == promises::Kept::No) {
        println!("broken: {} | measured: {}", promise.promise, promise.measured);
    }
    let [kept, within, broken] = score(&promises);
    println!("{kept} promises kept, {within} beyond by less than chance explains, {broken} broken");
    Ok(ExitCode::from(u8::from(broken > 0)))
}

fn made(threads: usize, duration: Duration) -> Made {
    Made {
        date: machine::today(),
        machine: format!("{} × {threads} threads", machine::processor()),
        duration: format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60),
    }
}
