//! The promise, measured: plays simulated rollouts, writes docs/promise.md with its tables and plots, and fails where a promise is broken.
//!
//! `make promise` runs the full tier, `make promise ONLY=PART` one part of the page (`general`, `auto`, `objective`, `native`, `value-beside`) and leaves
//! what the others say. `cargo bench --bench promise -- --size 0.02 --into DIRECTORY` plays a part of the rollouts; `--only KIND` those
//! whose line in `cells.csv` begins so (`beside`, `latency`, `value`, ...), and `--noise NAME` those in one noise. Then
//! `DIRECTORY/promise/cells.csv` is all that is written: most of the page would be missing.

mod cells;
mod machine;
mod peers;
mod report;
mod simulation;
mod source;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use cells::{
    Scenario, measure,
    published::{self, Size},
};
use report::{
    cells::Measured,
    page::page,
    parts::{PARTS, Part, Promises, Stamp, Told},
    plots,
    promises::Kept,
};

const SEED: u64 = 20_261_124;

/// What is played, and where it is written.
struct Asked {
    size: f64,
    only: Option<String>,
    noise: Option<String>,
    into: PathBuf,
}

impl Asked {
    fn read() -> anyhow::Result<Self> {
        let option = |name: &str| std::env::args().skip_while(|word| word != name).nth(1);
        let asked = Self {
            size: option("--size").map_or(Ok(1.0), |size| size.parse())?,
            only: option("--only"),
            noise: option("--noise"),
            into: option("--into").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"), PathBuf::from),
        };
        let published = asked.page().exists() && !(asked.size == 1.0 && asked.parts().next().is_some());
        anyhow::ensure!(
            !published,
            "{} is not replaced by less than a part of it: say --into DIRECTORY",
            asked.page().display()
        );
        Ok(asked)
    }

    /// The parts of the page that are measured in whole.
    fn parts(&self) -> impl Iterator<Item = &'static Part> {
        let whole = |part: &&Part| self.noise.is_none() && self.only.as_ref().is_none_or(|only| only == part.name);
        PARTS.iter().filter(whole)
    }

    fn scenarios(&self) -> anyhow::Result<Vec<Box<dyn Scenario>>> {
        let of_kind = |kind: &str, only: &str| {
            let part = PARTS.iter().find(|part| part.name == only);
            part.map_or(kind == only, |part| part.kinds.contains(&kind))
        };
        let mut scenarios = published::all(SEED, Size(self.size));
        scenarios.retain(|scenario| {
            let place = scenario.place();
            self.only.as_ref().is_none_or(|only| of_kind(place.kind, only))
                && self.noise.as_ref().is_none_or(|noise| *noise == place.world)
        });
        anyhow::ensure!(!scenarios.is_empty(), "no cell is of that part or kind and that noise");
        Ok(scenarios)
    }

    fn page(&self) -> PathBuf {
        self.into.join("promise.md")
    }

    /// Writes the page and its plots. What was not measured stays as it is there; where there is no page, only a whole one is written.
    fn publish(&self, measured: &Measured, told: &[Told]) -> anyhow::Result<()> {
        let before = std::fs::read_to_string(self.page()).unwrap_or_default();
        if before.is_empty() && told.len() < PARTS.len() {
            return Ok(());
        }
        std::fs::write(self.page(), page(&before, told, SEED))?;
        if told.iter().any(|told| told.name == PARTS[0].name) {
            for (name, plot) in plots::all(measured) {
                std::fs::write(self.into.join("promise").join(name), plot)?;
            }
        }
        Ok(())
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let asked = Asked::read()?;
    let judge = source::judge();
    let threads = thread::available_parallelism()?.get();
    #[expect(clippy::disallowed_methods, reason = "how long it took is told; nothing is decided by it")]
    let begun = Instant::now();
    let heard = |done: usize, all: usize| {
        if done * 100 / all > (done - 1) * 100 / all {
            eprintln!("{} % after {} s", done * 100 / all, begun.elapsed().as_secs());
        }
    };
    let measured = Measured::new(measure(&asked.scenarios()?, threads, heard));
    let cells = asked.into.join("promise/cells.csv");
    std::fs::create_dir_all(asked.into.join("promise"))?;
    let before = std::fs::read_to_string(&cells).unwrap_or_default();
    std::fs::write(&cells, measured.csv(&before))?;
    let promised: Vec<(&Part, Promises)> = asked.parts().map(|part| (part, (part.promises)(&measured))).collect();
    let stamp = |part: &Part| Stamp {
        date: machine::today(),
        judge: judge.clone(),
        rollouts: measured.rollouts(part.kinds),
        duration: duration(begun.elapsed()),
        machine: format!("{} × {threads} threads", machine::processor()),
    };
    let told: Vec<Told> = promised
        .iter()
        .map(|(part, promises)| part.told(&measured, promises, stamp(part)))
        .collect();
    asked.publish(&measured, &told)?;
    let broken = promised
        .iter()
        .flat_map(|(_, promises)| promises)
        .flat_map(|(_, promises)| promises);
    for promise in broken.filter(|promise| promise.kept == Kept::No) {
        println!("broken: {} | measured: {}", promise.promise, promise.measured);
    }
    let scores = told.iter().map(Told::score);
    let [kept, within, broken] = scores.fold([0; 3], |sum, score| std::array::from_fn(|i| sum[i] + score[i]));
    println!("{kept} promises kept, {within} beyond by less than chance explains, {broken} broken");
    Ok(ExitCode::from(u8::from(broken > 0)))
}

fn duration(duration: Duration) -> String {
    format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60)
}
