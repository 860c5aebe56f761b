//! An activation command: without a shell, in its own process group, ended whole at its deadline, the end of its output kept.

use std::{
    ffi::OsString,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

/// So many bytes of each output are kept, the last ones.
const KEPT: usize = 4096;
/// How long a command that was asked to end may take to do so.
const GRACE: Duration = Duration::from_secs(3);
/// How long output is waited for after the command ended: what it started in the background may hold the pipes open.
const LATE_OUTPUT: Duration = Duration::from_millis(300);

/// A command to run.
#[derive(Debug, Clone)]
pub(super) struct Activation {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it runs: the parent directory of `current`.
    pub directory: PathBuf,
    /// Its deadline.
    pub timeout: Duration,
    /// `LASTGOOD_…`.
    pub environment: Vec<(&'static str, OsString)>,
}

/// The end of an output.
type Tail = Arc<Mutex<Vec<u8>>>;

impl Activation {
    /// The program, found as it will be: in the command's directory, or on the `PATH`.
    ///
    /// # Errors
    /// When there is no such executable file, with what to do next.
    pub fn program(&self) -> Result<PathBuf, String> {
        let name = self.command.first().map_or("", String::as_str);
        let candidates: Vec<PathBuf> = if name.contains('/') {
            vec![self.directory.join(name)]
        } else {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).map(|directory| directory.join(name)).collect()
        };
        let executable =
            |path: &&PathBuf| std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
        candidates.iter().find(executable).cloned().ok_or_else(|| {
            format!(
                "the activation command `{name}` is no executable file (looked in {}); install it, make it executable, or correct `activate.command` in the policy",
                if name.contains('/') { self.directory.display().to_string() } else { "the PATH".to_owned() }
            )
        })
    }

    /// Runs it to its end, or to its deadline. Returns the end of its output.
    ///
    /// # Errors
    /// When it cannot be started, fails or is ended at its deadline, with its output and what to do next.
    pub async fn run(&self) -> Result<String, String> {
        let mut child = self.spawn(&self.program()?)?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let out = drain(child.stdout.take());
        let err = drain(child.stderr.take());
        let ended = match timeout(self.timeout, child.wait()).await {
            Ok(ended) => ended.map(Some),
            Err(_) => end(&mut child, group).await.map(|()| None),
        };
        let output = output(&finished(out).await, &finished(err).await);
        let name = self.command.first().map_or("", String::as_str);
        match ended {
            Ok(Some(status)) if status.success() => Ok(format!("`{name}` succeeded; {output}")),
            Ok(Some(status)) => Err(format!(
                "the activation command `{name}` failed ({}); {output}; run it by hand in `{}`",
                told(status),
                self.directory.display()
            )),
            Ok(None) => Err(format!(
                "the activation command `{name}` was not done within {} s and was ended; {output}; raise `activate.timeout` in the policy, or make it return sooner",
                self.timeout.as_secs_f64()
            )),
            Err(error) => Err(format!(
                "the activation command `{name}` was lost: {error}; look whether it still runs"
            )),
        }
    }

    fn spawn(&self, program: &Path) -> Result<Child, String> {
        let mut command = Command::new(program);
        command
            .args(self.command.iter().skip(1))
            .current_dir(&self.directory)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Our own settings, which may hold secrets, and our own talk with systemd are not the command's.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_ours) {
                command.env_remove(&name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.spawn().map_err(|error| {
            format!(
                "cannot start the activation command `{}`: {error}; run it by hand in `{}`",
                program.display(),
                self.directory.display()
            )
        })
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with("LASTGOOD_")
        || matches!(
            name,
            "NOTIFY_SOCKET" | "WATCHDOG_PID" | "WATCHDOG_USEC" | "CREDENTIALS_DIRECTORY" | "INVOCATION_ID"
        )
}

fn told(status: ExitStatus) -> String {
    status.to_string()
}

/// Ends the whole group: asked first, then killed.
async fn end(child: &mut Child, group: Option<Pid>) -> std::io::Result<()> {
    let signal = |signal| {
        if let Some(group) = group {
            // It fails where all of them ended already.
            let _ = kill_process_group(group, signal);
        }
    };
    signal(Signal::TERM);
    let asked = timeout(GRACE, child.wait()).await;
    // Also after the leader ended: those that it started may not have.
    signal(Signal::KILL);
    match asked {
        Ok(ended) => ended.map(|_| ()),
        Err(_) => child.wait().await.map(|_| ()),
    }
}

/// Reads an output to its end, however long, and keeps its last bytes. It goes on after the command ended, as what it started in the
/// background would be ended by a closed pipe.
fn drain(output: Option<impl AsyncRead + Unpin + Send + 'static>) -> (Tail, JoinHandle<()>) {
    let tail = Tail::default();
    let kept = Arc::clone(&tail);
    let reading = tokio::spawn(async move {
        let Some(mut output) = output else { return };
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = output.read(&mut buffer).await {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(buffer.get(..read).unwrap_or_default());
            let excess = kept.len().saturating_sub(KEPT);
            kept.drain(..excess);
        }
    });
    (tail, reading)
}

fn output(out: &str, err: &str) -> String {
    match (out, err) {
        ("", "") => "without output".to_owned(),
        (out, "") => format!("stdout: {out}"),
        ("", err) => format!("stderr: {err}"),
        (out, err) => format!("stdout: {out}; stderr: {err}"),
    }
}

/// What an output ended with; control characters as they are, they are escaped where they are shown.
async fn finished((tail, mut reading): (Tail, JoinHandle<()>)) -> String {
    let _ = timeout(LATE_OUTPUT, &mut reading).await;
    let tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&tail).trim_end().to_owned()
}
