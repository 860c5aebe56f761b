//! Requests as people make them: uneven and bursty, over several connections, never waiting for an answer before the next one is sent.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

use super::draw::Draw;

/// Between two decisions how many requests to send.
const TICK: Duration = Duration::from_millis(20);
/// A client gives up after this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadOptions {
    /// The service.
    pub target: SocketAddr,
    /// Requests a second, on average.
    pub rate: f64,
    /// The most requests that are under way at once.
    pub connections: usize,
    /// Whether the rate moves in a wave with bursts, or stays even (still Poisson).
    pub uneven: bool,
    /// Seed of its draws.
    pub seed: u64,
}

impl LoadOptions {
    /// 200 uneven requests a second to `target`.
    #[must_use]
    pub const fn to(target: SocketAddr) -> Self {
        Self {
            target,
            rate: 200.0,
            connections: 64,
            uneven: true,
            seed: 42,
        }
    }
}

/// What the clients have met so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadCounts {
    /// Requests answered with success.
    pub answered: u64,
    /// Requests answered with a 5xx.
    pub failed: u64,
    /// Requests that were not answered at all.
    pub unanswered: u64,
    /// Requests that were not sent, as too many were under way.
    pub shed: u64,
}

#[derive(Debug, Default)]
struct Counters {
    answered: AtomicU64,
    failed: AtomicU64,
    unanswered: AtomicU64,
    shed: AtomicU64,
}

/// Clients at work. Dropping it sends them home.
#[derive(Debug)]
pub struct Load {
    counters: Arc<Counters>,
    sending: JoinHandle<()>,
}

impl Load {
    /// Starts the clients.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn start(options: &LoadOptions) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .user_agent("lastgood-demo")
            .build()?;
        let counters = Arc::new(Counters::default());
        let sending = tokio::spawn(send(options.clone(), client, Arc::clone(&counters)));
        Ok(Self { counters, sending })
    }

    /// What the clients have met so far.
    #[must_use]
    pub fn counts(&self) -> LoadCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LoadCounts {
            answered: read(&self.counters.answered),
            failed: read(&self.counters.failed),
            unanswered: read(&self.counters.unanswered),
            shed: read(&self.counters.shed),
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

async fn send(options: LoadOptions, client: reqwest::Client, counters: Arc<Counters>) {
    let draw = Draw::new(options.seed);
    let free = Arc::new(Semaphore::new(options.connections));
    let url: Arc<str> = format!("http://{}/", options.target).into();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut wave = Wave::default();
    // Dropped with this task, so no request outlives the load.
    let mut requests = JoinSet::new();
    loop {
        tick.tick().await;
        while requests.try_join_next().is_some() {}
        let shape = if options.uneven { wave.next(&draw) } else { 1.0 };
        for _ in 0..draw.poisson(options.rate * TICK.as_secs_f64() * shape) {
            let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
                counters.shed.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let (client, url, counters) = (client.clone(), Arc::clone(&url), Arc::clone(&counters));
            requests.spawn(async move {
                let _permit = permit;
                ask(&client, &url, &counters).await;
            });
        }
    }
}

async fn ask(client: &reqwest::Client, url: &str, counters: &Counters) {
    let mut answer = client.get(url).send().await;
    // A server that ends may close an idle connection just as a request is written to it. Browsers send it again over a new one.
    if answer.as_ref().is_err_and(|error| !error.is_timeout() && !error.is_connect()) {
        answer = client.get(url).send().await;
    }
    let counter = match answer {
        Ok(response) if response.status().is_server_error() => &counters.failed,
        Ok(_) => &counters.answered,
        Err(_) => &counters.unanswered,
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The shape of the load: a slow wave between 0.6 and 1.4, and bursts of 2.5 times the rate that last half a second, every few seconds.
#[derive(Debug, Default)]
struct Wave {
    ticks: u32,
    burst: u32,
}

impl Wave {
    fn next(&mut self, draw: &Draw) -> f64 {
        const PERIOD: f64 = 20.0;
        const BURST: f64 = 2.5;
        const BURST_TICKS: u32 = 25;
        const BURST_CHANCE: f64 = 0.004;
        // On average a burst has a tenth of all ticks, so that the mean stays at 1.
        const CALM: f64 = 0.87;
        let seconds = f64::from(self.ticks) * TICK.as_secs_f64();
        self.ticks = self.ticks.wrapping_add(1);
        self.burst = match self.burst {
            0 if draw.chance(BURST_CHANCE) => BURST_TICKS,
            left => left.saturating_sub(1),
        };
        let slow = 1.0 + 0.4 * (std::f64::consts::TAU * seconds / PERIOD).sin();
        slow * if self.burst > 0 { BURST } else { CALM }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wave_is_uneven_around_its_rate() {
        let draw = Draw::new(3);
        let mut wave = Wave::default();
        let shapes: Vec<f64> = (0..100_000).map(|_| wave.next(&draw)).collect();
        let mean = shapes.iter().sum::<f64>() / shapes.len() as f64;
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
        assert!(shapes.iter().any(|&shape| shape > 3.0) && shapes.iter().any(|&shape| shape < 0.6));
    }
}
