//! Artifacts as a release's files: tar (plain, gzip, zstd), zip, or a single file; nothing leaves the tree, and all of it has limits.

mod fault;
mod tar;
mod tree;
mod zip;

pub use fault::UnpackError;

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use tokio_util::sync::CancellationToken;

use tree::Tree;

/// How much an artifact may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one download, and of all unpacked files together.
    pub bytes: u64,
    /// Files, directories and links together.
    pub entries: u64,
    /// Unpacked bytes for each packed one, once more than 16 MiB are unpacked.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 4 << 30,
            entries: 100_000,
            ratio: 100,
        }
    }
}

/// An artifact that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its file name, whose ending says what it is.
    pub name: String,
    /// Where it is.
    pub file: PathBuf,
}

/// What was unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacked {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

/// What an artifact is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tar,
    TarGz,
    TarZst,
    Zip,
    Single,
}

impl Kind {
    fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        if ends(&[".tar.gz", ".tgz"]) {
            Self::TarGz
        } else if ends(&[".tar.zst", ".tzst"]) {
            Self::TarZst
        } else if ends(&[".tar"]) {
            Self::Tar
        } else if ends(&[".zip"]) {
            Self::Zip
        } else {
            Self::Single
        }
    }
}

/// Unpacks `artifacts` one after the other into the directory `root`, which is empty; `manifest` becomes its `release.json` if they bring
/// none. All of it is durable when this returns.
///
/// # Errors
/// Whatever an archive must not hold, is or becomes; what the disk says. What was unpacked stays, for the caller to remove.
pub(super) fn unpack(
    root: &Path,
    artifacts: &[Artifact],
    manifest: Option<&str>,
    limits: Limits,
    stop: &CancellationToken,
) -> Result<Unpacked, UnpackError> {
    let mut tree = Tree::open(root, limits, stop.clone())?;
    for artifact in artifacts {
        let mut file = File::open(&artifact.file).map_err(|error| UnpackError::disk("read", &artifact.file, &error))?;
        let packed = file
            .metadata()
            .map_err(|error| UnpackError::disk("read", &artifact.file, &error))?;
        tree.begin(&artifact.name, packed.len());
        match Kind::of(&artifact.name) {
            Kind::Tar => tar::unpack(&mut tree, BufReader::new(file))?,
            Kind::TarGz => tar::unpack(&mut tree, flate2::read::MultiGzDecoder::new(BufReader::new(file)))?,
            Kind::TarZst => {
                let decoder = zstd::Decoder::new(file).map_err(|error| tree.broken(&error))?;
                tar::unpack(&mut tree, decoder)?;
            }
            Kind::Zip => zip::unpack(&mut tree, BufReader::new(file))?,
            Kind::Single => single(&mut tree, &artifact.name, &mut file)?,
        }
    }
    if let Some(manifest) = manifest.filter(|_| !tree.holds(Path::new("release.json"))) {
        tree.begin("release.json", manifest.len() as u64);
        tree.file(Path::new("release.json"), 0o644, &mut manifest.as_bytes())?;
    }
    tree.seal()
}

/// One file as it is: a program, or configuration. What is a program by its first bytes may be executed.
fn single(tree: &mut Tree, name: &str, file: &mut File) -> Result<(), UnpackError> {
    let mut head = Vec::new();
    let read = Read::by_ref(file).take(4).read_to_end(&mut head);
    read.and_then(|_| file.seek(SeekFrom::Start(0)))
        .map_err(|error| tree.broken(&error))?;
    let packed = match head.as_slice() {
        [0x1f, 0x8b, ..] => Some("tar.gz"),
        [0x28, 0xb5, 0x2f, 0xfd] => Some("tar.zst"),
        _ => None,
    };
    if let Some(ending) = packed {
        return Err(tree.wrong(&format!(
            "it is compressed, and its name does not end in `.{ending}`: name a tar so, or upload the file as it is"
        )));
    }
    let program = head.starts_with(b"\x7fELF") || head.starts_with(b"#!");
    tree.file(Path::new(name), if program { 0o755 } else { 0o644 }, file)
}
