//! What a machine can carry, measured and written to `docs/speed.md`: the costs that `benches/judge.rs` left behind, a fleet of judges,
//! their memory, and `lastgood judge` on a large file.

#[path = "promise/machine.rs"]
mod machine;
#[path = "../tests/judge/rig.rs"]
#[expect(dead_code, clippy::expect_used, reason = "the rig serves the tests too")]
mod rig;

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use lastgood::{
    judge::{Background, Comparison, Judge, Plan, calibrate},
    policy::Policy,
    words::{MetricStep, Step},
};
use rig::*;

/// Judges that are alive at once, each with three metrics.
const SERVICES: usize = 1_000;
/// What a fleet is said for.
const FLEET: f64 = 10_000.0;
const ROUNDS: usize = 20;
/// The file that `lastgood judge` gets.
const ROLLOUTS: usize = 20_000;
const STEPS: usize = 120;
const PODS: usize = 4;

/// What criterion measured: its name, what it is, and the goal in microseconds, where there is one.
const COSTS: [(&str, &str, Option<f64>); 10] = [
    (
        "step/ratio/concurrent",
        "a step of a ratio with a floor, 3 pods beside 9",
        Some(3.0),
    ),
    (
        "step/ratio/before_after",
        "a step of a ratio with a floor, before/after",
        None,
    ),
    (
        "step/histogram/twenty_pods",
        "a step of a histogram, four bounds, 20 pods an arm",
        Some(25.0),
    ),
    (
        "step/histogram/before_after",
        "a step of a histogram, four bounds, before/after, one pod",
        None,
    ),
    ("new/ratio/concurrent", "a new judge of a ratio", None),
    (
        "calibrate/ratio/hour_of_nine_pods",
        "learning from an hour of nine pods, a ratio",
        None,
    ),
    ("calibrate/ratio/day", "learning from 24 h of one host, a ratio", None),
    (
        "calibrate/histogram/hour_of_twenty_pods",
        "learning from an hour of 20 pods, a histogram",
        None,
    ),
    ("forecast/ratio", "`check --prometheus`: the forecast of a ratio", None),
    (
        "forecast/histogram",
        "`check --prometheus`: the forecast of a histogram",
        None,
    ),
];

fn main() -> anyhow::Result<()> {
    // Whoever builds or tests all targets measures nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let load = first_line("/proc/loadavg")?;
    let mut page = head(&load)?;
    costs(&mut page)?;
    fleet(&mut page)?;
    command(&mut page)?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/speed.md");
    fs::write(&path, &page).context("docs/speed.md cannot be written")?;
    print_to_stdout(&page)
}

fn print_to_stdout(page: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(page.as_bytes())?)
}

fn first_line(path: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| path.to_owned())?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn head(load: &str) -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let load: Vec<&str> = load.split(' ').take(1).collect();
    Ok(format!(
        "# How fast it is\n\nWritten by `benches/speed.rs` (`make bench`) on {}: {}, {cores} cores, one-minute load {} when it began (what else ran on the \
         machine makes every time here longer).\n",
        machine::today(),
        machine::processor(),
        load.join(" ")
    ))
}

/// What `benches/judge.rs` measured last, from criterion's own files.
fn costs(page: &mut String) -> anyhow::Result<()> {
    page.push_str(
        "\n## One metric\n\nMedians by criterion; a step is one scrape.\n\n| what | time | goal |\n| --- | --- | --- |\n",
    );
    for (name, what, goal) in COSTS {
        let file = target()?
            .join("criterion")
            .join(name.replace('/', "_"))
            .join("new/estimates.json");
        let text =
            fs::read_to_string(&file).with_context(|| format!("{}: run `cargo bench --bench judge` first", file.display()))?;
        let estimates: serde_json::Value = serde_json::from_str(&text)?;
        let nanoseconds = estimates["median"]["point_estimate"].as_f64().context("no median")?;
        let goal = goal.map_or_else(|| "-".to_owned(), |goal| format!("{goal} µs"));
        writeln!(page, "| {what} | {} | {goal} |", time(nanoseconds / 1e9))?;
    }
    page.push_str("\nA step allocates nothing once the judge is warm (`tests/judge_allocations.rs`).\n");
    Ok(())
}

fn target() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).context("no target directory")?;
    Ok(target.to_owned())
}

fn time(seconds: f64) -> String {
    match seconds {
        ..1e-3 => format!("{:.1} µs", seconds * 1e6),
        ..1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.1} s"),
    }
}

/// A policy of two ratios and a histogram, and an hour of it with so many pods an arm.
fn service(pods_an_arm: usize) -> (Policy, Plan, Vec<Step>) {
    let mut dice = Dice::new(3);
    let mut availability = errors();
    "availability".clone_into(&mut availability.name);
    let policy = policy(vec![errors(), availability, latency()]);
    let mut arms = |t: usize| {
        let mut ratio = || {
            pods(
                (0..pods_an_arm)
                    .map(|_| FLAT.step(&mut dice, 1.0))
                    .map(|[bad, total]| bad_of(bad, total)),
            )
        };
        let ratios = [(); 2].map(|()| MetricStep {
            candidate: ratio(),
            baseline: ratio(),
            ..MetricStep::default()
        });
        let mut latency =
            || pods((0..pods_an_arm).map(|_| durations(&mut dice, &DEFAULT_BUCKETS, 50, SPREAD, |_, seconds| seconds)));
        let histogram = MetricStep {
            bounds: DEFAULT_BUCKETS.to_vec(),
            candidate: latency(),
            baseline: latency(),
            gaps: Vec::new(),
        };
        Step {
            at: at(t),
            metrics: ratios.into_iter().chain([histogram]).collect(),
        }
    };
    let steps = (0..HOUR).map(&mut arms).collect();
    (policy, plan(Comparison::Concurrent, 480), steps)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// Many judges alive at once, so that none finds its numbers in the cache.
fn fleet(page: &mut String) -> anyhow::Result<()> {
    writeln!(
        page,
        "\n## A fleet\n\n{SERVICES} services that are all being judged at once, each by two ratios and a histogram of four bounds; \
         {ROUNDS} rounds over all of them, measured, and taken times ten.\n\n\
         | compared | memory of a judge | a round of {SERVICES} | {FLEET:.0} services every 15 s |\n| --- | --- | --- | --- |"
    )?;
    for (compare, pods_an_arm, what) in [
        (Comparison::BeforeAfter, 1, "before/after, one pod"),
        (Comparison::Concurrent, 4, "beside a baseline, 4 pods an arm"),
        (Comparison::Concurrent, 20, "beside a baseline, 20 pods an arm"),
    ] {
        let (policy, plan, steps) = service(pods_an_arm);
        let plan = Plan { compare, ..plan };
        let background = Background {
            recent: &steps,
            own_hour: &steps,
            past_pods: &[],
        };
        let learnt = calibrate(&policy, &plan, &background);
        let mut one = None;
        let memory = allocation_counter::measure(|| one = Some(Judge::new(&policy, &plan, &learnt)));
        let mut judges: Vec<Judge> = one.into_iter().cycle().take(SERVICES).collect();
        let spent = timed(|| {
            for step in steps.iter().take(ROUNDS) {
                judges.iter_mut().for_each(|judge| judge.step(step));
            }
        });
        let round = spent.as_secs_f64() / ROUNDS as f64;
        writeln!(
            page,
            "| {what} | {:.0} KiB | {} | {:.1} % of one core |",
            memory.bytes_current as f64 / 1024.0,
            time(round),
            round * FLEET / SERVICES as f64 / 15.0 * 100.0
        )?;
    }
    page.push_str(
        "\nThe goal is under 10 % of one core. This is judging alone: asking Prometheus and reading its answers come on top. A service that \
         has no open rollout has no judge.\n",
    );
    Ok(())
}

/// One rollout as product.md writes it: an hour of four pods, then four new ones beside them.
fn rollout(dice: &mut Dice, index: usize) -> String {
    let worse = if index.is_multiple_of(2) { 1.0 } else { 3.0 };
    let service = Service { load: 17.0, ..REAL };
    let mut arm = |name: char, factor: f64| {
        let pods: Vec<String> = (0..PODS)
            .map(|pod| {
                let [bad, total] = service.step(dice, factor);
                format!("\"myapp-7d9c{name}-{pod}\":[{bad},{total}]")
            })
            .collect();
        format!("{{{}}}", pods.join(","))
    };
    let history: Vec<String> = (0..HOUR).map(|_| arm('b', 1.0)).collect();
    let steps: Vec<String> = (0..STEPS)
        .map(|_| format!("{{\"candidate\":{},\"baseline\":{}}}", arm('c', worse), arm('b', 1.0)))
        .collect();
    format!(
        "{{\"id\":\"r{index}\",\"history\":[{}],\"steps\":[{}]}}",
        history.join(","),
        steps.join(",")
    )
}

/// The whole command on a large file. The counts of few rollouts are drawn, and come again under other ids.
fn command(page: &mut String) -> anyhow::Result<()> {
    const DRAWN: usize = 200;
    let directory = tempfile::tempdir_in(target()?)?;
    let path = directory.path().join("rollouts.ndjson");
    let mut dice = Dice::new(4);
    let drawn: Vec<String> = (0..DRAWN).map(|index| rollout(&mut dice, index)).collect();
    let mut file = BufWriter::new(File::create(&path)?);
    for index in 0..ROLLOUTS {
        let line = &drawn[index % DRAWN];
        let rest = line.split_once(',').map_or("", |(_, rest)| rest);
        writeln!(file, "{{\"id\":\"r{index}\",{rest}")?;
    }
    file.flush()?;
    let size = fs::metadata(&path)?.len();
    let answers = File::create(directory.path().join("answers.ndjson"))?;
    let mut ended = None;
    let before = children()?;
    let spent = timed(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
        command.arg("judge").arg(&path).stdin(Stdio::null()).stdout(answers);
        ended = Some(command.status());
    });
    let work = children()? - before;
    let ended = ended.context("it never ran")??;
    let text = fs::read_to_string(directory.path().join("answers.ndjson"))?;
    anyhow::ensure!(
        ended.success() && text.lines().count() == ROLLOUTS,
        "lastgood judge ended with {ended}"
    );
    let convicted = text.lines().filter(|line| line.contains("\"regression\"")).count();
    writeln!(
        page,
        "\n## `lastgood judge`\n\n{ROLLOUTS} rollouts of {STEPS} steps with {PODS} pods an arm and an hour of history, a file of {:.0} MB (half of \
         the releases are three times worse; {convicted} were convicted): {:.1} s, and {work:.1} s of work on all cores together. The goal is \
         under 20 s on two cores. Memory stays constant however long the file is: 16 lines for each core are begun at once, and the digests \
         of 262,144 ids are kept.",
        size as f64 / 1e6,
        spent.as_secs_f64()
    )?;
    Ok(())
}

/// Seconds of processor time of all children so far.
fn children() -> anyhow::Result<f64> {
    /// The kernel's unit here, on every architecture that we know.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // cutime and cstime, the 16th and 17th of proc(5), counted from the third.
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    Ok((ticks(13).context("cutime")? + ticks(14).context("cstime")?) / TICKS)
}
