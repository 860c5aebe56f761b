//! Child processes that never outlive us: each in its own process group, ended on drop, and ended by the kernel when we die.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::Path,
    process::{Command, ExitStatus},
    time::Duration,
};

use rustix::process::{Pid, Signal, getppid, kill_process_group, set_parent_process_death_signal};

/// A running child. Dropping it kills its whole process group and waits for its end.
#[derive(Debug)]
pub struct Child {
    name: String,
    inner: std::process::Child,
}

/// Why a child could not be started or held.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// The program cannot be run.
    #[error("cannot run {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// What was met.
        source: io::Error,
    },
    /// The parent ended before its child was ready.
    #[error("the process that started this one is gone")]
    Orphan,
    /// The kernel refused to tie the child to its parent.
    #[error("cannot tie this process to its parent: {0}")]
    Tie(io::Error),
}

impl Child {
    /// Starts `command`, which came from [`held`], and calls it `name`. Call it on a thread that lives as long as the child shall: it is
    /// the thread that the kernel watches.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn start(name: &str, mut command: Command) -> Result<Self, ChildError> {
        let inner = command.process_group(0).spawn().map_err(|source| ChildError::Start {
            program: command.get_program().to_string_lossy().into_owned(),
            source,
        })?;
        Ok(Self {
            name: name.to_owned(),
            inner,
        })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, which is its process group's too.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        // An error means that there is no such child any more.
        self.inner.try_wait().unwrap_or_else(|_| Some(ExitStatus::from_raw(0)))
    }

    /// Sends `signal` to its process group; one that has ended is left alone.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none()
            && let Some(group) = i32::try_from(self.inner.id()).ok().and_then(Pid::from_raw)
        {
            // It may end between the look and the signal.
            let _ = kill_process_group(group, signal);
        }
    }

    /// Asks it to end, and kills it where it has not within `patience`.
    pub async fn stop(mut self, patience: Duration) {
        self.signal(Signal::TERM);
        let ended = async {
            while self.ended().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // Whoever does not end in time is killed by the drop.
        let _ = tokio::time::timeout(patience, ended).await;
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.inner.wait();
    }
}

/// The command that runs `program` by way of `lastgood demo hold`, so that the kernel ends it when the thread that starts it ends.
/// `lastgood` is the binary itself.
#[must_use]
pub fn held<A: AsRef<OsStr>>(lastgood: &Path, program: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(lastgood);
    command
        .args(["demo", "hold"])
        .arg(std::process::id().to_string())
        .arg("--")
        .arg(program)
        .args(arguments);
    command
}

/// Ties this process to `parent`, so that the kernel kills it when its parent dies, and becomes `program`. Returns only on failure.
#[must_use]
pub fn hold(parent: u32, program: &OsStr, arguments: &[OsString]) -> ChildError {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return ChildError::Tie(error.into());
    }
    // The parent may have died before the tie was made; then somebody else is the parent by now.
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != i32::try_from(parent).ok() {
        return ChildError::Orphan;
    }
    ChildError::Start {
        program: program.to_string_lossy().into_owned(),
        source: Command::new(program).args(arguments).exec(),
    }
}
