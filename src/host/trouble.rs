//! Errors of the file system as sentences that say what to do next.

use std::{io, path::Path};

use rustix::io::Errno;

/// What was met while `doing` (`read`, `create`) something to `path`, and what to do next.
pub(super) fn sentence(doing: &str, path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    let directory = path.parent().unwrap_or(path).display();
    let next = match Errno::from_io_error(error) {
        Some(Errno::ACCESS | Errno::PERM) => {
            format!(
                "permission denied; let the user that lastgood runs as read and write `{directory}`, or run lastgood as its owner"
            )
        }
        Some(Errno::ROFS) => format!(
            "the file system is read-only for lastgood; under systemd add `ReadWritePaths={directory}` to a drop-in of lastgood.service, else mount it writable"
        ),
        Some(Errno::NOSPC | Errno::DQUOT) => "no space is left; free some space or raise the quota".to_owned(),
        Some(Errno::NOENT) => "it does not exist; create it, or correct the path in the policy".to_owned(),
        Some(Errno::NOTDIR) => "a part of the path is not a directory; correct the path in the policy".to_owned(),
        Some(Errno::LOOP) => "symlinks lead in a circle, or out of the releases; point them into the releases".to_owned(),
        Some(Errno::NOSYS) => "this kernel lacks the system call; Linux 5.6 or newer is needed".to_owned(),
        _ => format!("{error}; look at the disk and at the kernel's log"),
    };
    format!("cannot {doing} `{shown}`: {next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_names_the_path_and_the_next_step() {
        for (errno, next) in [
            (Errno::ACCESS, "as its owner"),
            (Errno::ROFS, "ReadWritePaths=/opt/myapp"),
            (Errno::NOSPC, "free some space"),
            (Errno::NOENT, "correct the path"),
            (Errno::IO, "kernel's log"),
        ] {
            let text = sentence("create", Path::new("/opt/myapp/current"), &errno.into());
            assert!(text.starts_with("cannot create `/opt/myapp/current`: "), "{text}");
            assert!(text.contains(next), "{text}");
        }
    }
}
