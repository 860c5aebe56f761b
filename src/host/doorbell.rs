//! The doorbell: inotify on the directory that holds `current`, and a slow look for all that inotify cannot see.

use std::{ffi::OsStr, fs, os::unix::fs::MetadataExt, time::Duration};

use futures::StreamExt;
use inotify::{Event, EventMask, EventStream, Inotify, WatchMask};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::link::Place;

/// How often it rings of itself.
const SLOW: Duration = Duration::from_secs(10);

/// Rings when `current` may have changed.
pub(super) struct Doorbell {
    /// Kept from call to call, so that callers who give up and call again do not put it off.
    slow: Interval,
    watch: Option<Watch>,
}

struct Watch {
    events: EventStream<Vec<u8>>,
    /// Device and inode of the watched directory: another one may take its path.
    directory: (u64, u64),
}

impl Doorbell {
    /// One that rings at once the first time. Needs the async runtime.
    pub fn new() -> Self {
        let mut slow = interval(SLOW);
        slow.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { slow, watch: None }
    }

    /// Resolves when `current` may have changed. No event is lost between two calls.
    pub async fn rung(&mut self, place: &Place) {
        loop {
            let Some(watch) = &mut self.watch else {
                // Armed before it rings, so what happens during the caller's look is seen. Where it cannot be armed the slow look stays.
                self.slow.tick().await;
                self.watch = Watch::arm(place);
                return;
            };
            tokio::select! {
                event = watch.events.next() => match event {
                    Some(Ok(event)) if concerns(&event, &place.name) => return,
                    Some(Ok(event)) if ends(&event) => {
                        // Armed again at once, and told: the place may be another one now.
                        self.watch = Watch::arm(place);
                        return;
                    }
                    Some(Ok(_)) => {}
                    // Not armed at once: an error that stays would make it spin.
                    Some(Err(_)) | None => self.watch = None,
                },
                _ = self.slow.tick() => {
                    if Watch::directory(place) != Some(watch.directory) {
                        self.watch = Watch::arm(place);
                    }
                    return;
                }
            }
        }
    }
}

impl Watch {
    fn arm(place: &Place) -> Option<Self> {
        let directory = Self::directory(place)?;
        let inotify = Inotify::init().ok()?;
        let mask = WatchMask::CREATE
            | WatchMask::DELETE
            | WatchMask::MOVED_FROM
            | WatchMask::MOVED_TO
            | WatchMask::DELETE_SELF
            | WatchMask::MOVE_SELF
            | WatchMask::ONLYDIR;
        inotify.watches().add(&place.parent, mask).ok()?;
        let events = inotify.into_event_stream(vec![0; 4096]).ok()?;
        Some(Self { events, directory })
    }

    fn directory(place: &Place) -> Option<(u64, u64)> {
        fs::metadata(&place.parent).ok().map(|meta| (meta.dev(), meta.ino()))
    }
}

fn concerns<S: AsRef<OsStr>>(event: &Event<S>, name: &OsStr) -> bool {
    event.name.as_ref().is_some_and(|found| found.as_ref() == name) || event.mask.contains(EventMask::Q_OVERFLOW)
}

fn ends<S>(event: &Event<S>) -> bool {
    event
        .mask
        .intersects(EventMask::DELETE_SELF | EventMask::MOVE_SELF | EventMask::IGNORED | EventMask::UNMOUNT)
}
