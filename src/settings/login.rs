//! A user and a file that holds their password.

use super::{
    model::BasicAuth,
    typed::{Reading, path},
};

/// The user and the password that stand under the key `table`.
pub(super) fn login(reading: &mut Reading<'_>, table: &str) -> Option<BasicAuth> {
    let (user_key, password_key) = (format!("{table}.user"), format!("{table}.password_file"));
    let user = reading.one(&user_key, |text| {
        let good = !text.is_empty() && !text.contains(':');
        good.then(|| text.to_owned())
            .ok_or_else(|| "a user name has at least one character and no `:`".to_owned())
    });
    let password_file = reading.one(&password_key, path);
    match (reading.has(&user_key), reading.has(&password_key)) {
        (true, false) => reading.fault(&user_key, "`password_file` is missing: name the file that holds the password"),
        (false, true) => reading.fault(&password_key, "`user` is missing: the two go together"),
        _ => {}
    }
    Some(BasicAuth {
        user: user?,
        password_file: password_file?,
    })
}
