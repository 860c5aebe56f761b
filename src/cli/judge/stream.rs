//! Lines through all cores, answers in their order, in constant memory: what is begun is bounded.

use std::{
    io::{self, BufRead, BufWriter, Write},
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread,
};

use super::lines::{Ids, Line, Lines};
use crate::{
    cli::output,
    judge::rollout::{Answer, Asked, answer},
    policy::nearest::shown,
    words::Verdict,
};

/// So many lines are begun for each core.
const BEGUN: usize = 16;

/// What became of all lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Rollouts that were read.
    pub(super) lines: u64,
    /// Those that were not as they must be.
    pub(super) wrong: u64,
    /// The verdict on the last one.
    pub(super) last: Option<Verdict>,
}

/// A line on its way to a verdict.
struct Job {
    line: Line,
    reply: SyncSender<Answered>,
}

struct Answered {
    number: u64,
    answer: Result<Answer, String>,
}

/// Judges every line of `input` and writes the answers to stdout, what is wrong to stderr.
///
/// # Errors
/// When the input cannot be read, or stdout not be written.
pub(super) fn judge(input: impl BufRead + Send, asked: &Asked) -> anyhow::Result<Tally> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let (begin, jobs) = sync_channel::<Job>(cores * BEGUN);
    let (promise, promised) = sync_channel::<Receiver<Answered>>(cores * BEGUN);
    let jobs = Mutex::new(jobs);
    thread::scope(|scope| {
        let reader = scope.spawn(move || read(input, &begin, &promise));
        for _ in 0..cores {
            scope.spawn(|| work(&jobs, asked));
        }
        let tally = write(promised);
        let read = reader.join().unwrap_or_else(|_| Err(io::Error::other("reading ended early")));
        let tally = tally?;
        // Who reads no more, as `head` does, ends the work without an error.
        read?;
        Ok(tally)
    })
}

/// Begins a job for each line, in order, as long as anybody waits for answers.
fn read(input: impl BufRead, begin: &SyncSender<Job>, promise: &SyncSender<Receiver<Answered>>) -> io::Result<()> {
    for line in Lines::new(input) {
        let (reply, answered) = sync_channel(1);
        if promise.send(answered).is_err() || begin.send(Job { line: line?, reply }).is_err() {
            break;
        }
    }
    Ok(())
}

fn work(jobs: &Mutex<Receiver<Job>>, asked: &Asked) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job {
            line: Line { number, text },
            reply,
        }) = next
        else {
            return;
        };
        let answer = text.and_then(|text| answer(&text, asked).map_err(|error| error.to_string()));
        // Nobody waits for it once stdout is closed.
        let _ = reply.send(Answered { number, answer });
    }
}

fn write(promised: Receiver<Receiver<Answered>>) -> io::Result<Tally> {
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut tally, mut ids) = (Tally::default(), Ids::default());
    loop {
        let next = match promised.try_recv() {
            Ok(next) => next,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                // Whoever waits for each answer before the next question gets it.
                if closed(out.flush())? {
                    return Ok(tally);
                }
                match promised.recv() {
                    Ok(next) => next,
                    Err(_) => break,
                }
            }
        };
        let Ok(answered) = next.try_recv().or_else(|_| {
            let _ = out.flush();
            next.recv()
        }) else {
            continue;
        };
        if closed(told(answered, &mut out, &mut tally, &mut ids))? {
            return Ok(tally);
        }
    }
    closed(out.flush())?;
    Ok(tally)
}

fn told(Answered { number, answer }: Answered, out: &mut impl Write, tally: &mut Tally, ids: &mut Ids) -> io::Result<()> {
    tally.lines += 1;
    let answer = answer.and_then(|answer| {
        if ids.is_new(&answer.id) {
            Ok(answer)
        } else {
            Err(format!(
                "`id`: a line before has the same, `{}`: give each rollout its own",
                shown(&answer.id)
            ))
        }
    });
    match answer {
        Ok(answer) => {
            tally.last = Some(answer.verdict);
            serde_json::to_writer(&mut *out, &answer)?;
            out.write_all(b"\n")
        }
        Err(message) => {
            tally.wrong += 1;
            out.flush()?;
            output::say(&format!("error: line {number}: {message}"));
            Ok(())
        }
    }
}

/// Whether stdout was closed, which is no error.
fn closed(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(error),
    }
}
