//! `[audit]`: where the audit is written beside the store.

use super::{
    model::AuditSettings,
    typed::{Reading, path, truth},
};

/// The settings under `audit`.
pub(super) fn audit(reading: &mut Reading<'_>) -> AuditSettings {
    AuditSettings {
        file: reading.one("audit.file", path),
        syslog: reading.one("audit.syslog", path),
        journald: reading.one("audit.journald", truth).unwrap_or_default(),
    }
}
