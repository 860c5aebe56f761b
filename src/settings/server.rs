//! `[server]`: where lastgood listens.

use std::net::SocketAddr;

use super::{
    model::{ServerSettings, StoreSettings},
    typed::{Reading, path},
};
use crate::policy::nearest::shown;

/// The settings under `server`.
pub(super) fn server(reading: &mut Reading<'_>, store: Option<&StoreSettings>) -> Option<ServerSettings> {
    let listen = reading.one("server.listen", |text| address(text, store));
    let socket = reading.one("server.socket", path);
    Some(ServerSettings {
        listen: listen?,
        socket: socket?,
    })
}

/// A loopback address; in a pod any, as its probes and Prometheus come from outside.
fn address(text: &str, store: Option<&StoreSettings>) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| format!("found `{}`: write an address and a port: `127.0.0.1:9470`", shown(text)))?;
    if address.ip().is_loopback() || store == Some(&StoreSettings::Kubernetes) {
        Ok(address)
    } else {
        Err(format!(
            "`{address}` can be reached from other machines, and there are no access rules in this version: write a loopback address: `127.0.0.1:9470`"
        ))
    }
}
