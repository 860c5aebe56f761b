//! An authority: whom it vouches for over TLS, and the tokens that it signs.

use std::{fs, path::PathBuf};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use lastgood::{app::clock::SystemClock, ports::Clock as _};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SigningKey as _};
use serde_json::{Value, json};

use crate::rig::Shelf;

/// An authority, and its own certificate.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("an authority").pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Its certificate, written to the shelf.
    pub fn write(&self, shelf: &Shelf, name: &str) -> PathBuf {
        shelf.write(name, &self.pem)
    }

    /// A certificate for this machine and its key, written to the shelf.
    pub fn vouch(&self, shelf: &Shelf) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.certified();
        let paths = (shelf.path("server.crt"), shelf.path("server.key"));
        fs::write(&paths.0, certificate.pem()).expect("written");
        fs::write(&paths.1, key.serialize_pem()).expect("written");
        paths
    }

    /// One who signs tokens in its name.
    pub fn signer(&self) -> Signer {
        let (certificate, key) = self.certified();
        Signer {
            chain: BASE64_STANDARD.encode(certificate.der()),
            key,
        }
    }

    fn certified(&self) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("parameters");
        (params.signed_by(&key, &self.issuer).expect("a certificate"), key)
    }
}

/// Signs tokens of the distribution API: JSON web tokens by ES256.
pub struct Signer {
    chain: String,
    key: KeyPair,
}

impl Signer {
    /// A token of `issuer` for `service` that allows `actions` on `repository` for five minutes.
    pub fn token(&self, issuer: &str, service: &str, repository: &str, actions: &[&str]) -> String {
        let now = SystemClock.now().millis() / 1000;
        let header = json!({"typ": "JWT", "alg": "ES256", "x5c": [self.chain]});
        let claims = json!({
            "iss": issuer, "sub": "ann", "aud": service, "exp": now + 300, "nbf": now - 10, "iat": now, "jti": "1",
            "access": [{"type": "repository", "name": repository, "actions": actions}],
        });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(both_numbers(&signature)))
    }
}

/// The two numbers of a signature, 32 bytes each, out of its ASN.1.
fn both_numbers(der: &[u8]) -> Vec<u8> {
    let (mut rest, mut both) = (&der[2..], Vec::new());
    while let [2, length, after @ ..] = rest {
        let (number, next) = after.split_at(usize::from(*length));
        let digits = &number[number.len().saturating_sub(32)..];
        both.extend(std::iter::repeat_n(0, 32 - digits.len()));
        both.extend_from_slice(digits);
        rest = next;
    }
    both
}
