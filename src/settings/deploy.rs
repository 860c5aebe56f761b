//! `[deploy]`: how much a release may be.

use super::{model::DeploySettings, typed::Reading};
use crate::policy::nearest::shown;

/// The settings under `deploy`.
pub(super) fn deploy(reading: &mut Reading<'_>) -> Option<DeploySettings> {
    let max_bytes = reading.one("deploy.max_bytes", parse_bytes);
    let max_entries = reading.one("deploy.max_entries", count);
    let max_ratio = reading.one("deploy.max_ratio", count);
    Some(DeploySettings {
        max_bytes: max_bytes?,
        max_entries: max_entries?,
        max_ratio: max_ratio?,
    })
}

fn count(text: &str) -> Result<u64, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("found `{}`: write a whole number, 1 or more", shown(text)))
}

/// A number of bytes: `4GiB`, `500MiB`, `1000`.
///
/// # Errors
/// When it is none.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
    let unit = units
        .iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (number, shift) = unit.unwrap_or((text, 0));
    let number: Option<u64> = number.trim().parse().ok();
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("found `{}`: write a size as `4GiB`, `500MiB` or in bytes", shown(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(parse_bytes("4GiB"), Ok(4 << 30));
        assert_eq!(parse_bytes("1000"), Ok(1000));
        for wrong in ["", "0", "4GB", "-1", "99999999999TiB", "GiB"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }
}
