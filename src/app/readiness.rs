//! Whether lastgood could act if it had to: tried at start and every few minutes, so that it is not found out in the incident.

use super::{
    guard::Outside,
    images::{self, Found},
    watch,
};
use crate::{
    policy::Policy,
    record::{TargetHistory, Unready},
};

/// Tries all that judging and a revert would need, without doing it.
pub async fn rehearse(outside: &Outside, policy: &Policy, history: &TargetHistory, cannot_look: Option<Unready>) -> Vec<Unready> {
    let mut unready: Vec<Unready> = cannot_look.into_iter().collect();
    let last_good = history.last_good(policy.revert.to);
    if last_good.is_none() {
        unready.push(Unready {
            name: "no_last_good".to_owned(),
            because: format!(
                "no version of {} is known to be good: say `lastgood release prove {} VERSION`, or wait until one is proven",
                policy.service, policy.service
            ),
        });
    }
    let to = last_good.map(|known| &known.version);
    unready.extend(outside.platform.rehearse(to, None).await);
    let image = to.and_then(|to| history.needed_image(&policy.target, to));
    match images::look(&*outside.images, image).await {
        Found::Nothing => {}
        Found::Gone(found) | Found::Remark(found) => unready.push(found),
        Found::Unknown(because) => {
            tracing::warn!(target_key = %history.target, %because, "whether the image of the last good version is there cannot be told");
        }
    }
    if let Some(hold) = policy.watch.hold {
        unready.extend(outside.platform.holdable(hold).await.err());
    }
    if let Err(because) = watch::data_flows(&*outside.source, policy, outside.clock.now()).await {
        unready.push(Unready {
            name: "no_data".to_owned(),
            because,
        });
    }
    unready.extend(missing_channels(outside, policy));
    unready
}

fn missing_channels(outside: &Outside, policy: &Policy) -> Vec<Unready> {
    let named = policy.notify.by.values().flatten().chain(&policy.notify.default);
    let mut missing: Vec<Unready> = named
        .filter(|channel| !outside.sinks.has(channel))
        .map(|channel| Unready {
            name: "no_channel".to_owned(),
            because: format!("the policy notifies `{channel}`, which the settings do not have: add [channels.{channel}]"),
        })
        .collect();
    missing.dedup();
    missing
}
