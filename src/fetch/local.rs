//! From a file of this host: copied, so that nobody changes it between its digest and its unpacking.

use std::{fs::File, io::Read, path::Path};

use tokio_util::sync::CancellationToken;

use super::{FetchError, Progress, Source, Told, fault::next, partial::Partial};

/// So much is copied between two looks at `stop`.
const PIECE: usize = 1 << 20;

pub(super) async fn fetch(
    source: &Source,
    path: &Path,
    partial: &mut Partial,
    most: u64,
    stop: &CancellationToken,
    told: Told<'_>,
) -> Result<(), FetchError> {
    let refused = |because: String| FetchError::Refused {
        name: source.name.clone(),
        from: path.display().to_string(),
        because,
    };
    // A copy is as fast as a comparison would be.
    partial.restart(None)?;
    let mut file = File::open(path).map_err(|error| refused(next(&error)))?;
    let meta = file.metadata().map_err(|error| refused(next(&error)))?;
    if !meta.is_file() {
        return Err(refused("it is no file; give an archive or a program".to_owned()));
    }
    let mut piece = vec![0; PIECE];
    loop {
        if stop.is_cancelled() {
            return Err(FetchError::Interrupted);
        }
        let read = file.read(&mut piece).map_err(|error| refused(next(&error)))?;
        if read == 0 {
            return Ok(());
        }
        partial.add(piece.get(..read).unwrap_or_default())?;
        if partial.length() > most {
            return Err(FetchError::TooLarge {
                name: source.name.clone(),
                most,
            });
        }
        told(Progress::At {
            name: &source.name,
            got: partial.length(),
            total: Some(meta.len()),
        });
        tokio::task::yield_now().await;
    }
}
