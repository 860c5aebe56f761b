//! How a registry says which credentials it wants: `WWW-Authenticate`, RFC 9110, and the token scheme of the distribution API.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A user and a password.
    Basic,
    /// A token of the server at `realm`.
    Bearer {
        /// Its URL.
        realm: String,
        /// What the registry calls itself there.
        service: Option<String>,
    },
}

/// The challenge of an answer; where both are offered, the token, which gives the password to the token server alone.
pub(super) fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let texts = headers.get_all(WWW_AUTHENTICATE).iter();
    let mut found: Vec<Challenge> = texts.filter_map(|value| parse(value.to_str().ok()?)).collect();
    let token = found.iter().position(|challenge| *challenge != Challenge::Basic);
    token.map(|index| found.swap_remove(index)).or_else(|| found.pop())
}

fn parse(text: &str) -> Option<Challenge> {
    let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service) = (None, None);
    for (key, value) in parameters(rest) {
        match key.to_ascii_lowercase().as_str() {
            "realm" => realm = Some(value),
            "service" => service = Some(value),
            _ => {}
        }
    }
    Some(Challenge::Bearer { realm: realm?, service })
}

/// `key="value"` and `key=value`, separated by commas; a quoted value may hold commas and escapes.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        let key: String = std::iter::from_fn(|| rest.next_if(|c| *c != '=')).collect();
        if rest.next().is_none() {
            return found;
        }
        let mut value = String::new();
        if rest.next_if_eq(&'"').is_some() {
            while let Some(c) = rest.next().filter(|c| *c != '"') {
                value.extend(if c == '\\' { rest.next() } else { Some(c) });
            }
        } else {
            value.extend(std::iter::from_fn(|| rest.next_if(|c| *c != ',')));
        }
        while rest.next_if(|c| *c != ',').is_some() {}
        rest.next();
        found.push((key.trim().to_owned(), value.trim().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().expect("a header"));
        }
        challenge(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
        })
    }

    #[test]
    fn a_challenge_is_read_however_it_is_written() {
        assert_eq!(of(&["Basic realm=\"Registry Realm\""]), Some(Challenge::Basic));
        assert_eq!(of(&["basic"]), Some(Challenge::Basic));
        let whole =
            "Bearer realm=\"https://auth.example/token?a=b\",service=\"registry.example\",scope=\"repository:a/b:pull,push\"";
        assert_eq!(
            of(&[whole]),
            bearer("https://auth.example/token?a=b", Some("registry.example"))
        );
        assert_eq!(
            of(&["bearer  Realm=https://auth.example , SERVICE=\"a\\\"b,c\" "]),
            bearer("https://auth.example", Some("a\"b,c"))
        );
        assert_eq!(
            of(&["Basic realm=\"a\"", "Bearer realm=\"https://b\""]),
            bearer("https://b", None)
        );
    }

    #[test]
    fn what_is_no_challenge_of_these_two_is_none() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["Negotiate"]), None);
        assert_eq!(of(&["Bearer service=\"a\""]), None);
        assert_eq!(of(&["Bearer realm"]), None);
        assert_eq!(of(&["Bearer realm=\"https://cut"]), bearer("https://cut", None));
    }
}
