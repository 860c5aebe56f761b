//! The noises that are not a release's fault beside a baseline (statistics.md, section 12).

/// One kind of noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// As it is called in the tables.
    pub name: &'static str,
    /// Standard deviation of the shared drift of ln(rate), an AR(1) of 0.95 a step.
    pub drift: f64,
    /// Standard deviation of ln(rate) between pods, for good.
    pub pods: f64,
    /// Variance of counts over that of independent requests.
    pub clusters: f64,
    /// The share of watches with a one-minute twentyfold outage of both arms.
    pub outages: f64,
    /// Standard deviation of each pod's own AR(1) drift of ln(rate).
    pub own: f64,
    /// Who serves.
    pub fleet: Fleet,
    /// What else happens.
    pub also: Also,
}

/// The pods of both arms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fleet {
    /// New pods.
    pub candidate: usize,
    /// Old pods.
    pub baseline: usize,
    /// The share of requests that reaches the new ones.
    pub share: f64,
}

/// What else happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Also {
    /// Nothing.
    Nothing,
    /// Failures are retried up to three times (90 %), half of them on the same pod; a retry fails again with 30 %, in a two-minute storm
    /// with 90 %.
    Retries,
    /// One old pod has half of the old pods' requests.
    Uneven,
    /// A dependency makes both arms three times worse, half-way.
    Step,
    /// Load and rate follow the curve of a day, from a random hour on.
    Daily,
    /// In the outage pods differ by a standard deviation of 1 in ln(rate), anew each step.
    Clumped,
    /// The outage multiplies counts, clusters and all, rather than the rate.
    Counts,
}

const MANY: Fleet = Fleet {
    candidate: 3,
    baseline: 9,
    share: 0.25,
};
/// One new pod beside two old ones.
pub const FEW: Fleet = Fleet {
    candidate: 1,
    baseline: 2,
    share: 1.0 / 3.0,
};

/// Independent requests.
pub const CALM: Noise = Noise {
    name: "calm",
    drift: 0.0,
    pods: 0.0,
    clusters: 1.0,
    outages: 0.0,
    own: 0.0,
    fleet: MANY,
    also: Also::Nothing,
};

/// An ordinary service.
pub const REAL: Noise = Noise {
    name: "real",
    drift: 0.3,
    pods: 0.1,
    clusters: 1.5,
    outages: 0.05,
    ..CALM
};

/// A service that nobody would call calm.
pub const NASTY: Noise = Noise {
    name: "nasty",
    drift: 0.5,
    pods: 0.25,
    clusters: 4.0,
    outages: 0.2,
    ..CALM
};

/// One new pod beside two.
pub const FEW_REAL: Noise = Noise {
    name: "few real",
    fleet: FEW,
    ..REAL
};

/// One new pod beside two, nasty.
pub const FEW_NASTY: Noise = Noise {
    name: "few nasty",
    fleet: FEW,
    ..NASTY
};

/// All of them, in the order of the tables.
pub const ALL: [Noise; 14] = [
    CALM,
    REAL,
    NASTY,
    FEW_REAL,
    FEW_NASTY,
    also("retry storm", 0.2, Also::Retries),
    also("uneven", 0.05, Also::Uneven),
    also("step", 0.05, Also::Step),
    also("daily", 0.05, Also::Daily),
    own("own drift 0.2", 0.2),
    own("own drift 0.4", 0.4),
    also("clumped outage", 0.2, Also::Clumped),
    also("real, counts x20", 0.2, Also::Counts),
    Noise {
        name: "nasty, counts x20",
        also: Also::Counts,
        ..NASTY
    },
];

const fn also(name: &'static str, outages: f64, also: Also) -> Noise {
    Noise {
        name,
        outages,
        also,
        ..REAL
    }
}

const fn own(name: &'static str, own: f64) -> Noise {
    Noise { name, own, ..REAL }
}

impl Noise {
    /// The share of requests that reaches each pod: the candidate's first.
    pub fn shares(&self) -> Vec<f64> {
        let Fleet {
            candidate,
            baseline,
            share,
        } = self.fleet;
        let mut shares = vec![share / candidate as f64; candidate];
        for pod in 0..baseline {
            shares.push(if self.also != Also::Uneven {
                (1.0 - share) / baseline as f64
            } else if pod == 0 {
                (1.0 - share) / 2.0
            } else {
                (1.0 - share) / 2.0 / (baseline - 1) as f64
            });
        }
        shares
    }

    /// Steps that an outage lasts.
    pub fn outage(&self) -> usize {
        if self.also == Also::Retries { 8 } else { 4 }
    }
}
